// Sends requests over keep-alive connections for some seconds, each connection one of them again and again, or those of
// one list in turn; prints requests a second. Configuration is JSON on stdin:
// {address, requests: [{method, path, headers, body} or a list of those], connections, seconds}.
// Raw sockets: a generator that costs more than the server would measure itself.
import net from 'node:net'
import { readFileSync } from 'node:fs'

const { address, requests, connections, seconds } = JSON.parse(readFileSync(0, 'utf8'))
const CHUNKS_END = '\r\n0\r\n\r\n'
const PATIENCE = 10 // seconds for the first answer
let answered = 0

function written({ method, path, headers, body }) {
  const framing = body ? { 'content-length': Buffer.byteLength(body) } : {}
  const fields = Object.entries({ host: '127.0.0.1', ...headers, ...framing })
  const lines = [`${method} ${path} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`)]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`)
}

function connect(list) {
  let sent = 0
  const next = () => socket.write(list[sent++ % list.length])
  const socket = net.connect({ ...address, noDelay: true }, next)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.latin1Slice()
    if (!complete(answer)) return
    if (!answer.startsWith('HTTP/1.1 20')) fail(answer.split('\r\n', 1)[0])
    answered += 1
    answer = ''
    next()
  })
  socket.on('error', (error) => fail(error.message))
}

function complete(answer) {
  const body = answer.indexOf('\r\n\r\n') + 4
  if (body < 4) return false
  if (answer.startsWith('HTTP/1.1 204')) return true // has no body, and says no length
  const length = /\r\ncontent-length: (\d+)/i.exec(answer.slice(0, body))
  return length ? answer.length === body + Number(length[1]) : answer.endsWith(CHUNKS_END)
}

function fail(why) {
  process.stderr.write(`${why}\n`)
  process.exit(1)
}

for (let n = 0; n < connections; n += 1) connect([requests[n % requests.length]].flat().map(written))
const began = performance.now()
setTimeout(finish, seconds * 1000)

function finish() {
  const elapsed = (performance.now() - began) / 1000
  if (!answered && elapsed > seconds + PATIENCE) fail('no answer')
  if (!answered) return setTimeout(finish, 10)
  process.stdout.write(`${Math.round(answered / elapsed)}\n`)
  process.exit(0)
}
