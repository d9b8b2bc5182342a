// Ends transactions of PostgREST that would not end after their client has gone. PostgREST repeats a transaction that
// fails with SQLSTATE 40001, forever if a function always raises it:
// https://github.com/fstamatelopoulos/cerefox/pull/174. And PostgreSQL's time limits do not end a trigger that runs at
// COMMIT or code that catches query_canceled. Each would hold one of PostgREST's few connections forever.
import { log } from './answers.mjs'
import { connect } from './lite.mjs'

const LOOK_MS = 500
const NEXT_LOOK_MS = 50 // once a session was seen: it has its name for a part of each transaction only
const REPEATS = 3 // transactions of one request, from which on it is repeated
const COMMIT_MS = 15_000 // for the triggers that run at COMMIT
const GRACE_MS = 2000 // beyond the time limit of a statement
const HOLD_MS = 500 // PostgREST may refuse new requests after it lost a connection
const UNSEEN_MS = 30_000 // until a request has ended by itself: it may have waited for a connection

/** The request header by which provision/63_requests.sql names the session that serves it. */
export const NUMBER = 'x-pushproof-request'

/**
 * Ends the sessions of abandoned requests. No request waits longer than `patience` ms, so a session that works longer on
 * a statement serves nobody, even if it has no name, as in a project with a pre-request function of its own.
 */
export function createEnder(config, patience) {
  const login = { user: 'authenticator', password: config.database.authenticator_password, zone: 'Z', max: 1 }
  const abandoned = new Map() // by their numbers: the transactions that were seen, and the last time
  let running = false
  let held

  const sessions = (sql) => sql`
    select application_name as name, pg_catalog.split_part(application_name, ' ', 2) as number, xact_start::text as began,
      query_start < pg_catalog.clock_timestamp() - interval '1 ms' * case
        when query ilike 'commit%' then ${COMMIT_MS}::int
        else ${GRACE_MS}::int + nullif(pg_catalog.split_part(application_name, ' ', 3)::int, 0) end as late
    from pg_catalog.pg_stat_activity
    where usename = current_user and datname = current_catalog and state <> 'idle'
      and application_name ~ '^request [[:alnum:]]+ [[:digit:]]{1,9}$'`

  const terminate = (sql, names) => sql`
    select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
    where usename = current_user and datname = current_catalog and pid <> pg_catalog.pg_backend_pid()
      and (application_name = any(${names}::text[])
        or state = 'active' and query_start < pg_catalog.clock_timestamp() - interval '1 ms' * ${patience + GRACE_MS}::int)`

  async function look(sql) {
    const now = Date.now()
    const names = []
    for (const { name, number, began, late } of await sessions(sql)) {
      const request = abandoned.get(number)
      if (!request) continue
      request.seen = now
      request.transactions.add(began)
      if (late || request.transactions.size >= REPEATS) names.push(name)
    }
    if (names.length) hold()
    const ended = await terminate(sql, names)
    if (ended.length) log(`rest: ended ${ended.length} transactions that went on after their client was gone`)
    forget(now)
    return [...abandoned.values()].some(({ seen }) => seen === now)
  }

  function hold() {
    const gate = pause(HOLD_MS).then(() => { if (held === gate) held = undefined })
    held = gate
  }

  function forget(now) {
    for (const [number, { seen }] of abandoned) if (now - seen > UNSEEN_MS) abandoned.delete(number)
  }

  async function lookOn() {
    let sql
    try {
      sql = (await connect(config, login)).driver
      while (abandoned.size > 0) {
        await pause(await look(sql) ? NEXT_LOOK_MS : LOOK_MS)
      }
    } catch (error) { // the server may restart, or have no connection left
      log(`rest: ${error.code ?? error.name}: ${error.message}`)
      forget(Date.now())
      await pause(LOOK_MS)
    } finally {
      await sql?.end({ timeout: 0 })
    }
  }

  async function run() {
    running = true
    while (abandoned.size > 0) await lookOn().catch(() => pause(LOOK_MS))
    running = false
  }

  return {
    /** While new requests are held back: what they have to wait for. */
    get held() {
      return held
    },

    /** Nobody waits for the answer to this request any more. */
    abandon(number) {
      abandoned.set(number, { transactions: new Set(), seen: Date.now() })
      if (!running) run()
    },
  }
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms).unref() })
