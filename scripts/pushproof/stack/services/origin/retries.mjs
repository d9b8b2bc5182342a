// PostgREST repeats a transaction that fails with SQLSTATE 40001, without an end where a function raises it each time,
// and goes on when its client is gone: https://github.com/fstamatelopoulos/cerefox/pull/174
import { log } from './answers.mjs'
import { connect } from './lite.mjs'

const SAMPLES = 20
const BETWEEN_MS = 100
const DISTINCT = 3 // transactions that a session was seen in, from which on it is taken for one that repeats
const BUSY = SAMPLES / 4 // samples in which it was at work

/**
 * Makes the function that ends such transactions, to be called when a request got no answer. Who is ended by mistake,
 * for having asked without a pause all the while, gets a 503.
 */
export function createRetryEnder(config) {
  const login = { user: 'authenticator', password: config.database.authenticator_password, zone: 'Z', max: 1 }
  let running
  let again = false

  async function repeating(sql) {
    const seen = new Map()
    for (let n = 0; n < SAMPLES; n += 1) {
      const busy = await sql`
        select pid, xact_start::text as began from pg_catalog.pg_stat_activity
        where usename = current_user and pid <> pg_catalog.pg_backend_pid() and state <> 'idle'`
      if (n === 0 && busy.length === 0) return []
      for (const { pid, began } of busy) seen.set(pid, [...(seen.get(pid) ?? []), began])
      await new Promise((resolve) => { setTimeout(resolve, BETWEEN_MS) })
    }
    return [...seen].filter(([, begun]) => begun.length >= BUSY && new Set(begun).size >= DISTINCT).map(([pid]) => pid)
  }

  async function end() {
    const { driver: sql } = await connect(config, login)
    try {
      const found = await repeating(sql)
      if (found.length === 0) return
      await sql`select pg_catalog.pg_terminate_backend(pid) from unnest(${found}::int[]) as pid`
      log(`rest: ended ${found.length} transactions that were repeated without an end (SQLSTATE 40001?)`)
      again = true // some may have been too slow to be seen
    } finally {
      await sql.end({ timeout: 0 })
    }
  }

  async function run() {
    do {
      again = false
      await end()
    } while (again)
  }

  return () => {
    again = true
    running ??= run().catch((error) => log(`rest: ${error.code ?? error.name}: ${error.message}`))
      .finally(() => { running = undefined })
  }
}
