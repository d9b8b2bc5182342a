// Auth of the origin: @supabase/lite handles sign-in; this module adds what it lacks (the admin API, anonymous users,
// bans, full claims) and returns users in the format of GoTrue.
import { randomUUID } from 'node:crypto'
import { administer } from './admin.mjs'
import { log, reply } from './answers.mjs'
import { AuthError, emailExists } from './errors.mjs'
import { sign, verify } from './jwt.mjs'
import { connect, createAuthApp, STATEMENT_MS } from './lite.mjs'
import { load } from './parts.mjs'
import { CONTROL } from './routes.mjs'
import { PASSWORD_LIMIT, tokenHash, tooLongPassword, Users, UUID } from './users.mjs'

const BODY_LIMIT = 1_048_576
const EMAIL_LIMIT = 255 // characters, of the column
const HOUR = 3600
// lite hands over JSON as text; the driver would make a JSON string of it, and
// raw_user_meta_data ->> 'name' in a trigger would find nothing.
const jsonType = (oid) => ({
  to: oid,
  from: [oid],
  parse: JSON.parse,
  serialize: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
})
const ADMIN = /^\/(admin\/|invite$)/
const HALF_ACCEPTED = 'Confirmation link accepted. Please proceed to confirm link sent to the other email'
const GRACE_S = 5 // in which requests on former connections may end
const SETS_PASSWORD = /^(POST \/signup|PUT \/user)$/
const OF_A_USER = /^\/(user|logout|reauthenticate)$/
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value) => typeof value === 'string'
const isStorable = (text) => !text.includes('\0') && text.isWellFormed()
const TEXTS = ['email', 'new_email', 'phone', 'password', 'token', 'token_hash', 'type', 'refresh_token', 'redirect_to',
  'id', 'role', 'ban_duration', 'nonce', 'channel', 'auth_code', 'code_verifier']
const OBJECTS = ['data', 'options', 'user_metadata', 'app_metadata', 'gotrue_meta_security']
const TYPES = new Map([...TEXTS.map((name) => [name, isText]), ...OBJECTS.map((name) => [name, isObject])])

/**
 * Opens Auth on the database; `handle` answers what the gateway lets through to /auth/v1, `renew` takes new connections:
 * the driver does not always get over one that was ended amid a query (https://github.com/porsager/postgres/issues/1208).
 */
export async function openAuth(config) {
  let current = await open(config, renew)
  let renewal

  function renew() {
    renewal ??= open(config, renew).then((next) => {
      const former = current
      current = next
      return former.close(GRACE_S)
    }).catch((error) => log(`auth: ${error.code ?? error.name}: ${error.message}`)).finally(() => { renewal = undefined })
    return renewal
  }
  return { renew, handle: (req, res, call) => current.auth.handle(req, res, call), close: () => current.close() }
}

async function open(config, renew) {
  const { database, parts } = config
  const login = { user: 'supabase_auth_admin', password: database.auth_password, zone: 'Z' }
  const types = { json: jsonType(114), jsonb: jsonType(3802) }
  const connection = await connect(config, { ...login, max: 4, types })
  const apart = await connect(config, { ...login, max: 1 }) // for when all others are held up
  const app = await createAuthApp(config, connection)
  const { default: bcrypt } = await load(parts, 'bcryptjs')
  const auth = new Auth(config, app, new Users(connection.driver, bcrypt), async (lost) => {
    const ended = await endStatements(apart.driver)
    if (lost || ended.length) await renew()
  })
  const close = (timeout = 0) => Promise.all([connection, apart].map(({ driver }) => driver.end({ timeout })))
  return { auth, close }
}

// A trigger may catch the end of its time, or take the limit off its connection: then the connection is ended.
const endStatements = (sql) => sql`
  select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
  where usename = current_user and state = 'active'
    and query_start < pg_catalog.clock_timestamp() - ${STATEMENT_MS / 1000} * interval '1 second'`
  .catch((error) => (log(`auth: ${error.code ?? error.name}: ${error.message}`), []))

class Auth {
  #turns = new Map()

  constructor(config, app, users, giveUp) {
    Object.assign(this, { config, app, users, giveUp, sql: users.sql, issuer: `${config.origin}/auth/v1` })
  }

  async handle(req, res, call) {
    let patience
    try {
      const body = bodyOf(await read(req)) // for which a slow client may take its time
      let waited = 0 // times; at the second nobody holds it up any more, and the driver has forgotten it
      patience = setInterval(() => this.giveUp(++waited > 1), STATEMENT_MS + 1000)
      const answer = await this.#answer({ ...call, method: req.method, body, began: Date.now() })
      if (answer.status === 204 || answer.body === undefined) return bare(res, answer)
      reply(res, answer.status, answer.body, answer.headers)
    } catch (error) {
      if (!(error instanceof AuthError)) log(`auth: ${error.code ?? error.name}: ${error.message}`)
      const { status, body } = error instanceof AuthError ? error : answerTo(error)
      reply(res, status, body, { 'x-sb-error-code': body.error_code })
    } finally {
      clearInterval(patience)
    }
  }

  // Of requests about one address or one token each sees what the former did, as two tabs of one user need it.
  async #inTurn(key, step) {
    if (!key) return step()
    const former = this.#turns.get(key)
    const turn = Promise.resolve(former).catch(() => {}).then(step)
    this.#turns.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
  }

  async #answer(given) {
    const claims = given.token === undefined ? undefined : verify(given.token, this.config.jwt_secret)
    if (claims) refuseClaims(claims)
    const call = { ...given, claims }
    if (call.method === 'GET' && call.path !== '/verify') return this.#dispatch(call)
    return this.#inTurn(await this.#whose(call), () => this.#dispatch(call))
  }

  // What a change is about: the id of a user, or the address that is to become one.
  async #whose({ path, query, body, claims }) {
    const [id] = /(?<=^\/admin\/users\/).+/.exec(path) ?? []
    if (id) return id.toLowerCase()
    const { sql } = this
    const { email, refresh_token, token_hash = new URLSearchParams(query).get('token') ?? undefined } = body
    const address = email?.toLowerCase()
    const [found] = refresh_token !== undefined
      ? await sql`select user_id as id from auth.refresh_tokens where token = ${refresh_token}`
      : token_hash !== undefined
        ? await sql`select id from auth.users where ${token_hash} in (confirmation_token, recovery_token,
            email_change_token_current, email_change_token_new)`
        : address !== undefined ? await sql`select id from auth.users where email = ${address}` : []
    return found?.id ?? refresh_token ?? token_hash ?? address ?? claims?.sub
  }

  #dispatch(call) {
    if (ADMIN.test(call.path)) return this.#admin(call)
    if (OF_A_USER.test(call.path)) this.#claims(call) // lite knows no nbf
    const name = `${call.method} ${call.path}`
    if (name === 'GET /health') return this.#health(call)
    if (name === 'POST /signup' && isAnonymous(call.body)) return this.#signUpAnonymously(call.body)
    if (SETS_PASSWORD.test(name) && Buffer.byteLength(call.body.password ?? '') > PASSWORD_LIMIT) throw tooLongPassword()
    if (name === 'POST /verify') return this.#verify(call)
    if (name === 'GET /verify') return this.#follow(call)
    return this.#pass(call)
  }

  // The same of a link: the first half leads to the project's own address, with GoTrue's words.
  async #follow(call) {
    const query = new URLSearchParams(call.query)
    if (query.get('type') === 'email_change' && await this.#acceptHalf(query.get('token'))) {
      const said = new URLSearchParams({ message: HALF_ACCEPTED })
      return { status: 303, text: '', headers: { location: `${this.config.site_url}#${said}` } }
    }
    return this.#pass(call)
  }

  #claims({ token, claims }) {
    if (token === undefined) throw new AuthError(401, 'no_authorization', 'This endpoint requires a valid Bearer token')
    if (!claims) throw new AuthError(403, 'bad_jwt', 'invalid JWT: unable to parse or verify signature')
    return claims
  }

  async #health(call) {
    await this.sql`select 1`.catch(() => {
      throw new AuthError(503, 'unexpected_failure', 'The database does not answer')
    })
    return this.#pass(call)
  }

  #admin(call) {
    const { role } = call.token === undefined ? call : this.#claims(call)
    if (role !== 'service_role') throw new AuthError(403, 'not_admin', 'User not allowed')
    return administer({ ...call, query: new URLSearchParams(call.query) }, this.users, this.config)
  }

  // An address is changed once both the old and the new mailbox have confirmed; which comes first is the user's choice.
  async #verify(call) {
    const { email, token, token_hash, type, ...rest } = call.body
    const hash = token_hash ?? (email && token ? tokenHash(email, String(token)) : undefined)
    if (type === 'email_change' && hash && await this.#acceptHalf(hash)) {
      return { status: 200, body: { msg: HALF_ACCEPTED, code: '200' } }
    }
    const known = { email: 'magiclink', invite: 'signup' }[type] ?? type
    return this.#pass({ ...call, body: { ...rest, email, token, token_hash: hash, type: known } })
  }

  async #acceptHalf(hash) {
    const { count } = await this.sql`
      update auth.users set
        email_change_confirm_status = 1,
        email_change_token_current = nullif(email_change_token_current, ${hash}),
        email_change_token_new = nullif(email_change_token_new, ${hash})
      where ${hash} in (email_change_token_current, email_change_token_new)
        and email_change_confirm_status = 0 and email is not null
        and email_change_sent_at > now() - interval '1 hour'`
    if (count) return true
    // The other half: lite looks for it in the column of the current address.
    await this.sql`
      update auth.users set
        email_change_confirm_status = 0, email_change_token_current = ${hash}, email_change_token_new = null
      where ${hash} in (email_change_token_current, email_change_token_new) and email_change_confirm_status = 1`
    return false
  }

  // Lets lite answer, then completes users and tokens in its answer.
  async #pass({ method, path, query, body, token, began }) {
    const request = new Request(`${this.issuer}${path}${known(query)}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: method === 'GET' || method === 'HEAD' ? undefined : JSON.stringify(body),
    })
    const response = await this.app.fetch(request)
    const found = Object.fromEntries(response.headers)
    delete found['content-length']
    const text = await response.text()
    if (response.status === 303) found.location = await this.#completeRedirect(found.location, path)
    const isJson = text && found['content-type']?.includes('json')
    if (!isJson && response.status < 500) return { status: response.status, text, headers: found }
    if (response.status >= 500) {
      const late = Date.now() - began >= STATEMENT_MS
      // Somebody else took the address meanwhile, by a change of theirs.
      const taken = path === '/signup' && body.email && !late
        && await this.users.findByEmail(body.email).catch(() => undefined)
      if (taken) throw emailExists()
      const why = late ? ': no answer in time' : ''
      throw unexpected(`${path === '/signup' ? 'Database error saving new user' : 'Unexpected failure'}${why}`)
    }
    const answer = JSON.parse(text)
    if (response.ok) await this.#complete(answer, path)
    return { status: response.status, body: answer, headers: found }
  }

  async #complete(answer, path) {
    if (answer.access_token) return this.#completeSession(answer, path)
    if (path === '/user' || path === '/signup') Object.assign(answer, await this.#user(answer.id))
  }

  async #completeSession(session, path) {
    const { sub, session_id } = verify(session.access_token, this.config.jwt_secret)
    const row = await this.users.find(sub)
    if (Date.parse(row.banned_until) > Date.now()) {
      await this.sql`delete from auth.sessions where id = ${session_id}`
      throw new AuthError(400, 'user_banned', 'User is banned')
    }
    session.access_token = this.#accessToken(row, session_id, path === '/verify' ? 'otp' : 'password')
    session.user = await this.users.present(row)
  }

  async #completeRedirect(location, path) {
    const mark = location.lastIndexOf('#') // the address that somebody gave may hold one of its own
    const target = location.slice(0, mark)
    const session = Object.fromEntries(new URLSearchParams(location.slice(mark + 1)))
    if (!session.access_token) return location
    await this.#completeSession(session, path)
    delete session.user
    return `${target}#${new URLSearchParams(session)}`
  }

  async #user(id) {
    return this.users.present(await this.users.find(id))
  }

  // lite's own tokens lack the metadata that policies read through auth.jwt().
  #accessToken(user, session_id, method) {
    const now = Math.floor(Date.now() / 1000)
    return sign({
      iss: this.issuer, sub: user.id, aud: user.aud ?? 'authenticated', exp: now + HOUR, iat: now,
      email: user.email ?? '', phone: user.phone ?? '',
      app_metadata: user.raw_app_meta_data ?? {}, user_metadata: user.raw_user_meta_data ?? {},
      role: user.role ?? 'authenticated', aal: 'aal1',
      amr: [{ method: user.is_anonymous ? 'anonymous' : method, timestamp: now }],
      session_id, is_anonymous: user.is_anonymous,
    }, this.config.jwt_secret)
  }

  async #signUpAnonymously({ data }) {
    if (!this.config.anonymous_sign_ins) {
      throw new AuthError(422, 'anonymous_provider_disabled', 'Anonymous sign-ins are disabled')
    }
    const [id, session_id, token] = [randomUUID(), randomUUID(), randomUUID()]
    const { sql } = this
    await sql.begin(async (sql) => {
      await sql`insert into auth.users (id, is_anonymous, raw_app_meta_data, raw_user_meta_data, last_sign_in_at)
        values (${id}, true, '{}', ${sql.json(data ?? {})}, now())`
      await sql`insert into auth.sessions (id, user_id, aal) values (${session_id}, ${id}, 'aal1')`
      await sql`insert into auth.refresh_tokens (id, token, user_id, session_id)
        values (${randomUUID()}, ${token}, ${id}, ${session_id})`
    })
    const row = await this.users.find(id)
    const body = {
      access_token: this.#accessToken(row, session_id), token_type: 'bearer', expires_in: HOUR,
      expires_at: Math.floor(Date.now() / 1000) + HOUR, refresh_token: token, user: await this.users.present(row),
    }
    return { status: 200, body }
  }
}

// As in GoTrue's internal/api/auth.go: an id of another form would be the database's error, not the caller's.
const refuseClaims = ({ sub, session_id }) => {
  if (sub && !UUID.test(sub)) throw new AuthError(400, 'bad_jwt', 'invalid claim: sub claim must be a UUID')
  if (session_id && !UUID.test(session_id)) {
    throw new AuthError(403, 'bad_jwt', 'invalid claim: session_id claim must be a UUID')
  }
}
const isAnonymous = ({ email, phone, password }) => !email && !phone && !password
const unexpected = (message) => new AuthError(500, 'unexpected_failure', message)
const tooLong = () => new AuthError(400, 'validation_failed', 'Unable to validate email address: invalid format')
// Classes of SQLSTATEs: 22, the value is wrong, such as one that is too long for its column; 54, it is beyond a limit.
const answerTo = (error) => /^(22|54)/.test(error.code)
  ? new AuthError(400, 'validation_failed', error.message)
  : unexpected('Database error querying schema')
const badJson = () => new AuthError(400, 'bad_json', 'Could not parse request body as JSON')

// An address that no Location header can hold is none: the project's own is taken. The links of invitations are answered
// as those of sign-ups, which lite knows.
function known(query) {
  const given = new URLSearchParams(query)
  if (given.getAll('redirect_to').some((address) => CONTROL.test(address))) given.delete('redirect_to')
  const type = { invite: 'signup', email: 'magiclink' }[given.get('type')]
  if (type) given.set('type', type)
  return given.size ? `?${given}` : ''
}

// Of a body that is too large the rest is read and dropped, so that the connection can be used again.
async function read(req) {
  const parts = []
  let size = 0
  for await (const part of req) if ((size += part.length) <= BODY_LIMIT) parts.push(part)
  if (size > BODY_LIMIT) throw new AuthError(413, 'request_too_large', 'Request body too large')
  return Buffer.concat(parts).toString()
}

// A body as GoTrue reads it: an object whose members have their types, null for "not given", and no text that
// PostgreSQL cannot hold.
function bodyOf(text) {
  let body
  try {
    body = JSON.parse(text || '{}', (name, value) => {
      if (![name, value].every((text) => !isText(text) || isStorable(text))) throw new Error('no text of PostgreSQL')
      return value
    })
  } catch {
    throw badJson()
  }
  if (!isObject(body)) throw badJson()
  const given = Object.entries(body).filter(([, value]) => value !== null)
  const members = [...given, ...Object.entries(body.options ?? {}).filter(([, value]) => value !== null)]
  if (!members.every(([name, value]) => TYPES.get(name)?.(value) ?? true)) throw badJson()
  if (body.email?.length > EMAIL_LIMIT || body.new_email?.length > EMAIL_LIMIT) throw tooLong()
  return Object.fromEntries(given)
}

function bare(res, { status, text, headers }) {
  res.writeHead(status, { ...headers, 'access-control-allow-origin': '*' }).end(text)
}
