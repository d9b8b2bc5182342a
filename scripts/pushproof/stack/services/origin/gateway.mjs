// The gateway, as in front of a hosted project: it checks the API key, routes by prefix and answers CORS requests.
import { isUtf8 } from 'node:buffer'
import { log, reply } from './answers.mjs'
import { createEnder, NUMBER } from './endings.mjs'
import { namesRows, routeOf } from './routes.mjs'
import { hasBody, Upstream } from './upstream.mjs'

// Headers that belong to one connection, or that the gateway itself sets.
const NOT_FORWARDED = new Set(['connection', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'te', 'trailer',
  'upgrade', 'transfer-encoding', 'content-length', 'expect', 'apikey', 'authorization', NUMBER])
const NOT_RETURNED = new Set(['connection', 'keep-alive', 'transfer-encoding', 'trailer', 'upgrade', 'date',
  'access-control-allow-origin', 'access-control-expose-headers', 'access-control-allow-credentials'])
const EXPOSED = 'Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Link, Location, '
  + 'Preference-Applied, Range-Unit, Server, X-Supabase-Api-Version, X-Total-Count'
// Any other name may be one that a web page made to point here: https://en.wikipedia.org/wiki/DNS_rebinding
const LOOPBACK = /^(localhost|127(\.(25[0-5]|(2[0-4]|1\d|[1-9])?\d)){3}|\[::1\])(:\d+)?$/i
const UNROUTED = {
  400: 'The path holds a dot segment, an empty segment, a control character or an escape that is none',
  404: 'no Route matched with those values',
  405: 'Method Not Allowed',
}
// What the library safeupdate, which a hosted project loads, says to a statement without a condition.
const WHOLE_TABLE = { DELETE: 'DELETE requires a WHERE clause', PATCH: 'UPDATE requires a WHERE clause' }
const ASCII = /^[\x00-\x7f]*$/
const PAIRS = 4000 // of a query: PostgREST takes the square of their number
const NUMBERS = 1_000_000_000 // of requests, until they begin again
const PIPELINED = 32 // requests of one connection that wait for their answers
// Until an answer begins: https://supabase.com/docs/guides/database/postgres/timeouts
const PATIENCE_MS = 60_000
// For which the answer to a client that has gone is waited for: most statements have a shorter time limit.
const LINGER_MS = 5000
const BROWSER = /^\s*Mozilla\/5\.0/i

/** Makes the origin's request listener. `auth` and `rest` answer (req, res, call); `rest` only without PostgREST. */
export function createGateway(config, { auth, rest }) {
  const roles = new Map([
    [config.publishable_key, 'anon'], [config.anon_key, 'anon'],
    [config.secret_key, 'service_role'], [config.service_role_key, 'service_role'],
  ])
  const upstream = config.rest && new Upstream(config.rest)
  const proxy = upstream && createProxy(upstream, config)

  function listener(req, res) {
    if (overfills(req, res)) return
    const unclear = ambiguity(req)
    if (unclear) {
      res.shouldKeepAlive = false
      return reply(res, 400, { message: unclear })
    }
    // Node's parser reads no further request after one that asks to speak another protocol.
    if (req.headers.upgrade) res.shouldKeepAlive = false
    if (!LOOPBACK.test(req.headers.host)) {
      return reply(res, 421, { message: 'The Host header names another machine: use 127.0.0.1 or localhost' })
    }
    const [rawPath, query] = split(req.url)
    if (!req.rawHeaders.every(isReadable)) return reply(res, 400, { message: 'A header is not UTF-8' })
    if (req.method === 'OPTIONS' && req.headers['access-control-request-method']) return preflight(req, res)
    if (!isReadable(unescaped(query))) return reply(res, 400, { message: 'The query is not UTF-8' })
    if (query.split(/[&;]/).length > PAIRS) return reply(res, 414, { message: `The query has more than ${PAIRS} parts` })
    const route = routeOf(req.method, rawPath)
    if (!route.target) return reply(res, route.status, { message: UNROUTED[route.status] })
    const { key, role } = caller(req.headers.apikey, query)
    if (!role && (key || !route.open)) return refuse(res, key)
    if (key === config.secret_key && BROWSER.test(req.headers['user-agent'])) {
      return reply(res, 401, { message: 'Forbidden use of secret API key in browser' })
    }
    // A key in a header leaves the query to the table, which may have a column of that name.
    const forwarded = req.headers.apikey === undefined ? withoutKey(query, key) : query
    const call = { path: route.path, query: forwarded, role, token: userToken(req.headers.authorization) }
    if (route.target === 'auth') return auth(req, res, call)
    const refusal = !namesRows(call.query) && WHOLE_TABLE[req.method]
    if (refusal) return reply(res, 400, { code: '21000', details: null, hint: null, message: refusal })
    return (proxy ?? rest)(req, res, call)
  }

  // A query stands in logs and histories, so it may hold a publishable key only.
  function caller(header, query) {
    const given = header === undefined ? new URLSearchParams(query).getAll('apikey') : [header]
    const key = given.find((one) => roles.has(one)) ?? given[0]
    const role = roles.get(key)
    return { key, role: header === undefined && role !== 'anon' ? undefined : role }
  }
  return { listener, close: () => upstream?.close() }
}

// Node.js takes as many requests from a connection as somebody sends, and holds all until the first is answered.
function overfills({ socket }, res) {
  socket.unanswered = (socket.unanswered ?? 0) + 1
  res.on('close', () => { socket.unanswered -= 1 })
  if (socket.unanswered > PIPELINED) socket.destroy()
  return socket.destroyed
}

// What another server would read in another way: https://www.rfc-editor.org/rfc/rfc9112#section-6.1
function ambiguity({ rawHeaders, headers, httpVersion }) {
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host')
  if (hosts.length > 1) return 'There is more than one Host header'
  const encoding = headers['transfer-encoding']
  if (encoding === undefined) return undefined
  if (httpVersion === '1.0') return 'HTTP/1.0 has no Transfer-Encoding'
  return encoding.trim().toLowerCase() === 'chunked' ? undefined : 'The Transfer-Encoding is not chunked alone'
}

// PostgREST takes headers and queries for UTF-8, and breaks off at what is not.
const isReadable = (text) => ASCII.test(text) || isUtf8(Buffer.from(text, 'latin1'))
const unescaped = (text) => text.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))

function split(url) {
  const mark = url.indexOf('?')
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark)]
}

// The query goes on byte for byte, but for the key.
function withoutKey(query, key) {
  if (!key) return query
  const kept = query.slice(1).split('&').filter((pair) => new URLSearchParams(pair).get('apikey') !== key)
  return kept.length ? `?${kept.join('&')}` : ''
}

// Clients repeat their API key as bearer token until a user signs in: that is no user.
// A legacy key is a token like any other.
function userToken(authorization) {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  return token?.startsWith('sb_') ? undefined : token
}

function refuse(res, key) {
  reply(res, 401, key
    ? { message: 'Invalid API key', hint: 'Double check your Supabase `anon` or `service_role` API key.' }
    : { message: 'No API key found in request', hint: 'No `apikey` request header or url param was found.' })
}

function preflight(req, res) {
  res.writeHead(200, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT',
    'access-control-allow-headers': req.headers['access-control-request-headers'] ?? '*',
    'access-control-max-age': '3600',
    'content-length': '0',
  }).end()
}

function createProxy(upstream, config) {
  const ender = createEnder(config, PATIENCE_MS)
  // anon is who comes without a token; the secret key travels on as the JWT of its role.
  const bearer = { anon: '', service_role: `authorization: Bearer ${config.service_role_key}\r\n` }
  let lost = false

  let requests = 0

  return async function proxy(req, res, call) {
    if (ender.held) {
      await ender.held
      if (res.destroyed) return
    }
    const answer = new Answer(res)
    requests = requests % NUMBERS + 1
    const number = requests
    let answered = false
    let patience
    const exchange = upstream.send(requestHead(req, call, bearer, number), req, {
      head: (status, headers) => {
        if (lost) log('rest is back')
        lost = false
        answered = true
        clearTimeout(patience)
        if (res.destroyed) exchange.abort()
        else answer.head(status, headers)
      },
      data: (chunk) => answer.data(chunk),
      flush: () => answer.flush(),
      end: () => answer.end(),
      error: (error) => {
        if (!lost) log(`rest is lost: ${error.code ?? error.message}`)
        lost = true
        if (error.syscall !== 'connect') abandon()
        answer.fail(error)
      },
    })
    // The transaction goes on, and mostly ends by itself.
    const abandon = () => {
      clearTimeout(patience)
      exchange.abort()
      ender.abandon(number)
    }
    const giveUp = () => {
      log('rest: no answer in time')
      abandon()
      answer.late()
    }
    // Once the request is complete: a slow client may take its time.
    const wait = () => {
      if (!answered && exchange.open) patience = setTimeout(giveUp, PATIENCE_MS)
    }
    // Node tells no end of a body that is not there.
    if (req.complete || !hasBody(req)) wait()
    else req.once('end', wait)
    res.on('drain', () => exchange.resume())
    res.on('close', () => {
      clearTimeout(patience)
      if (!exchange.open) return
      if (res.headersSent || !req.complete) exchange.abort()
      else patience = setTimeout(() => exchange.open && abandon(), LINGER_MS).unref()
    })
  }
}

function requestHead(req, { path, query, role, token }, bearer, number) {
  const dropped = new Set(req.headers.connection?.toLowerCase().split(',').map((name) => name.trim()))
  let head = `${req.method} ${path}${query} HTTP/1.1\r\nhost: rest\r\n${NUMBER}: ${number}\r\n`
  const raw = req.rawHeaders
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i].toLowerCase()
    if (name !== 'host' && !NOT_FORWARDED.has(name) && !dropped.has(name)) head += `${raw[i]}: ${raw[i + 1]}\r\n`
  }
  return head + (token ? `authorization: Bearer ${token}\r\n` : bearer[role])
}

// The answer to the client. What arrives in one piece leaves in one piece; nothing is held back for more.
class Answer {
  #waiting = []
  #status
  #headers

  constructor(res) {
    this.res = res
  }

  head(status, headers) {
    this.#status = status
    this.#headers = ['access-control-allow-origin', '*', 'access-control-expose-headers', EXPOSED]
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i].toLowerCase()
      if (!NOT_RETURNED.has(name)) this.#headers.push(headers[i], headers[i + 1])
      if (name === 'content-length') this.sized = true
    }
  }

  data(chunk) {
    this.#waiting.push(chunk)
  }

  /** Sends what has come so far; false when the client should be waited for. */
  flush() {
    return this.#send(() => this.#flush())
  }

  end() {
    this.#send(() => this.#end())
  }

  // A function of the project's may set headers that no server can send.
  #send(step) {
    try {
      return step()
    } catch (error) {
      log(`rest: ${error.code ?? error.message}`)
      return this.fail(error)
    }
  }

  #flush() {
    if (!this.res.headersSent) this.res.writeHead(this.#status, this.#headers)
    if (this.#waiting.length === 0) this.res.flushHeaders()
    return this.#waiting.splice(0).map((chunk) => this.res.write(chunk)).at(-1)
  }

  #end() {
    const body = this.#waiting.length === 1 ? this.#waiting[0] : Buffer.concat(this.#waiting)
    if (!this.res.headersSent) {
      const bodiless = this.res.req.method === 'HEAD' || this.#status === 204 || this.#status === 304
      if (!bodiless && !this.sized) this.#headers.push('content-length', body.length)
      this.res.writeHead(this.#status, this.#headers)
    }
    // Node joins a head and a string into one write; a head and a buffer cost it a slower gathering one.
    if (body.length < 16_384) this.res.end(body.latin1Slice(), 'latin1')
    else this.res.end(body)
  }

  late() {
    reply(this.res, 504, { message: 'The REST server gave no answer in time' })
  }

  fail(error) {
    if (this.res.headersSent) return this.res.destroy()
    const unreachable = error.syscall === 'connect'
    reply(this.res, unreachable ? 503 : 502, {
      message: unreachable ? 'The REST server cannot be reached' : 'The REST server broke off its answer',
    })
  }
}
