// @supabase/lite, an alpha version of Supabase: its Auth always, its REST only if there is no PostgREST.
import { verify } from './jwt.mjs'
import { load } from './parts.mjs'

export const STATEMENT_MS = 10_000
const SETTINGS = { studio: { enabled: false }, db: { migrations: { enabled: false } } }
// Mail is not sent, and never printed: it would put one-time codes into the log.
const OPTIONS = { drivers: { email: { send: async () => {} } }, server: { apiKeys: false, disableStudio: true } }

/**
 * Opens a pool of connections as `user`. `zone` is how UTC is written at the end of a timestamp;
 * `types` are postgres.js types beside those of time.
 */
export async function connect({ parts, database }, { user, password, max, zone, searchPath, types }) {
  const { createPostgresConnection } = await load(parts, '@supabase/lite/postgres')
  const iso = (value) => value.replace(' ', 'T').replace(/\+00$/, zone)
  const text = (value) => (value instanceof Date ? value.toISOString() : value)
  const time = (oid) => ({ to: oid, from: [oid], serialize: text, parse: iso })
  return createPostgresConnection({
    postgresOptions: {
      host: database.host, port: database.port, database: database.name, user, password, max,
      idle_timeout: 60, onnotice: () => {},
      // PostgreSQL's own text form of a timestamp is refused by supabase-py's models.
      types: { timestamptz: time(1184), timestamp: time(1114), ...types },
      connection: {
        // A trigger on auth.users that does not return would else keep all connections for good.
        application_name: 'pushproof origin', statement_timeout: STATEMENT_MS,
        ...(searchPath && { search_path: searchPath }),
      },
    },
  })
}

/** Auth as a fetch function: users are confirmed at once, tokens live an hour. */
export async function createAuthApp({ parts, jwt_secret, site_url }, connection) {
  const { App } = await load(parts, '@supabase/lite')
  return new App({
    connection,
    ...SETTINGS,
    api: { enabled: false },
    auth: { enabled: true, jwt_secret, jwt_expiry: 3600, site_url, email: { enable_confirmations: false } },
    options: OPTIONS,
  })
}

/**
 * The REST of a platform without PostgREST, with the database's own row level security.
 * A caller is known by the token in `apikey`: lite's own way with a user's token would look him up in auth.users.
 */
export async function createRestApp({ parts, jwt_secret, schemas }, connection, catalog) {
  const { App } = await load(parts, '@supabase/lite')
  const resolver = async (token) => ({ type: 'secret', claims: verify(token, jwt_secret) })
  const app = new App({
    connection,
    ...SETTINGS,
    api: { enabled: true, schemas: schemas ?? ['public'] },
    options: { ...OPTIONS, server: { ...OPTIONS.server, apiKeys: { resolver } } },
  })
  await app.init()
  // "unknown" would make it grant all on all tables to the API roles, and then watch the rules it broke.
  connection.rlsState = 'active'
  // authenticator inherits nothing, so it sees no table; the owner of the tables reads the catalog instead.
  catalog.config.schemaCache = app.drivers.cache
  connection.introspect = (options) => catalog.introspect(options)
  await catalog.driver.listen('pgrst', () => catalog.clearSchemaCache())
  return app
}
