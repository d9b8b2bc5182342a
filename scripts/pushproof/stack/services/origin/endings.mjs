// Transactions of PostgREST that do not end by themselves, once their client is gone. It repeats one that fails with
// SQLSTATE 40001, without an end where a function raises it each time:
// https://github.com/fstamatelopoulos/cerefox/pull/174. And no time limit of PostgreSQL's ends a trigger that runs at
// COMMIT, nor one that catches query_canceled. Each would hold one of PostgREST's few connections for good.
import { log } from './answers.mjs'
import { connect } from './lite.mjs'

const SAMPLES = 20
const BETWEEN_MS = 100
const DISTINCT = 3 // transactions that a session was seen in, from which on it is taken for one that repeats
const BUSY = SAMPLES / 4 // samples in which it was at work
const COMMIT_MS = 15_000 // for which triggers may run at COMMIT
const AGAIN_MS = 5_000 // while one that was given up goes on

/**
 * Makes the function that ends such transactions, to be called when a request got no answer. Who is ended by mistake,
 * for having asked without a pause all the while, gets a 503. `patience` is for how many ms a request is waited for.
 */
export function createEnder(config, patience) {
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

  // Of COMMIT, and of any statement for which nobody can wait any more; how many have been at work for some time.
  async function outlived(sql) {
    const ended = await sql`
      select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
      where usename = current_user and pid <> pg_catalog.pg_backend_pid() and state = 'active'
        and query_start < pg_catalog.clock_timestamp() - interval '1 ms'
          * case when query ilike 'commit%' then ${COMMIT_MS}::int else ${patience}::int end`
    const [{ left }] = await sql`
      select count(*)::int as left from pg_catalog.pg_stat_activity
      where usename = current_user and pid <> pg_catalog.pg_backend_pid() and state = 'active'
        and query_start < pg_catalog.clock_timestamp() - interval '1 ms' * ${AGAIN_MS / 2}::int`
    return [ended.length, left]
  }

  async function end() {
    const { driver: sql } = await connect(config, login)
    try {
      const [ended, left] = await outlived(sql)
      if (ended > 0) log(`rest: ended ${ended} transactions that went on after their client was gone`)
      const found = await repeating(sql)
      if (found.length > 0) {
        await sql`select pg_catalog.pg_terminate_backend(pid) from unnest(${found}::int[]) as pid`
        log(`rest: ended ${found.length} transactions that were repeated without an end (SQLSTATE 40001?)`)
        again = true // some may have been too slow to be seen
      }
      return left
    } finally {
      await sql.end({ timeout: 0 })
    }
  }

  async function run() {
    let left = 0
    do {
      if (!again && left > 0) await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS).unref() })
      again = false
      left = await end()
    } while (again || left > 0)
  }

  return () => {
    again = true
    running ??= run().catch((error) => log(`rest: ${error.code ?? error.name}: ${error.message}`))
      .finally(() => { running = undefined })
  }
}
