"""The linter of migrations: each rule with what breaks it and what nearly does, ignores, squawk, the outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pushproof.base import process
from pushproof.base.errors import FailedError, PartsError, UsageError
from pushproof.base.settings import load
from pushproof.commands.lint import lint as command
from pushproof.lint import ignores, reports
from pushproof.lint.engine import lint
from pushproof.lint.files import Problem
from pushproof.lint.rules import rules
from pushproof.migrations.files import Migration, local_migrations
from pushproof.stack.run import Run
from pushproof.tools import squawk

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs/lint.md").read_text()

Lint = Callable[..., list[Problem]]
RAISES = "create or replace function public.f() returns void language plpgsql as $$ begin {}; end $$"
SECURED = "create table public.t (a text); alter table public.t enable row level security;"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without migrations."""
    (tmp_path / "supabase/migrations").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def linted(project: Path) -> Lint:
    """Lint files of this text, numbered from 001; the first `applied` of them are there already."""

    def write_and_lint(*texts: str, applied: int = 0, **options: Any) -> list[Problem]:
        write(project, *texts)
        files = local_migrations(project / "supabase/migrations")
        return lint(files[applied:], files[:applied], **options)

    return write_and_lint


def write(project: Path, *texts: str) -> None:
    """Migrations of this text, numbered from 001."""
    for number, text in enumerate(texts, 1):
        (project / f"supabase/migrations/{number:03}_a.sql").write_text(text)


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A run whose target is never asked for, outside of GitHub."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    run = Run("", as_json=False, settings=load(environ={"SUPABASE_WORKDIR": str(project)}))
    yield run
    assert "target" not in vars(run)


def of(rule: str, problems: list[Problem]) -> list[tuple[str, int]]:
    """The level and line of each problem of this rule."""
    return [(p.level, p.line) for p in problems if p.rule == rule]


ERROR, WARNING = "error", "warning"
HITS = [
    ("syntax", ERROR, 3, "select 'é';\n\nselec 1;\nselect from from"),
    ("syntax", ERROR, 2, "select 1;\nselect 'never closed"),
    ("not-sql", ERROR, 2, "select 1;\n\\i other.sql"),
    ("not-sql", ERROR, 1, "copy public.t from stdin"),
    ("lasting-role", ERROR, 1, "set role anon; select 1"),
    ("drop-cascade", ERROR, 2, "\ndrop table a.b cascade"),
    ("drop-cascade", ERROR, 1, "drop function f(int) cascade"),
    ("drop-cascade", ERROR, 1, "drop extension citext cascade"),
    ("drop-cascade", ERROR, 1, "alter table a.b drop column c cascade"),
    ("drop-cascade", ERROR, 1, "alter table a.b drop constraint c cascade"),
    ("drop-cascade", ERROR, 1, "truncate a.b cascade"),
    ("drop-cascade", ERROR, 1, "drop owned by somebody cascade"),
    ("table-without-rls", ERROR, 1, "create table public.t (a int)"),
    ("table-without-rls", ERROR, 1, "create table t (a int); alter table other.t enable row level security"),
    ("table-without-rls", ERROR, 1, "alter table public.t enable row level security; create table public.t (a int)"),
    ("table-without-rls", ERROR, 2, f"{SECURED}\ncreate table public.p partition of public.t default"),
    ("table-without-rls", ERROR, 1, "create table public.t as select 1 as a"),
    ("table-without-rls", ERROR, 1, "select 1 as a into public.t"),
    ("table-without-rls", ERROR, 2, f"{SECURED}\nalter table public.t disable row level security"),
    ("table-without-rls", ERROR, 1, "create table public.t (a int); do $$ begin execute 'alter table …'; end $$"),
    ("table-without-grant", WARNING, 1, "create table public.t (a int); grant select on public.u to anon"),
    ("table-without-grant", WARNING, 1, "create table public.t (a int); grant select on public.t to reporting"),
    ("table-without-grant", WARNING, 2, "grant all on all tables in schema public to anon;\ncreate table t (a int)"),
    (
        "table-without-grant",
        WARNING,
        2,
        "alter default privileges in schema api grant select on tables to anon;\ncreate table public.t (a int)",
    ),
    ("view-without-invoker", ERROR, 1, "create view public.v as select 1 as a"),
    ("view-without-invoker", ERROR, 1, "create view v with (security_invoker = off) as select 1 as a"),
    ("view-without-invoker", ERROR, 1, "create view v with (security_barrier) as select 1 as a"),
    (
        "view-without-invoker",
        ERROR,
        2,
        "create view v with (security_invoker) as select 1 as a;\ncreate or replace view v as select 2 as a",
    ),
    ("view-without-invoker", ERROR, 1, "alter view public.v set (security_invoker = false)"),
    ("view-without-invoker", ERROR, 1, "alter view public.v reset (security_invoker)"),
    ("materialized-view-exposed", ERROR, 1, "create materialized view public.m as select 1 as a"),
    (
        "definer-without-search-path",
        ERROR,
        1,
        "create function public.f() returns int language sql security definer return 1",
    ),
    (
        "definer-without-search-path",
        ERROR,
        1,
        "create procedure public.f() language sql security definer set work_mem = '1MB' as ''",
    ),
    ("definer-without-search-path", ERROR, 1, "alter function public.f() security definer"),
    (
        "definer-without-search-path",
        ERROR,
        2,
        "alter function public.f() set search_path = '';\n"
        "create or replace function public.f() returns int language sql security definer return 1",
    ),
    ("retried-error", WARNING, 1, RAISES.format("raise exception 'stale' using errcode = '40001'")),
    ("retried-error", WARNING, 1, RAISES.format("RAISE SQLSTATE '40001'")),
    ("retried-error", WARNING, 1, RAISES.format("raise serialization_failure")),
    ("own-transaction", ERROR, 2, "select 1;\nbegin; commit"),
    ("not-transactional", ERROR, 2, "select 1;\ncreate index concurrently i on public.t (a)"),
    ("not-transactional", ERROR, 1, "vacuum public.t;\nselect 1"),
    ("unqualified-name", WARNING, 1, "create table t (a int)"),
    ("unqualified-name", WARNING, 1, "create view v as select 1 as a"),
    ("unqualified-name", WARNING, 1, "create function f() returns int language sql return 1"),
    ("unqualified-name", WARNING, 1, "create type e as enum ('a')"),
    ("unqualified-name", WARNING, 1, "create type e as (a int)"),
    ("unqualified-name", WARNING, 1, "create index i on t (a)"),
    ("unqualified-name", WARNING, 1, "create materialized view m as select 1 as a"),
    ("unqualified-name", WARNING, 1, "create foreign table f (a int) server s"),
    ("policy-to-public", WARNING, 1, "create policy p on public.t for select using (a = 1)"),
    ("policy-to-public", WARNING, 1, "create policy p on public.t to authenticated, public using (a = 1)"),
    ("policy-to-public", WARNING, 1, "alter policy p on public.t to public"),
    ("grant-all-to-anon", WARNING, 1, "grant all on public.t to authenticated, anon"),
    ("grant-all-to-anon", WARNING, 1, "grant select, insert on public.t to public"),
    ("grant-all-to-anon", WARNING, 1, "grant truncate on all tables in schema public to anon"),
    ("grant-all-to-anon", WARNING, 1, "alter default privileges in schema public grant all on tables to anon"),
    ("using-true-for-write", ERROR, 1, "create policy p on public.t using (true)"),
    ("using-true-for-write", ERROR, 1, "create policy p on public.t for insert to authenticated with check (true)"),
    ("using-true-for-write", ERROR, 1, "create policy p on public.t for delete to anon using (true)"),
    (
        "using-true-for-write",
        ERROR,
        1,
        "create policy p on public.t for update to authenticated using (a = 1) with check (true)",
    ),
]
MISSES = [
    ("not-sql", "copy public.t from '/tmp/t'; select E'\\\\i'"),
    ("lasting-role", "set role anon; reset role"),
    ("syntax", "select 'selec'; -- selec"),
    ("drop-cascade", "drop table a.b; create table a.b (c int references d on delete cascade); truncate a.b restrict"),
    ("table-without-rls", SECURED),
    ("table-without-rls", "create table t (a int); alter table only public.t enable row level security"),
    ("table-without-rls", "create temp table t (a int); create table pg_temp.u (a int); select 1 into temp v"),
    ("table-without-rls", "create table private.t (a int)"),
    ("table-without-rls", "create table public.t (a int); drop table public.t"),
    ("table-without-rls", "do $$ begin create table public.t (a int); end $$"),
    ("table-without-rls", "create materialized view public.t as select 1 as a"),
    ("table-without-grant", "create table public.t (a int); grant select (a) on public.t to service_role"),
    ("table-without-grant", "create table t (a int); grant select on all tables in schema public to public"),
    ("table-without-grant", "create table public.t (a int); revoke all on public.t from anon, authenticated"),
    ("table-without-grant", "alter default privileges grant select on tables to anon; create table public.t (a int)"),
    ("table-without-grant", "create table public.p partition of public.q default"),
    ("table-without-grant", "create table private.t (a int)"),
    ("view-without-invoker", "create view public.v with (security_invoker) as select 1 as a"),
    ("view-without-invoker", "create view public.v with (security_invoker = on) as select 1 as a"),
    ("view-without-invoker", "create view public.v with (security_invoker = 1) as select 1 as a"),
    ("view-without-invoker", "create view v as select 1 as a; alter view public.v set (security_invoker = true)"),
    ("view-without-invoker", "create view v as select 1 as a; drop view public.v"),
    (
        "view-without-invoker",
        "create view v as select 1 as a; create or replace view v with (security_invoker) as select 1 as a",
    ),
    ("view-without-invoker", "create view private.v as select 1 as a; create temp view w as select 1 as a"),
    ("view-without-invoker", "alter view public.v reset (security_barrier); alter view v set (security_barrier = off)"),
    ("retried-error", RAISES.format("raise exception 'stale' using errcode = 'PT409'")),
    (
        "retried-error",
        RAISES.format("-- raise serialization_failure\nnull; exception when serialization_failure then null"),
    ),
    ("retried-error", RAISES.format("raise deadlock_detected")),
    ("retried-error", RAISES.format("raise notice 'x'; perform 1 where '40001' = 'a'")),
    (
        "retried-error",
        RAISES.format("raise serialization_failure") + ";" + RAISES.format("raise unique_violation"),
    ),
    (
        "materialized-view-exposed",
        "create materialized view private.m as select 1 as a; create table t as select 1 as a",
    ),
    (
        "materialized-view-exposed",
        "create materialized view public.m as select 1 as a; drop materialized view public.m",
    ),
    ("definer-without-search-path", "create function public.f() returns int language sql security invoker return 1"),
    (
        "definer-without-search-path",
        "create function f() returns int language sql security definer set search_path = '' return 1",
    ),
    (
        "definer-without-search-path",
        "create function f() returns int language sql security definer set search_path from current return 1",
    ),
    (
        "definer-without-search-path",
        "create function f() returns int language sql security definer return 1; alter routine f set search_path = ''",
    ),
    (
        "definer-without-search-path",
        "create function f() returns int language sql set search_path = '' return 1; alter function f security definer",
    ),
    ("own-transaction", "do $$ begin null; end $$; select 'begin; commit'"),
    ("not-transactional", "set lock_timeout = '1s'; create index concurrently i on public.t (a)"),
    ("not-transactional", "create index i on public.t (a); analyze public.t; alter type public.e add value 'b'"),
    ("unqualified-name", "create table public.t (a int); create index i on public.t (a); create temp table u (a int)"),
    ("unqualified-name", "create type public.e as enum ('a'); create function public.f() returns int return 1"),
    ("unqualified-name", "select a from t; drop table t; alter table t add column b text"),
    ("policy-to-public", "create policy p on public.t to anon, authenticated using (a = 1)"),
    ("policy-to-public", "alter policy p on public.t using (a = 1)"),
    ("grant-all-to-anon", "grant select on public.t to anon; grant all on public.t to authenticated"),
    ("grant-all-to-anon", "grant insert (name) on public.t to anon; revoke all on public.t from anon"),
    ("grant-all-to-anon", "grant all on function public.f() to anon; grant all on schema public to anon"),
    ("using-true-for-write", "create policy p on public.t for select to anon using (true)"),
    ("using-true-for-write", "create policy p on public.t to service_role using (true)"),
    ("using-true-for-write", "create policy p on public.t as restrictive for delete to authenticated using (true)"),
    ("using-true-for-write", "create policy p on public.t for delete to authenticated using (false)"),
]


@pytest.mark.parametrize(("rule", "level", "line", "sql"), HITS)
def test_what_breaks_a_rule(linted: Lint, rule: str, level: str, line: int, sql: str) -> None:
    """Once, at the line of its statement."""
    assert of(rule, linted(sql)) == [(level, line)]


@pytest.mark.parametrize(("rule", "sql"), MISSES)
def test_what_nearly_breaks_a_rule(linted: Lint, rule: str, sql: str) -> None:
    """Is let be."""
    assert of(rule, linted(sql)) == []


def test_every_rule_is_tried() -> None:
    """With at least one hit and one near miss."""
    assert {rule for rule, *_ in HITS} == {rule for rule, _ in MISSES} == rules().keys()


def test_files_are_read_together(linted: Lint) -> None:
    """What a later file mends is mended; what an applied one holds is context and is not linted."""
    assert linted("create table public.t (a int)", SECURED.partition(";")[2] + "grant select on t to anon") == []
    applied = "alter default privileges in schema public grant select on tables to anon; create table public.u (a int)"
    assert of("table-without-grant", linted(applied, SECURED, applied=1)) == []
    pins = "create function public.f() returns int language sql set search_path = '' return 1"
    assert linted(pins, "alter function public.f() security definer", applied=1) == []


def test_what_the_api_shows(linted: Lint) -> None:
    """Its schemas are a parameter; a project that exposes new tables by itself needs no grant."""
    sql = "create table public.t (a int); create table api.t (a int)"
    assert [p.message.split()[0] for p in linted(sql, schemas=["api"]) if p.rule == "table-without-rls"] == ["api.t"]
    assert of("table-without-grant", linted(sql, auto_expose=True)) == []


def test_the_migrations_of_this_repository() -> None:
    """Have neither errors nor warnings."""
    assert lint(local_migrations(REPOSITORY / "supabase/migrations")) == []


IGNORED = [
    "-- pushproof: ignore drop-cascade: nothing depends on it\ndrop table a.b cascade;",
    "-- pushproof: ignore drop-cascade: why\n-- more about it\ndrop table a.b cascade;",
    "--pushproof:ignore drop-cascade:why\ndrop table\n  a.b cascade;",
    "drop table a.b cascade; -- pushproof: ignore drop-cascade: why",
    "drop table -- pushproof: ignore drop-cascade: why\n a.b cascade;",
    "drop table\n a.b cascade; -- pushproof: ignore drop-cascade: why",
    "-- Title.\n-- pushproof: ignore-file drop-cascade: why\n\nselect 1;\ndrop table a.b cascade;",
]


@pytest.mark.parametrize("sql", IGNORED)
def test_ignored(linted: Lint, sql: str) -> None:
    """Before the statement, on its first or last line, or at the head of the file."""
    sql = sql.replace("drop-cascade", "drop-cascade, squawk/ban-drop-table")
    assert linted(sql) == []


def test_an_ignore_for_one_line(linted: Lint) -> None:
    """Within a statement it is for the line it stands on or before, not for the others."""
    sql = "create table private.t (\n  a char(3), -- pushproof: ignore squawk/ban-char-field: why\n  b char(3)\n)"
    assert of("squawk/ban-char-field", linted(sql)) == [(WARNING, 3)]
    sql = "create table private.t (\n  -- pushproof: ignore squawk/ban-char-field: why\n  a char(3),\n  b char(3)\n)"
    assert [(p.rule, p.line) for p in linted(sql)] == [("squawk/ban-char-field", 4)]
    sql = "create table private.t (\n  a char(3),\n  -- pushproof: ignore squawk/ban-char-field: why\n  b char(3))"
    assert [(p.rule, p.line) for p in linted(sql)] == [("squawk/ban-char-field", 2)]


NOT_IGNORED = [
    ("-- pushproof: ignore drop-cascade: why\n\ndrop table a.b cascade", {"unused-ignore"}),
    ("-- pushproof: ignore-file drop-cascade: why\ndrop table a.b cascade", {"unused-ignore"}),
    ("select 1;\n\n-- pushproof: ignore-file drop-cascade: why\n\ndrop table a.b cascade", {"unused-ignore"}),
    ("select '\n-- pushproof: ignore drop-cascade: why\n';drop table a.b cascade", set()),
    ("do $$\n-- pushproof: ignore drop-cascade: why\n$$;drop table a.b cascade", set()),
    ("/* pushproof: ignore drop-cascade: why */\ndrop table a.b cascade", set()),
    ("-- pushproof: ignore syntax: why\ndrop table a.b cascade", {"unused-ignore"}),
    ("-- pushproof: ignore cascade: why\ndrop table a.b cascade", {"unknown-rule"}),
    ("-- pushproof: ignore unused-ignore: why\ndrop table a.b cascade", {"unknown-rule"}),
    ("-- pushproof: ignore: why\ndrop table a.b cascade", {"unknown-rule"}),
]


@pytest.mark.parametrize(("sql", "also"), NOT_IGNORED)
def test_not_ignored(linted: Lint, sql: str, also: set[str]) -> None:
    """What is elsewhere, no comment, for another rule or for none; the comment itself is a problem then."""
    assert {p.rule for p in linted(sql)} - {"squawk/ban-drop-table"} == {"drop-cascade", *also}


@pytest.mark.parametrize("comment", ["-- pushproof: ignore drop-cascade", "-- pushproof: ignore drop-cascade:  "])
def test_an_ignore_without_a_reason(linted: Lint, comment: str) -> None:
    """Is an error in the place of what it ignores."""
    problems = linted(f"{comment}\ndrop view private.v cascade")
    assert [(p.rule, p.level, p.line) for p in problems] == [
        ("ignore-without-reason", ERROR, 1),
        ("squawk/ban-drop-view", WARNING, 2),
    ]


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        ("-- squawk-ignore ban-drop-table -- nobody reads it", []),
        ("/* squawk-ignore ban-drop-table -- nobody reads it */", []),
        ("-- squawk-ignore-file ban-drop-table -- nobody reads it", []),
        ("-- squawk-ignore ban-drop-table", ["ignore-without-reason"]),
        ("/* squawk-ignore-file ban-drop-table */", ["ignore-without-reason"]),
        ("-- squawk-ignore-file", ["ignore-without-reason", "unknown-rule"]),
        ("-- squawk-ignore-file -- all of it", ["unknown-rule"]),
        ("-- squawk-ignore drop -- why", ["squawk/ban-drop-table", "squawk/unused-ignore"]),
    ],
)
def test_squawks_own_ignores(linted: Lint, comment: str, found: list[str]) -> None:
    """It honours them itself; a reason stands behind two dashes, as it wants it, and no file goes unlinted."""
    assert sorted(p.rule for p in linted(f"{comment}\ndrop table private.t")) == found


SQUAWKED = [
    ("ban-drop-column", ERROR, 2, "select 1;\nalter table public.t drop column a"),
    ("ban-drop-table", ERROR, 1, "drop table public.t"),
    ("renaming-column", WARNING, 1, "alter table public.t rename column a to b"),
    ("require-concurrent-index-creation", ERROR, 1, "create index i on public.t (a)"),
    ("adding-foreign-key-constraint", ERROR, 1, "alter table public.t add foreign key (a) references public.u (a)"),
    ("disallowed-unique-constraint", ERROR, 1, "alter table public.t add constraint u unique (a)"),
    ("constraint-missing-not-valid", ERROR, 1, "alter table public.t add constraint c check (a > 1)"),
    ("changing-column-type", ERROR, 1, "alter table public.t alter column a type text"),
    ("adding-required-field", ERROR, 1, "alter table public.t add column b text not null"),
    ("prefer-timestamp-tz", WARNING, 1, "create table private.t (a timestamp)"),
    ("prefer-bigint-over-int", WARNING, 1, "create table private.t (a int primary key)"),
    ("prefer-bigint-over-int", WARNING, 3, "create table private.t (\n  b int,\n  a int,\n  primary key (a)\n)"),
    (
        "prefer-bigint-over-int",
        WARNING,
        2,
        "create table private.t (\n  a int generated always as identity,\n  b int\n)",
    ),
]


@pytest.mark.parametrize(("rule", "level", "line", "sql"), SQUAWKED)
def test_what_squawk_says(linted: Lint, rule: str, level: str, line: int, sql: str) -> None:
    """At the line it means, at the level we give it, once, with a remedy."""
    problems = [p for p in linted(sql) if p.rule.startswith("squawk/")]
    assert [(p.rule, p.level, p.line) for p in problems] == [(f"squawk/{rule}", level, line)]
    assert all(p.hint for p in problems)


@pytest.mark.parametrize(
    "sql",
    [
        "create table private.t (a int, b smallint, c varchar(20))",
        "create table private.t (a bigint); create index i on private.t (a)",
        "create index concurrently i on public.t (a)",
        "create table private.t (a bigint); alter table private.t add constraint c check (a > 1)",
        "create table private.t (a bigint); alter table private.t drop column a; drop table private.t",
    ],
)
def test_what_squawk_is_not_asked(linted: Lint, sql: str) -> None:
    """Counts that are no keys, tables that the file itself makes, one statement that runs alone."""
    assert linted(sql) == []


CHANGES = (
    "create index i on t (a); alter table public.t add foreign key (a) references public.u (a); drop table public.t"
)


def squawks(problems: list[Problem]) -> list[str]:
    """What squawk says, without its name before it."""
    return [p.rule.removeprefix("squawk/") for p in problems if p.rule.startswith("squawk/")]


def test_tables_of_the_same_push(linted: Lint) -> None:
    """Are empty, and nobody waits for them; but only where one push makes them, and before."""
    all_of_it = ["adding-foreign-key-constraint", "ban-drop-table", "require-concurrent-index-creation"]
    assert squawks(linted(SECURED, CHANGES)) == []
    assert squawks(linted(SECURED, CHANGES, applied=1)) == all_of_it
    assert squawks(linted(SECURED, CHANGES, together=False)) == all_of_it
    assert squawks(linted("create table if not exists public.t (a text)", CHANGES)) == all_of_it
    assert squawks(linted("drop table public.t;", SECURED)) == ["ban-drop-table"]


def test_squawks_rules_are_those_of_the_table(tmp_path: Path) -> None:
    """It knows every name that we give a level or switch off, and no rule has both."""
    assert not squawk.RULES & squawk.OFF.keys()
    file = tmp_path / "a.sql"
    file.touch()
    names = ",".join(
        (squawk.RULES | squawk.OFF.keys()) - {squawk.SYNTAX, "unused-ignore"}
    )  # it has no switch for these
    done = process.run([squawk.binary(), f"--exclude={names}", file])
    assert done.code == 0, done.stderr


def test_the_projects_own_squawk_toml_and_odd_names(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it excludes is asked all the same; a name is no pattern."""
    (project / ".squawk.toml").write_text('excluded_rules = ["ban-drop-table"]\nexcluded_paths = ["*"]\n')
    monkeypatch.chdir(project)
    file = project / "supabase/migrations/001_[a] *é.sql"
    file.write_text("-- é\ndrop table private.é")
    assert [(p.file, p.line) for p in lint([Migration("001", "a", file)])] == [(file, 2)]


def test_what_only_squawk_cannot_read(linted: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a warning where the server's grammar can; where neither can, the error is told once."""

    def misread(files: list[Path]) -> list[squawk.Violation]:
        return [squawk.Violation(file, 1, squawk.SYNTAX, "expected a comma", "nothing") for file in files]

    monkeypatch.setattr(squawk, "lint", misread)
    assert [(p.rule, p.level) for p in linted("select 1")] == [("squawk/syntax-error", WARNING)]
    assert [p.rule for p in linted("selec 1")] == ["syntax"]


def test_a_rule_that_is_newer_than_the_table(linted: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a warning, and can be ignored."""
    monkeypatch.setattr(squawk, "lint", lambda files: [squawk.Violation(f, 2, "brand-new", "so", "so") for f in files])
    assert [(p.rule, p.level) for p in linted("\nselect 1")] == [("squawk/brand-new", WARNING)]
    assert linted("-- pushproof: ignore squawk/brand-new: why\nselect 1") == []


def test_squawk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told with its own words."""
    monkeypatch.setattr(squawk, "OFF", {"no-such-rule": ""})
    with pytest.raises(PartsError) as caught:
        squawk.lint([tmp_path / "a.sql"])
    assert "no-such-rule" in caught.value.details


def test_the_task(run: Run, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each problem, its remedy below it, a count; it fails where there is an error, and says where."""
    write(project, "drop view private.v;\ndrop view private.w cascade;")
    with pytest.raises(FailedError, match=r"1 error in the migrations, the first in 001_a\.sql line 2"):
        command(run)
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("001_a.sql:1 warning squawk/ban-drop-view  Dropping a view")
    assert out[2].startswith("001_a.sql:2 error drop-cascade  `drop view private.w cascade`")
    assert out[3] == f"    {rules()['drop-cascade'].HINT}"
    assert out[-1] == "✗ lint 1 file, 1 error, 2 warnings"


def test_since(run: Run, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the files after a version, as one push; otherwise each file is one, onto the tables of those before it."""
    table = f"{SECURED} grant select on public.t to anon"
    write(project, "drop table private.a", table, "create index i on public.t (a)")
    assert command(run, since="001") == []
    with pytest.raises(FailedError):
        command(run)
    assert "003_a.sql:1 error squawk/require-concurrent-index-creation" in capsys.readouterr().out
    with pytest.raises(UsageError, match="no migration has version 009"):
        command(run, since="009")


def test_json(run: Run, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One document, files relative to the project; no annotations in it."""
    write(project, "truncate private.t cascade")
    run.console.as_json = True
    with pytest.raises(FailedError):
        command(run, github=True)
    found = json.loads(capsys.readouterr().out)
    assert {name: found[name] for name in ("files", "errors", "warnings")} == {"files": 1, "errors": 1, "warnings": 0}
    (problem,) = found["problems"]
    assert (problem["file"], problem["line"]) == ("supabase/migrations/001_a.sql", 1)
    assert problem.keys() == {"file", "line", "rule", "level", "message", "hint"}


def test_sarif(run: Run, project: Path) -> None:
    """2.1.0: a rule for each that was broken, squawk's with its page; each result names one, a file and a line."""
    write(project, "drop view private.v;\ndrop view private.w cascade;")
    file = project / "out/lint.sarif"
    with pytest.raises(FailedError):
        command(run, sarif=str(file))
    log = json.loads(file.read_text())
    (one,) = log["runs"]
    by_id = {rule["id"]: rule for rule in one["tool"]["driver"]["rules"]}
    assert (log["version"], one["tool"]["driver"]["name"]) == ("2.1.0", "pushproof")
    assert by_id.keys() == {"drop-cascade", "squawk/ban-drop-view"}
    assert by_id["squawk/ban-drop-view"]["helpUri"] == "https://squawkhq.com/docs/ban-drop-view"
    assert all(rule["shortDescription"]["text"] for rule in by_id.values())
    places = [(r["ruleId"], r["level"], r["locations"][0]["physicalLocation"]) for r in one["results"]]
    uri = {"uri": "supabase/migrations/001_a.sql"}
    assert places == [
        ("squawk/ban-drop-view", "warning", {"artifactLocation": uri, "region": {"startLine": 1}}),
        ("drop-cascade", "error", {"artifactLocation": uri, "region": {"startLine": 2}}),
        ("squawk/ban-drop-view", "warning", {"artifactLocation": uri, "region": {"startLine": 2}}),
    ]
    assert all(result["message"]["text"] for result in one["results"])


def test_annotations(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GitHub's, where its environment says so and nobody says otherwise."""
    write(project, "drop view private.v")
    command(run)
    command(run, github=True)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    command(run)
    command(run, github=False)
    annotations = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]
    assert len(annotations) == 2
    assert annotations[0].startswith(
        "::warning file=supabase/migrations/001_a.sql,line=1,title=squawk/ban-drop-view::Dropping a view may break"
    )


def test_annotations_are_escaped() -> None:
    """As the workflow commands want it: more in a property than in the message."""
    problem = Problem(Path("/p/a,b:%\n.sql"), 1, "r", "error", "50%: a,\r\nb", "c")
    assert reports.annotation(problem, Path("/p")) == (
        "::error file=a%2Cb%3A%25%0A.sql,line=1,title=r::50%25: a,%0D%0Ab%0Ac"
    )


def test_the_page_lists_the_rules() -> None:
    """docs/lint.md has each rule with its level, and each of squawk's that is switched off, or is an error."""
    levels = {name: rule.LEVEL for name, rule in rules().items()}
    levels |= {name: level for name, (level, *_) in ignores.RULES.items()}
    assert dict(re.findall(r"^\| `([a-z-]+)` \| (error|warning) \|", PAGE, re.MULTILINE)) == levels
    assert dict(re.findall(r"^\| `([a-z-]+)` \| off \| (.*) \|$", PAGE, re.MULTILINE)) == squawk.OFF
    (errors,) = re.findall(r"^Errors of squawk's are (.*?)\.\n", PAGE, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`([a-z-]+)`", errors)) == squawk.ERRORS
