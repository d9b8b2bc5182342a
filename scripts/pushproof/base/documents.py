"""What each task writes to standard output with `--json`: one document, here by the task's name.

docs/json.md shows an example of each. A key that is added is no break; one that goes, or changes its type, is.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Json = Any  # a value of the database's, as JSON has it


class Problem(TypedDict):
    """An error: its exit code, cause, remedy, and a foreign program's own words."""

    code: int
    message: str
    hint: str
    details: str


class Error(TypedDict):
    """What a task writes that failed before it had a result."""

    error: Problem


class Init(TypedDict):
    """The files that were written, relative to the project."""

    written: list[str]


class RedCheck(TypedDict):
    """Checks that ran, and the names of those that are red."""

    total: int
    red: list[str]


class Tests(TypedDict):
    """How many of the project's tests passed and were skipped, and which failed."""

    passed: int
    failed: list[str]
    skipped: int


class Smoke(TypedDict):
    """`target` is embedded, local or remote; `pushed` are file names; `seconds` is the whole run."""

    target: str
    url: str
    pushed: list[str]
    checks: RedCheck
    tests: Tests
    seconds: float


class Use(TypedDict):
    """A relation as it is on the target: estimated rows, bytes, reads, writes, sessions in it now."""

    rows: int
    bytes: int
    reads: int
    writes: int
    seconds_since_read: int | None
    sessions: int


class Lock(TypedDict):
    """A lock that a statement takes: what it blocks, and what is done while it is held."""

    relation: str
    mode: str
    blocks: str | None
    work: str | None
    use: Use | None


class Statement(TypedDict):
    """A statement of a pending file: what it loses, what it locks; `opaque` where that cannot be read from it."""

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
    """What is wrong with a line; `level` is error or warning."""

    file: str
    line: int
    rule: str
    level: str
    message: str
    hint: str


class ImitatedRows(TypedDict):
    """Rows that a rehearsal made of those that the target has, and why not more."""

    relation: str
    rows: int
    wanted: int
    why: str


class TimedStatement(TypedDict):
    """How long a statement took in the rehearsal, and its locks: relation to mode."""

    line: int
    seconds: float
    locks: dict[str, str]


class Held(TypedDict):
    """What a file blocked of a relation, and for how long."""

    blocks: str
    seconds: float


class TimedFile(TypedDict):
    """A file in the rehearsal; `held` by relation."""

    file: str
    seconds: float
    statements: list[TimedStatement]
    held: dict[str, Held]


class Rehearsal(TypedDict):
    """A push tried on a scratch server: `red` names what failed afterwards."""

    history: int
    rows: list[ImitatedRows]
    files: list[TimedFile]
    not_imitated: list[str]
    checks: int
    cells: int
    red: list[str]
    seconds: float


class Push(TypedDict):
    """`migrations` are the files that were pushed, or with `dry_run` would be."""

    dry_run: bool
    migrations: list[str]
    plan: list[PlannedFile]
    problems: list[LintProblem]
    rehearsal: Rehearsal | None


class Bundle(TypedDict):
    """One file of SQL; `after` is the last version that it expects, `file` where it was written."""

    after: str | None
    migrations: list[str]
    file: str | None
    sql: str


class Result(TypedDict):
    """What a statement answered; `rows` is null where it returns none."""

    tag: str | None
    columns: list[str]
    rows: list[dict[str, Json]] | None


class Cell(TypedDict):
    """One actor's answer to one question; `request` is a curl line with variables where secrets go."""

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
    """What became of a linter's claim: confirmed, declared, refuted or unproved, with what shows it."""

    verdict: str
    sentence: str
    request: str
    answer: str
    control: str
    severe: bool
    rules: list[str]


class LinterReport(TypedDict):
    """A linter's words."""

    source: str
    rule: str
    level: str
    object: str
    words: str


class Finding(TypedDict):
    """All that is said of one object, and the worst of its verdicts; `severe` is a leak."""

    object: str
    verdict: str
    severe: bool
    verdicts: list[ClaimVerdict]
    reports: list[LinterReport]


class CoveredPolicy(TypedDict):
    """The cell that saw a policy allow, and one that saw it deny; empty without one."""

    relation: str
    policy: str
    allowing: str
    denying: str


class Rls(TypedDict):
    """`failed` counts the cells that are not as declared; `policies_not_asked` by relation."""

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
    """`rls --init`: the file, and how many of its lines say `look`."""

    file: str
    looks: int


class Mutant(TypedDict):
    """A change that the proof should notice: the cells or tests that did, or why none can; `error` where it broke."""

    kind: str
    object: str
    change: str
    killed_by: list[str]
    reason: str
    equivalent: str | None
    error: str
    seconds: float


class Mutate(TypedDict):
    """`suite` is cells or pytest, `score` the percentage of mutants that were noticed."""

    suite: str
    score: float
    seconds: float
    mutants: list[Mutant]


class MigrationState(TypedDict):
    """A version: its file, its name in the history; `twin` is the version whose statements are the same."""

    version: str
    local: str | None
    applied: str | None
    state: str
    twin: str | None


class Repair(TypedDict):
    """`migrations --repair`: which side is kept, files or history, and each step in words."""

    keep: str
    repairs: list[str]


class Loss(TypedDict):
    """A table that a rollback takes away, or columns of it, and its rows now."""

    table: str
    columns: list[str]
    rows: int


class Rollback(TypedDict):
    """The rollbacks that ran, or with `dry_run` would, and what of the target they lose."""

    dry_run: bool
    to: str
    rollbacks: list[str]
    lost: list[Loss]


class CheckedRollback(TypedDict):
    """`rollback --check`: a migration up, down and up again; of `empty` tables no row could be made."""

    file: str
    rows: int
    tables: list[str]
    empty: list[str]
    problem: str


class RestoredTable(TypedDict):
    """Rows of a backup: saved, put back, completed, and left because they were there."""

    table: str
    saved: int
    inserted: int
    updated: int
    left: int


class Restore(TypedDict):
    """By table."""

    restored: list[RestoredTable]


class Change(TypedDict):
    """A property that differs."""

    property: str
    expected: str | None
    found: str | None


class Difference(TypedDict):
    """An object of the target that is not as its migrations make it."""

    kind: str
    object: str
    what: Literal["missing", "extra", "different"]
    changes: list[Change]


class Drift(TypedDict):
    """`pending` files are not compared; `not_built` says what could not be built here."""

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
    """The migrations and seeds that ran; `copied` where a kept copy of the database served."""

    migrations: list[str]
    seeds: list[str]
    copied: bool


class Scheduled(TypedDict):
    """`retention --schedule`: the rules that the target runs by itself, and when (cron, UTC)."""

    scheduled: list[str]
    when: str


class Unscheduled(TypedDict):
    """`retention --unschedule`."""

    unscheduled: list[str]


class Retired(TypedDict):
    """What a rule found and deleted; `planned` by the names that the project's SQL gives, `along` what went with it."""

    planned: dict[str, Json]
    deleted: int
    along: NotRequired[int]
    batches: int
    longest_ms: float


class Retention(TypedDict):
    """By rule; `never_ended` is what the project's idle_ages.sql answers."""

    ended: Retired
    idle: NotRequired[Retired]
    never_ended: list[dict[str, Json]]


class Sweep(TypedDict):
    """Addresses of test users that were removed, and those that could not be, with the reason."""

    removed: list[str]
    stuck: list[str]


class Inspection(TypedDict):
    """One thing that `doctor` looked at, and what mends it."""

    subject: str
    ok: bool
    found: str
    fix: str


class Start(TypedDict):
    """Where the stack is, and the services that were started."""

    url: str
    database: str
    started: list[str]


class Stop(TypedDict):
    """The services that were stopped; with `--all` the folders of the stacks."""

    stopped: list[str]


class Service(TypedDict):
    """A service: up, starting or down, and why."""

    name: str
    state: str
    pid: int | None
    port: int | None
    why: str


class Stack(TypedDict):
    """`status --all`: a stack on this machine; `task` is the process that made it for itself."""

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
    """A panel's rows, or why they are missing."""

    title: str
    missing: str | None
    rows: list[dict[str, Json]]


class Generated(TypedDict):
    """The files that a task writes, and those of them that were stale."""

    files: list[str]
    stale: list[str]


class Figure(TypedDict):
    """A measurement in `unit`: the median of the runs and its spread; `bar` is what it should not exceed."""

    name: str
    median: float
    low: float
    high: float
    unit: str
    bar: float | None


class Bench(TypedDict):
    """`bench` of every suite but `load` and `schema`."""

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
    """A failure under load, and how often."""

    request: str
    kind: str
    times: int


class Load(TypedDict):
    """`bench --suite load`: rows that were shown, those of the asker, and those of another (`foreign`)."""

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
    """The median, and what 95 and 99 of 100 executions take at most."""

    median: float
    p95: float
    p99: float


class QueryTimes(TypedDict):
    """One query at each size of the data: by SQL, over HTTP, its plan, and the indexes that it used."""

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
    """Rows a second by SQL and over HTTP; the ratios compare with the plain variant."""

    sessions: int
    sql: int
    rest: int
    own_sql_ratio: NotRequired[float]
    own_rest_ratio: NotRequired[float]


class Variant(TypedDict):
    """A schema that was measured; `parts` are milliseconds of a write by what they are spent on."""

    name: str
    loading_seconds: float
    queries: list[QueryTimes]
    writes: list[Writes]
    parts: dict[str, float]
    wrong: list[str]


class BenchSchema(TypedDict):
    """`bench --suite schema`; `growth` by query: the time at the largest size over that at the smallest."""

    machine: str
    seed: int
    sizes: list[int]
    memory_mb: int
    growth: dict[str, float]
    variants: list[Variant]
