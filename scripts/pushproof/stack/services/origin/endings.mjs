// Ends transactions of PostgREST that would not end after their client has gone. PostgREST repeats a transaction that
// fails with SQLSTATE 40001, forever if a function always raises it:
// https://github.com/fstamatelopoulos/cerefox/pull/174. And PostgreSQL's time limits do not end a trigger that runs at
// COMMIT or code that catches query_canceled. Each would hold one of PostgREST's few connections forever.
import { log } from './answers.mjs'
import { connect } from './lite.mjs'

const LOOK_MS = 500
const NEXT_LOOK_MS = 50 // while one is seen
const REFUSED_MS = 1000 // from the last transaction that was seen, until none follows it
const COMMIT_MS = 15_000 // for the triggers that run at COMMIT
const GRACE_MS = 2000 // beyond a time limit
const HOLD_MS = 500 // PostgREST may give a connection that it lost to another request
const QUEUE_MS = 10_000 // for which PostgREST lets a request wait for a connection

/** The request header from which provision/63_requests.sql has the number of a request. */
export const NUMBER = 'x-pushproof-request'

/**
 * Ends the transactions of abandoned requests. Each has a lock with the number of its request. The next transaction of
 * the same request is refused, a COMMIT is cancelled, and only what goes on all the same loses its connection. No request
 * waits longer than `patience` ms, so a session that works longer on a statement serves nobody, even without a lock, as in
 * a project with a pre-request function of its own.
 */
export function createEnder(config, patience) {
  const login = { user: 'authenticator', password: config.database.authenticator_password, zone: 'Z', max: 1 }
  const unseenMs = QUEUE_MS + patience + 2 * GRACE_MS // until a request has ended by itself
  const abandoned = new Map() // by their numbers: for how long looks did not see it, and until when to refuse it
  let running = false
  let held

  // The name of a session holds its time limit, unless the project's own SQL gave it another.
  const sessions = (sql, lock) => sql`
    select l.objid::int as number, a.query ilike 'commit%' as commits,
      1000 * pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.query_start) - case
        when a.query ilike 'commit%' then ${COMMIT_MS}::int
        else coalesce(nullif(substring(a.application_name from '^request [0-9]+ ([0-9]{1,10})$')::float8, 0), ${patience}::int)
        end as late
    from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.classid = ${lock}::int::oid and l.mode = 'ShareLock' and a.datname = current_catalog`

  const refuse = (sql, lock, numbers) => sql`
    select pg_catalog.pg_advisory_lock(${lock}::int, -number) from pg_catalog.unnest(${numbers}::int[]) as number`

  const holders = (sql, lock, numbers) => sql`
    select pid from pg_catalog.pg_locks
    where locktype = 'advisory' and classid = ${lock}::int::oid and objid = any(${numbers}::oid[])`

  const cancel = (sql, lock, numbers) => sql`
    select pg_catalog.pg_cancel_backend(pid) from pg_catalog.pg_stat_activity
    where datname = current_catalog and pid in (${holders(sql, lock, numbers)})`

  const terminate = (sql, lock, numbers) => sql`
    select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
    where usename = current_user and datname = current_catalog and pid <> pg_catalog.pg_backend_pid()
      and (pid in (${holders(sql, lock, numbers)})
        or state = 'active' and query_start < pg_catalog.clock_timestamp() - interval '1 ms' * ${patience + GRACE_MS}::int)`

  // `passed` are the ms since the look before.
  async function look(sql, lock, passed) {
    const now = Date.now()
    const seen = (await sessions(sql, lock)).filter(({ number }) => abandoned.has(number))
    for (const [number, request] of abandoned) {
      request.unseen += passed
      if (request.unseen > unseenMs) abandoned.delete(number)
    }
    for (const { number } of seen) abandoned.set(number, { unseen: 0, refused: now + REFUSED_MS })
    await sql`select pg_catalog.pg_advisory_unlock_all()`
    await refuse(sql, lock, [...abandoned.keys()].filter((number) => abandoned.get(number).refused > now))
    await cancel(sql, lock, numbers(seen, ({ commits, late }) => commits && late > 0))
    const hopeless = numbers(seen, ({ late }) => late > GRACE_MS)
    if (hopeless.length) hold()
    const ended = await terminate(sql, lock, hopeless)
    if (ended.length) log(`rest: ended ${ended.length} connections: their transactions went on after their client was gone`)
    return seen.length > 0
  }

  function hold() {
    const gate = pause(HOLD_MS).then(() => { if (held === gate) held = undefined })
    held = gate
  }

  async function watch() {
    const sql = (await connect(config, login)).driver
    try {
      const [{ lock }] = await sql`select pg_catalog.to_regprocedure('pg_catalog.pushproof_request()')::oid::int as lock`
      for (let passed = 0; abandoned.size > 0; await pause(passed)) {
        passed = await look(sql, lock, passed) ? NEXT_LOOK_MS : LOOK_MS
      }
    } finally {
      await sql.end({ timeout: 0 })
    }
  }

  async function run() {
    running = true
    while (abandoned.size > 0) {
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
      abandoned.set(number, { unseen: 0, refused: 0 })
      if (!running) run()
    },
  }
}

const numbers = (sessions, condition) => sessions.filter(condition).map(({ number }) => number)
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms).unref() })
