// Ends transactions of PostgREST that would not end after their client has gone. PostgREST repeats a transaction that
// fails with SQLSTATE 40001, forever if a function always raises it:
// https://github.com/fstamatelopoulos/cerefox/pull/174. And PostgreSQL's time limits do not end a trigger that runs at
// COMMIT or code that catches query_canceled. Each would hold one of PostgREST's few connections forever.
import { log } from './answers.mjs'
import { connect } from './lite.mjs'

const LOOK_MS = 500
const NEXT_LOOK_MS = 50 // once a session was seen: it has its name for a part of each transaction only
const REPEATS = 3 // transactions of one request, from which on it is repeated
const REFUSED_MS = 1000 // until a repeated request that is refused is gone
const COMMIT_MS = 15_000 // for the triggers that run at COMMIT
const GRACE_MS = 2000 // beyond a time limit
const HOLD_MS = 500 // PostgREST may give a connection that it lost to another request
const UNSEEN_MS = 30_000 // until a request has ended by itself: it may have waited for a connection

/** The request header by which provision/63_requests.sql names the session that serves it. */
export const NUMBER = 'x-pushproof-request'

/**
 * Ends the transactions of abandoned requests. What is repeated is refused by provision/63_requests.sql, a COMMIT is
 * cancelled, and only what goes on all the same loses its connection. No request waits longer than `patience` ms, so a
 * session that works longer on a statement serves nobody, even if it has no name, as in a project with a pre-request
 * function of its own.
 */
export function createEnder(config, patience) {
  const login = { user: 'authenticator', password: config.database.authenticator_password, zone: 'Z', max: 1 }
  const abandoned = new Map() // by their numbers: the transactions that were seen, and the last time
  let running = false
  let held

  const sessions = (sql) => sql`
    select application_name as name, pg_catalog.split_part(application_name, ' ', 2)::int as number,
      xact_start::text as began, query ilike 'commit%' as commits,
      1000 * pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - query_start) - case
        when query ilike 'commit%' then ${COMMIT_MS}::int
        else nullif(pg_catalog.split_part(application_name, ' ', 3)::int, 0) end as late
    from pg_catalog.pg_stat_activity
    where usename = current_user and datname = current_catalog and state <> 'idle'
      and application_name ~ '^request [[:digit:]]{1,9} [[:digit:]]{1,9}$'`

  const refuse = (sql, numbers) => sql`
    select pg_catalog.pg_advisory_lock(pg_catalog.to_regprocedure('pg_catalog.pushproof_request()')::oid::int, number)
    from pg_catalog.unnest(${numbers}::int[]) as number`

  const cancel = (sql, names) => sql`
    select pg_catalog.pg_cancel_backend(pid) from pg_catalog.pg_stat_activity
    where usename = current_user and datname = current_catalog and application_name = any(${names}::text[])`

  const terminate = (sql, names) => sql`
    select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
    where usename = current_user and datname = current_catalog and pid <> pg_catalog.pg_backend_pid()
      and (application_name = any(${names}::text[])
        or state = 'active' and query_start < pg_catalog.clock_timestamp() - interval '1 ms' * ${patience + GRACE_MS}::int)`

  async function look(sql) {
    const now = Date.now()
    const mine = (await sessions(sql)).filter(({ number }) => abandoned.has(number))
    for (const { number, began } of mine) {
      const request = abandoned.get(number)
      request.seen = now
      request.transactions.add(began)
    }
    await sql`select pg_catalog.pg_advisory_unlock_all()`
    await refuse(sql, [...abandoned.keys()].filter((number) => isRepeated(abandoned.get(number), now)))
    await cancel(sql, names(mine, ({ commits, late }) => commits && late > 0))
    const hopeless = names(mine, ({ late }) => late > GRACE_MS)
    if (hopeless.length) hold()
    const ended = await terminate(sql, hopeless)
    if (ended.length) log(`rest: ended ${ended.length} connections: their transactions went on after their client was gone`)
    return mine.length > 0
  }

  function hold() {
    const gate = pause(HOLD_MS).then(() => { if (held === gate) held = undefined })
    held = gate
  }

  function isAnyLeft() {
    const now = Date.now()
    for (const [number, { seen }] of abandoned) if (now - seen > UNSEEN_MS) abandoned.delete(number)
    return abandoned.size > 0
  }

  async function watch() {
    const sql = (await connect(config, login)).driver
    try {
      while (isAnyLeft()) await pause(await look(sql) ? NEXT_LOOK_MS : LOOK_MS)
    } finally {
      await sql.end({ timeout: 0 })
    }
  }

  async function run() {
    running = true
    while (isAnyLeft()) {
      await watch().catch((error) => { // the server may restart, or have no connection left
        log(`rest: ${error.code ?? error.name}: ${error.message}`)
        return pause(LOOK_MS)
      })
    }
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

const names = (sessions, condition) => sessions.filter(condition).map(({ name }) => name)
const isRepeated = ({ transactions, seen }, now) => transactions.size >= REPEATS && now - seen < REFUSED_MS
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms).unref() })
