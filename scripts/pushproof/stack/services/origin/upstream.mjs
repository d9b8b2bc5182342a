// The connection to PostgREST: a small HTTP/1.1 client on kept-alive sockets, because the client of node:http costs as
// much as the whole request. It only parses answers of PostgREST; node:http parses the clients' requests.
import net from 'node:net'

const IDLE_MS = 10_000 // PostgREST drops an idle connection after 30 s; be sooner
const MAX_HEAD = 65_536
const STALL_MS = 10_000 // in which an answer that has begun goes on
const LARGE = 8192 // a body that PostgREST may refuse before it has read all of it
const EMPTY = Buffer.alloc(0)

/** A pool of kept-alive connections to the HTTP server that listens on a Unix socket. */
export class Upstream {
  #idle = []

  constructor(socket) {
    this.address = { path: socket }
  }

  /**
   * Sends `head` (request line and headers, without framing) and the body of `req`, and hands the answer to `sink`:
   * head(status, rawHeaders), data(chunk), flush() → false to pause, end(), error(error).
   * Returns the exchange, to abort or resume.
   */
  send(head, req, sink) {
    const connection = this.#idle.pop()
    return new Exchange(this, connection ?? net.connect(this.address), Boolean(connection), head, req, sink)
  }

  /** Dials anew for a request that met a connection which the server was just closing. */
  redial() {
    return net.connect(this.address)
  }

  release(socket) {
    const drop = () => {
      this.#idle = this.#idle.filter((other) => other !== socket)
      socket.destroy()
    }
    socket.removeAllListeners()
    socket.on('error', drop).on('close', drop).on('data', drop).setTimeout(IDLE_MS, drop)
    socket.resume()
    this.#idle.push(socket)
  }

  close() {
    for (const socket of [...this.#idle]) socket.destroy()
  }
}

/** Whether a request has a body of at least one byte, or one whose length is not known. */
export const hasBody = ({ headers }) => headers['transfer-encoding'] !== undefined || headers['content-length'] > 0

function lengthOf(text, former) {
  const length = Number(text)
  if (!/^\d{1,15}$/.test(text) || (former ?? length) !== length) throw new Error('bad content-length')
  return length
}

class Exchange {
  #buffer = EMPTY
  #state = 'head' // head, length, size, chunk, trailer, close, done
  #left = 0
  #sent = false // the request body is out

  constructor(pool, socket, reused, head, req, sink) {
    Object.assign(this, { pool, head, req, sink, method: req.method })
    this.#attach(socket, reused)
  }

  #attach(socket, reused) {
    this.socket = socket
    socket.removeAllListeners()
    socket.setTimeout(0)
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#lost(error, reused))
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#lost(new Error('connection closed'), reused))
    this.#write()
  }

  #write() {
    const { socket, req, head } = this
    const length = req.headers['content-length']
    const chunked = req.headers['transfer-encoding'] !== undefined
    if (!hasBody(req)) {
      this.#sent = true
      socket.write(`${head}${length === undefined ? '' : 'content-length: 0\r\n'}\r\n`, 'latin1')
      return
    }
    // A server that refuses closes the connection, and a write to it by then would lose the answer: a large body waits
    // until the server asks for it (RFC 9110, 10.1.1).
    const waits = chunked || length > LARGE
    const framing = chunked ? 'transfer-encoding: chunked' : `content-length: ${length}`
    socket.write(`${head}${framing}\r\n${waits ? 'expect: 100-continue\r\n' : ''}\r\n`, 'latin1')
    if (!waits) this.#sendBody()
  }

  #sendBody() {
    const { socket, req } = this
    const chunked = req.headers['transfer-encoding'] !== undefined
    req.on('data', (chunk) => {
      if (chunked) socket.write(`${chunk.length.toString(16)}\r\n`)
      const room = socket.write(chunk)
      if (chunked) socket.write('\r\n')
      if (!room) req.pause()
    })
    req.on('end', () => {
      this.#sent = true
      if (chunked) socket.write('0\r\n\r\n')
    })
    socket.on('drain', () => req.resume())
  }

  /** Whether the answer is not complete yet. */
  get open() {
    return this.#state !== 'done'
  }

  /** Reads no more of it; what PostgREST has begun goes on. */
  abort() {
    if (!this.open) return
    this.#state = 'done'
    this.socket.destroy()
  }

  resume() {
    if (this.#state === 'done') return
    if (this.#state !== 'head') this.#watch()
    this.socket.resume()
  }

  #watch() {
    this.socket.removeAllListeners('timeout').setTimeout(STALL_MS, () => this.#lost(new Error('stalled'), false))
  }

  // A kept-alive connection may die while it is picked up again. Nothing was answered and there is
  // no body to repeat: a reading request asks once more on a new connection.
  #lost(error, reused) {
    if (this.#state === 'done') return
    this.socket.removeAllListeners()
    this.socket.on('error', () => {})
    const untouched = this.#state === 'head' && this.#buffer.length === 0
    if (reused && untouched && (this.method === 'GET' || this.method === 'HEAD')) {
      return this.#attach(this.pool.redial(), false)
    }
    if (this.#state === 'close' && !error.code) return this.#finish(false)
    this.#state = 'done'
    this.#drop()
    this.sink.error(error)
  }

  #finish(reusable) {
    this.#state = 'done'
    if (reusable && this.#sent) this.pool.release(this.socket)
    else this.#drop()
    this.sink.end()
  }

  // Answered or lost before the request body was out: let the rest of it run dry.
  #drop() {
    this.socket.destroy()
    if (!this.#sent) this.req.removeAllListeners('data').resume()
  }

  #receive(chunk) {
    if (this.#state !== 'head') this.#watch()
    this.#buffer = this.#buffer.length ? Buffer.concat([this.#buffer, chunk]) : chunk
    try {
      while (this.#state !== 'done' && this.#step());
      if (this.#state !== 'done' && this.#state !== 'head' && this.sink.flush() === false) {
        this.socket.removeAllListeners('timeout').setTimeout(0).pause() // the client is slow, not the server
      }
    } catch (error) {
      this.#lost(error, false)
    }
  }

  // One step of the parser; false when more bytes are needed.
  #step() {
    switch (this.#state) {
      case 'head': return this.#readHead()
      case 'size': return this.#readSize()
      case 'trailer': return this.#readTrailer()
      default: return this.#readBody()
    }
  }

  #take(length) {
    const taken = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return taken
  }

  #line(limit) {
    const end = this.#buffer.indexOf('\r\n')
    if (end < 0 && this.#buffer.length > limit) throw new Error('line too long')
    return end < 0 ? null : this.#take(end + 2).latin1Slice(0, end)
  }

  #readHead() {
    const end = this.#buffer.indexOf('\r\n\r\n')
    if (end < 0) {
      if (this.#buffer.length > MAX_HEAD) throw new Error('response head too large')
      return false
    }
    const [line, ...fields] = this.#take(end + 4).latin1Slice(0, end).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1])
    if (!(status >= 100) || status === 101) throw new Error('not an HTTP/1.1 response')
    if (status < 200) { // an interim response; the real one follows
      if (status === 100 && !this.#sent) this.#sendBody()
      else this.#watch() // a function of the project's may have set it, and then there is no other
      return true
    }
    const headers = []
    let length
    let chunked = false
    for (const field of fields) {
      const colon = field.indexOf(':')
      const name = field.slice(0, colon)
      const value = field.slice(colon + 1).trim()
      const key = name.toLowerCase()
      if (key === 'content-length') length = lengthOf(value, length) // a function of the project's may have set it
      else if (key === 'transfer-encoding') chunked = /chunked/i.test(value)
      else if (key === 'connection') this.closing = /close/i.test(value)
      headers.push(name, value)
    }
    const bodiless = this.method === 'HEAD' || status === 204 || status === 304
    // PostgREST closes after a HEAD, and does not announce it.
    if (this.method === 'HEAD') this.closing = true
    this.#left = bodiless ? 0 : length ?? 0
    this.#watch()
    this.#state = bodiless ? 'length' : chunked ? 'size' : length === undefined ? 'close' : 'length'
    this.sink.head(status, headers)
    return this.#state === 'length' && this.#left === 0 ? this.#complete() : true
  }

  #readSize() {
    const line = this.#line(64)
    if (line === null) return false
    if (!/^[0-9a-f]{1,8} *(;.*)?$/i.test(line)) throw new Error('bad chunk size')
    this.#left = Number.parseInt(line, 16)
    this.#state = this.#left === 0 ? 'trailer' : 'chunk'
    return true
  }

  #readTrailer() {
    const line = this.#line(MAX_HEAD)
    if (line === null) return false
    return line === '' ? this.#complete() : true
  }

  #readBody() {
    if (this.#state === 'chunk' && this.#left === 0) {
      if (this.#line(2) === null) return false
      this.#state = 'size'
      return true
    }
    if (this.#buffer.length === 0) return false
    const part = this.#take(this.#state === 'close' ? this.#buffer.length : Math.min(this.#left, this.#buffer.length))
    this.#left -= part.length
    this.sink.data(part)
    return this.#state === 'length' && this.#left === 0 ? this.#complete() : true
  }

  #complete() {
    this.#finish(!this.closing && this.#buffer.length === 0)
    return false
  }
}
