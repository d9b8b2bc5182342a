"""The JSON document that each task writes to standard output with `--json`.

docs/json.md shows an example of each. New keys may be added; a removed key or a changed type is a breaking change.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Json = Any  # a database value as JSON


class Problem(TypedDict):
    """An error: its exit code, cause, remedy, and the message of another program, if any."""

    code: int
    message: str
    hint: str
    details: str


class Error(TypedDict):
    """The document of a task that failed before it had a result."""

    error: Problem


class Init(TypedDict):
    """The files that were written, relative to the project."""

    written: list[str]


class RedCheck(TypedDict):
    """The number of checks that ran, and the names of the red ones."""

    total: int
    red: list[str]


class Tests(TypedDict):
    """Numbers of the project's tests that passed and were skipped, and the names of those that failed."""

    passed: int
    failed: list[str]
    skipped: int


class Smoke(TypedDict):
    """`target` is embedded, local or remote; `pushed` are file names; `seconds` is the duration of the run."""

    target: str
    url: str
    pushed: list[str]
    checks: RedCheck
    tests: Tests
    seconds: float


class Use(TypedDict):
    """A relation on the target: estimated rows, bytes, reads, writes, and the sessions that use it now."""

    rows: int
    bytes: int
    reads: int
    writes: int
    seconds_since_read: int | None
    sessions: int


class Lock(TypedDict):
    """A lock that a statement takes: what it blocks, and the work done while it is held."""

    relation: str
    mode: str
    blocks: str | None
    work: str | None
    use: Use | None


class Statement(TypedDict):
    """A statement of a pending file: what it loses and locks; `opaque` if its text does not show that."""

    line: int
    statement: str
    loses: str | None
    opaque: bool
    locks: list[Lock]


class PlannedFile(TypedDict):
    """A pending file, statement by statement."""

    file: str
    statements: list[Statement]


class LintProblem(TypedDict):
    """A problem of a line; `level` is error or warning."""

    file: str
    line: int
    rule: str
    level: str
    message: str
    hint: str


class ImitatedRows(TypedDict):
    """The rows that a rehearsal made, of the `wanted` number on the target, and why it made no more."""

    relation: str
    rows: int
    wanted: int
    why: str


class TimedStatement(TypedDict):
    """The duration of a statement in the rehearsal, and its locks: relation to mode."""

    line: int
    seconds: float
    locks: dict[str, str]


class Held(TypedDict):
    """What a file blocked on a relation, and for how long."""

    blocks: str
    seconds: float


class TimedFile(TypedDict):
    """A file in the rehearsal; `held` by relation."""

    file: str
    seconds: float
    statements: list[TimedStatement]
    held: dict[str, Held]


class Rehearsal(TypedDict):
    """A push on a scratch server: `red` names the checks and cells that failed after it."""

    history: int
    rows: list[ImitatedRows]
    files: list[TimedFile]
    not_imitated: list[str]
    checks: int
    cells: int
    red: list[str]
    seconds: float


class Push(TypedDict):
    """`migrations` are the files that were pushed, or that `dry_run` would push."""

    dry_run: bool
    migrations: list[str]
    plan: list[PlannedFile]
    problems: list[LintProblem]
    rehearsal: Rehearsal | None


class Bundle(TypedDict):
    """One SQL file; `after` is the last version that it expects, `file` is its path."""

    after: str | None
    migrations: list[str]
    file: str | None
    sql: str


class Result(TypedDict):
    """The result of a statement; `rows` is null if it returns none."""

    tag: str | None
    columns: list[str]
    rows: list[dict[str, Json]] | None


class Cell(TypedDict):
    """The answer to one actor's request; `request` is a curl command with variables in place of secrets."""

    kind: str
    object: str
    verb: str
    detail: str
    actor: str
    expected: str
    observed: str
    ok: bool
    reason: str
    control: str
    answer: str
    request: str


class ClaimVerdict(TypedDict):
    """The verdict on a linter's claim: confirmed, declared, refuted or unproved, with its evidence."""

    verdict: str
    sentence: str
    request: str
    answer: str
    control: str
    severe: bool
    rules: list[str]


class LinterReport(TypedDict):
    """A linter's report; `words` is its text."""

    source: str
    rule: str
    level: str
    object: str
    words: str


class Finding(TypedDict):
    """The verdicts and reports on one object; `verdict` is the worst of them; `severe` means a leak."""

    object: str
    verdict: str
    severe: bool
    verdicts: list[ClaimVerdict]
    reports: list[LinterReport]


class CoveredPolicy(TypedDict):
    """A cell in which the policy allowed a request, and one in which it denied one; empty if there is none."""

    relation: str
    policy: str
    allowing: str
    denying: str


class Rls(TypedDict):
    """`failed` is the number of cells that are not as declared; `policies_not_asked` is by relation."""

    target: str
    url: str
    cells: list[Cell]
    failed: int
    findings: list[Finding]
    policies: list[CoveredPolicy]
    policies_not_asked: dict[str, int]
    functions_not_asked: list[str]
    seconds: float


class RlsInit(TypedDict):
    """`rls --init`: the file, and the number of its lines that say `look`."""

    file: str
    looks: int


class Mutant(TypedDict):
    """A change that the proof should notice: the cells or tests that noticed it, or why none can, or its error."""

    kind: str
    object: str
    change: str
    killed_by: list[str]
    reason: str
    equivalent: str | None
    error: str
    seconds: float


class Mutate(TypedDict):
    """`suite` is cells or pytest; `score` is the percentage of mutants that were killed."""

    suite: str
    score: float
    seconds: float
    mutants: list[Mutant]


class MigrationState(TypedDict):
    """A version: its file and its name in the history; `twin` is a version with the same statements."""

    version: str
    local: str | None
    applied: str | None
    state: str
    twin: str | None


class Repair(TypedDict):
    """`migrations --repair`: the side that is kept, files or history, and a description of each step."""

    keep: str
    repairs: list[str]


class Loss(TypedDict):
    """A table that a rollback drops, or drops columns of, and its number of rows."""

    table: str
    columns: list[str]
    rows: int


class Rollback(TypedDict):
    """The rollbacks that ran, or that `dry_run` would run, and the data that they lose."""

    dry_run: bool
    to: str
    rollbacks: list[str]
    lost: list[Loss]


class CheckedRollback(TypedDict):
    """`rollback --check`: a migration run up, down and up again; no row could be made for `empty` tables."""

    file: str
    rows: int
    tables: list[str]
    empty: list[str]
    problem: str


class RestoredTable(TypedDict):
    """Numbers of rows of a backup: saved, inserted, updated, and left because they exist."""

    table: str
    saved: int
    inserted: int
    updated: int
    left: int


class Restore(TypedDict):
    """The restored tables."""

    restored: list[RestoredTable]


class Change(TypedDict):
    """A property that differs."""

    property: str
    expected: str | None
    found: str | None


class Difference(TypedDict):
    """An object of the target that differs from what its migrations make."""

    kind: str
    object: str
    what: Literal["missing", "extra", "different"]
    changes: list[Change]


class Drift(TypedDict):
    """`pending` files are not compared; `not_built` lists what could not be built on this machine."""

    migrations: int
    pending: list[str]
    not_built: list[str]
    differences: list[Difference]


class Check(TypedDict):
    """A check of supabase/checks."""

    check: str
    title: str
    expected: str | None
    found: str | None
    ok: bool


class Reset(TypedDict):
    """The migrations and seeds that ran; `copied` is true if a kept copy of the database was used instead."""

    migrations: list[str]
    seeds: list[str]
    copied: bool


class Scheduled(TypedDict):
    """`retention --schedule`: the rules that the target runs on a schedule, and the schedule (cron, UTC)."""

    scheduled: list[str]
    when: str


class Unscheduled(TypedDict):
    """`retention --unschedule`: the rules that are no longer scheduled."""

    unscheduled: list[str]


class Retired(TypedDict):
    """What a rule deleted: `planned` has the names that the project's SQL gives, `along` counts dependent rows."""

    planned: dict[str, Json]
    deleted: int
    along: NotRequired[int]
    batches: int
    longest_ms: float


class Retention(TypedDict):
    """The result of each rule; `never_ended` is the result of the project's idle_ages.sql."""

    ended: Retired
    idle: NotRequired[Retired]
    never_ended: list[dict[str, Json]]


class Sweep(TypedDict):
    """Addresses of test users that were removed, and of those that could not be removed, with the reason."""

    removed: list[str]
    stuck: list[str]


class Inspection(TypedDict):
    """One check of `doctor`, and how to fix a failure."""

    subject: str
    ok: bool
    found: str
    fix: str


class Start(TypedDict):
    """The addresses of the stack, and the services that were started."""

    url: str
    database: str
    started: list[str]


class Stop(TypedDict):
    """The services that were stopped, or with `--all` the folders of the stacks."""

    stopped: list[str]


class Service(TypedDict):
    """A service: its state (up, not ready or down), and why it is not up."""

    name: str
    state: str
    pid: int | None
    port: int | None
    why: str


class Stack(TypedDict):
    """`status --all`: a stack on this machine; `task` is the process that made it, if it is a scratch stack."""

    folder: str
    url: str
    processes: list[int]
    task: int | None


class Lint(TypedDict):
    """Numbers of files, errors and warnings."""

    files: int
    errors: int
    warnings: int
    problems: list[LintProblem]


class Panel(TypedDict):
    """A panel: its rows, or why they are missing."""

    title: str
    missing: str | None
    rows: list[dict[str, Json]]


class Generated(TypedDict):
    """The files that a task writes, and those that were stale."""

    files: list[str]
    stale: list[str]


class Figure(TypedDict):
    """A measurement in `unit`: the median, lowest and highest of the runs; `bar` is its limit."""

    name: str
    median: float
    low: float
    high: float
    unit: str
    bar: float | None


class Bench(TypedDict):
    """`bench` with any suite except `load` and `schema`."""

    machine: str
    runs: int
    figures: list[Figure]


class RequestTimes(TypedDict):
    """One kind of request under load; times in milliseconds."""

    method: str
    name: str
    requests: int
    failures: int
    median: float
    p95: float
    p99: float


class LoadError(TypedDict):
    """A failure under load, and how often it occurred."""

    request: str
    kind: str
    times: int


class Load(TypedDict):
    """`bench --suite load`: rows in responses, those of the requesting user (`own`) and of others (`foreign`)."""

    machine: str
    users: int
    seconds: int
    rows: int
    own: int
    foreign: int
    examples: list[str]
    arrived: float
    requests: int
    failures: int
    requests_a_second: float
    by_request: list[RequestTimes]
    errors: list[LoadError]


class Milliseconds(TypedDict):
    """The median and the 95th and 99th percentiles of the executions."""

    median: float
    p95: float
    p99: float


class QueryTimes(TypedDict):
    """One query at each size of the data: its times by SQL and over HTTP, its plan, and the indexes that it uses."""

    name: str
    title: str
    p95_bar_ms: float | None
    milliseconds: dict[str, Milliseconds]
    rest_milliseconds: Milliseconds | None
    buffers: dict[str, int]
    grows: str | None
    indexes: list[str]
    plan: dict[str, Json]


class Writes(TypedDict):
    """Rows per second by SQL and over HTTP; the ratios are relative to the plain variant."""

    sessions: int
    sql: int
    rest: int
    own_sql_ratio: NotRequired[float]
    own_rest_ratio: NotRequired[float]


class Variant(TypedDict):
    """A measured schema; `parts` are the milliseconds that each part of a write takes."""

    name: str
    loading_seconds: float
    queries: list[QueryTimes]
    writes: list[Writes]
    parts: dict[str, float]
    wrong: list[str]


class BenchSchema(TypedDict):
    """`bench --suite schema`; `growth` is by query: the time at the largest size divided by that at the smallest."""

    machine: str
    seed: int
    sizes: list[int]
    memory_mb: int
    growth: dict[str, float]
    variants: list[Variant]
