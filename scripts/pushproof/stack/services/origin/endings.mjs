// Ends transactions of PostgREST that would not end after their client has gone. PostgREST repeats a transaction that
// fails with SQLSTATE 40001, forever if a function always raises it:
// https://github.com/fstamatelopoulos/cerefox/pull/174. And PostgreSQL's time limits do not end a trigger that runs at
// COMMIT or that catches query_canceled. Each would hold one of PostgREST's few connections forever.
import { log } from './answers.mjs'
import { connect } from './lite.mjs'

const SAMPLES = 20
const BETWEEN_MS = 100
const DISTINCT = 3 // transactions that a session was seen in, from which on it is taken for one that repeats
const BUSY = SAMPLES / 2 // samples in which it was at work
const LOOKS = 3 // without a find, until it is taken for one that ended by itself
const MOST_LOOKS = 60 // where others are answered meanwhile, whose sessions look alike
const COMMIT_MS = 15_000 // for which triggers may run at COMMIT
const AGAIN_MS = 5_000 // while one that was given up goes on

/**
 * Ends such transactions: `giveUp` is told the name of the relation or function that a request without an answer asked
 * for, `answered` of each answer that REST gave. `patience` is for how many ms a request is waited for.
 */
export function createEnder(config, patience) {
  const login = { user: 'authenticator', password: config.database.authenticator_password, zone: 'Z', max: 1 }
  const names = new Set()
  let running
  let answers = 0 // to requests for one of the names

  // Sessions that hardly rest, and ask for one of the names again and again, while nobody gets an answer from them.
  async function repeating(sql) {
    const seen = new Map()
    answers = 0
    const wanted = [...names].map((name) => `%"${name.replace(/[\\%_]/g, '\\$&').replaceAll('"', '""')}"%`)
    for (let n = 0; n < SAMPLES; n += 1) {
      const busy = await sql`
        select pid, xact_start::text as began, query like any (${wanted}) as meant from pg_catalog.pg_stat_activity
        where usename = current_user and pid <> pg_catalog.pg_backend_pid() and state <> 'idle'`
      if (n === 0 && busy.length === 0) return []
      for (const one of busy) seen.set(one.pid, [...(seen.get(one.pid) ?? []), one])
      await new Promise((resolve) => { setTimeout(resolve, BETWEEN_MS) })
    }
    const repeats = ([, times]) => times.length >= BUSY && new Set(times.map(({ began }) => began)).size >= DISTINCT
      && times.some(({ meant }) => meant)
    return answers > 0 ? [] : [...seen].filter(repeats).map(([pid]) => pid)
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
      if (found.length === 0) return left
      await sql`select pg_catalog.pg_terminate_backend(pid) from unnest(${found}::int[]) as pid`
      log(`rest: ended ${found.length} transactions that were repeated without an end (SQLSTATE 40001?)`)
      return left + found.length // some may have been too slow to be seen
    } finally {
      await sql.end({ timeout: 0 })
    }
  }

  async function run() {
    for (let looks = 0, all = 0; looks < LOOKS && all < MOST_LOOKS; looks += 1, all += 1) {
      if (await end() > 0 || answers > 0) looks = 0
      await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS).unref() })
    }
    names.clear()
  }

  return {
    giveUp(name) {
      names.add(name)
      running ??= run().catch((error) => log(`rest: ${error.code ?? error.name}: ${error.message}`))
        .finally(() => { running = undefined })
    },
    answered(path) {
      if (names.size > 0 && names.has(nameOf(path))) answers += 1
    },
  }
}

/** What a path of REST asks for. */
export const nameOf = (path) => decodeURIComponent(path.split('/').at(-1))
