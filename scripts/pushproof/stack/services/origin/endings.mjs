// Ends transactions of PostgREST that would not end after their client has gone. PostgREST repeats a transaction that
// fails with SQLSTATE 40001, forever if a function always raises it:
// https://github.com/fstamatelopoulos/cerefox/pull/174. And PostgreSQL's time limits do not end a trigger that runs at
// COMMIT or code that catches query_canceled. Each would hold one of PostgREST's few connections forever.
import { log } from './answers.mjs'
import { connect } from './lite.mjs'

const SAMPLES = 15
const BETWEEN_MS = 20
const REPEATS = 3 // transactions in which a session is seen
const COMMIT_MS = 15_000 // for the triggers that run at COMMIT
const AGAIN_MS = 2000
const HOLD_MS = 1000 // for which requests are held back at first; twice as long each time that others still wait
const LONGEST_HOLD_MS = 16_000 // more than a request waits for one of PostgREST's connections

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms) })

/**
 * Ends sessions of REST that serve nobody. `patience` ms is for how long a request is waited for.
 *
 * PostgREST does not tell which session serves which request. So requests are held back for a moment, until all that
 * somebody waits for are answered: whatever is still at work serves a request that was abandoned.
 */
export function createEnder(config, patience) {
  const login = { user: 'authenticator', password: config.database.authenticator_password, zone: 'Z', max: 1 }
  const abandoned = new Set()
  let waiting = 0 // requests whose answer somebody waits for
  let answers = 0
  let gate
  let running

  // Sessions that go from one transaction to the next, or that do not come to the end of a COMMIT.
  async function suspects(sql) {
    const seen = new Map()
    const late = new Set()
    for (let n = 0; n < SAMPLES; n += 1) {
      const busy = await sql`
        select pid, xact_start::text as began, query ilike 'commit%'
          and query_start < pg_catalog.clock_timestamp() - interval '1 ms' * ${COMMIT_MS}::int as late
        from pg_catalog.pg_stat_activity
        where usename = current_user and datname = current_catalog and pid <> pg_catalog.pg_backend_pid() and state <> 'idle'`
      for (const session of busy) {
        seen.set(session.pid, (seen.get(session.pid) ?? new Set()).add(session.began))
        if (session.late) late.add(session.pid)
      }
      await pause(BETWEEN_MS)
    }
    return [...seen.keys()].filter((pid) => late.has(pid) || seen.get(pid).size >= REPEATS)
  }

  // A session that works on one statement for longer than anybody waits.
  const outlived = (sql) => sql`
    select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
    where usename = current_user and datname = current_catalog and pid <> pg_catalog.pg_backend_pid()
      and state = 'active' and query_start < pg_catalog.clock_timestamp() - interval '1 ms' * ${patience}::int`

  // How many were ended; undefined if others were still waiting after `limit` ms.
  async function endWhileNobodyWaits(sql, limit) {
    let open
    gate = new Promise((resolve) => { open = resolve })
    try {
      for (const end = Date.now() + limit; waiting > 0; await pause(BETWEEN_MS)) if (Date.now() > end) return undefined
      const before = answers
      const pids = await suspects(sql)
      if (answers > before) return 0 // a session that serves one abandoned request after another looks alike
      await sql`select pg_catalog.pg_terminate_backend(pid) from unnest(${pids}::int[]) as pid`
      return pids.length
    } finally {
      gate = undefined
      open()
    }
  }

  async function run() {
    const { driver: sql } = await connect(config, login)
    try {
      for (let limit = HOLD_MS; abandoned.size > 0; await pause(AGAIN_MS)) {
        let ended = (await outlived(sql)).length
        if ((await suspects(sql)).length > 0) {
          const repeated = await endWhileNobodyWaits(sql, limit)
          limit = repeated === undefined ? Math.min(2 * limit, LONGEST_HOLD_MS) : HOLD_MS
          ended += repeated ?? 0
        }
        if (ended > 0) log(`rest: ended ${ended} transactions that went on after their client was gone`)
      }
    } finally {
      await sql.end({ timeout: 0 })
    }
  }

  return {
    /** While requests are held back, what they have to wait for. */
    get gate() {
      return gate
    },

    /** A request that is sent to the REST server: `over` once it is answered, `leave` once nobody waits any more. */
    begin() {
      waiting += 1
      let waits = true
      const request = {
        leave() {
          if (waits) waiting -= 1
          waits = false
        },
        abandon() {
          abandoned.add(request)
          running ??= run().catch((error) => log(`rest: ${error.code ?? error.name}: ${error.message}`))
            .finally(() => { running = undefined })
        },
        over() {
          request.leave()
          answers += 1
          abandoned.delete(request)
        },
      }
      return request
    },
  }
}
