// The origin: the gateway and Auth in one process. It reads its configuration as JSON from stdin, so that the command
// line holds no secret. Exit codes: 2 bad configuration, 3 port in use.
import http from 'node:http'
import { readFileSync } from 'node:fs'
import { log } from './answers.mjs'
import { openAuth } from './auth.mjs'
import { createGateway } from './gateway.mjs'

const REQUIRED = ['parts', 'host', 'port', 'database', 'jwt_secret',
  'publishable_key', 'secret_key', 'anon_key', 'service_role_key']
const LIMITS = { maxHeaderSize: 32_768, keepAliveTimeout: 65_000, optimizeEmptyRequests: true }

// Passwords of a throw-away stack need no slow hash, and a slow one would hold up every other request.
process.env.LITE_AUTH_BCRYPT_COST ??= '4'
// The library reports on the console. Its REST hands over every refusal as a bare error: that is no event.
console.log = console.info = console.warn = console.error = (...parts) => {
  if (!(parts[0] instanceof Error)) log(parts.map((part) => part?.message ?? part).join(' '))
}

const config = readConfig()
const auth = await openAuth(config)
const rest = config.rest ? undefined : await (await import('./rest.mjs')).openRest(config)
const gateway = createGateway(config, { auth: auth.handle, rest: rest?.handle })
const server = http.createServer(LIMITS, gateway.listener)
server.on('clientError', refuse)
server.on('checkExpectation', gateway.listener) // RFC 9110, 10.1.1: an expectation that is not known may be passed over
server.on('error', (error) => quit(error.code === 'EADDRINUSE' ? 3 : 1, `cannot listen: ${error.message}`))
server.listen(config.port, config.host, () => log(`started on ${config.origin}`))
process.on('SIGTERM', stop).on('SIGINT', stop).on('uncaughtException', survive)

function readConfig() {
  try {
    const given = JSON.parse(readFileSync(0, 'utf8'))
    const missing = REQUIRED.filter((name) => given[name] === undefined)
    if (missing.length) return quit(2, `the configuration lacks ${missing.join(', ')}`)
    return { site_url: 'http://127.0.0.1:3000', ...given, origin: `http://${given.host}:${given.port}` }
  } catch {
    return quit(2, 'the configuration on stdin is not JSON')
  }
}

function quit(code, line) {
  log(line)
  process.exit(code)
}

// The driver throws where nobody can catch it when the server ends a connection: whoever waited was told so.
function survive(error) {
  log(`uncaught: ${error.stack?.split('\n', 2).join(' ') ?? error}`)
  auth.renew()
}

// What is not HTTP, or has a head beyond all measure.
function refuse(error, socket) {
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
  if (socket.unanswered) return socket.destroy() // the client would take it for the answer to a former request
  const head = 'access-control-allow-origin: *\r\nconnection: close\r\ncontent-length: 0'
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n`)
}

function stop() {
  log('stopping')
  server.close()
  server.closeAllConnections()
  gateway.close()
  Promise.allSettled([auth.close(), rest?.close()]).then(() => process.exit(0))
}
