// /rest/v1 if there is no PostgREST: the REST of lite as role authenticator.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { log, reply } from './answers.mjs'
import { verify } from './jwt.mjs'
import { connect, createRestApp } from './lite.mjs'

const FORWARDED = ['accept', 'accept-profile', 'content-profile', 'content-type', 'prefer', 'range', 'range-unit']

/** Opens the REST fallback; `handle` answers what the gateway lets through to /rest/v1. */
export async function openRest(config) {
  const { database, origin, jwt_secret } = config
  const zone = '+00:00' // as PostgREST writes it
  const connection = await connect(config, {
    user: 'authenticator', password: database.authenticator_password, max: 5, zone, searchPath: 'public, extensions',
  })
  const catalog = await connect(config, { user: 'postgres', password: database.postgres_password, max: 1, zone })
  const app = await createRestApp(config, connection, catalog)
  const own = { anon: config.anon_key, service_role: config.service_role_key }

  async function handle(req, res, { path, query, role, token = own[role] }) {
    if (!verify(token, jwt_secret)) {
      return reply(res, 401, { code: 'PGRST301', details: null, hint: null, message: 'JWT invalid or expired' })
    }
    const headers = new Headers({ apikey: token })
    for (const name of FORWARDED) if (req.headers[name]) headers.set(name, req.headers[name])
    const full = req.headers['transfer-encoding'] || req.headers['content-length'] > 0
    const response = await app.fetch(new Request(`${origin}/rest/v1${path}${query}`, {
      method: req.method, headers, ...(full && { duplex: 'half', body: Readable.toWeb(req) }),
    }))
    res.writeHead(response.status, { ...Object.fromEntries(response.headers), 'access-control-allow-origin': '*' })
    if (response.body) await pipeline(Readable.fromWeb(response.body), res)
    else res.end()
  }

  return {
    handle: (req, res, call) => handle(req, res, call).catch((error) => {
      if (res.destroyed) return
      log(`rest: ${error.code ?? error.name}: ${error.message}`)
      reply(res, 500, { code: 'XX000', message: 'Unexpected failure', details: null, hint: null })
    }),
    close: () => Promise.all([connection.driver.end({ timeout: 0 }), catalog.driver.end({ timeout: 0 })]),
  }
}
