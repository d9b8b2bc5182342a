"""The real CLI's verbs, run as they are, against an embedded stack as `postgres`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from pushproof.tools import parts
from tests.fix_stack import Connection, Project, RunningStack, running


@pytest.fixture(scope="module")
def own(projects: Callable[..., Project]) -> tuple[Project, RunningStack]:
    """A stack of this module's: a reset may not pull the ground from under others.

    It exposes the schemas of the config.toml that `supabase init` writes.
    """
    project = projects()
    config = (project.folder / "supabase/config.toml").read_text()
    project.write("config.toml", config.replace('schemas = ["public"]', 'schemas = ["public", "graphql_public"]'))
    return project, running(project)


@pytest.fixture
def cli(own: tuple[Project, RunningStack]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a verb of the CLI, its password in the environment."""
    project, stack = own
    binary = parts.locate(project.settings).cli
    database = stack.target.database

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [binary, *words, f"--remote={database.url}", "--workdir", project.folder, "--agent", "no"],
            env={**project.environment, **database.environment, "PGSSLMODE": "disable"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    return run


def test_migration_list(cli: Callable[..., Any]) -> None:
    """Every file is there on both sides."""
    rows = json.loads(cli("migration", "list", "--output-format", "json").stdout)["migrations"]
    assert [(row["local"], row["remote"]) for row in rows] == [(v, v) for v in ("029", "030", "031", "032")]


def test_query_is_asked_as_hosted_postgres(cli: Callable[..., Any]) -> None:
    """The login is `postgres`, and `postgres` is no superuser."""
    sql = "select current_user, rolsuper from pg_catalog.pg_roles where rolname = current_user"
    assert json.loads(cli("db", "query", sql, "--yes", "--output-format", "json").stdout) == [
        {"current_user": "postgres", "rolsuper": False}
    ]


def test_advisors_look_and_find(cli: Callable[..., Any], own: tuple[Project, RunningStack]) -> None:
    """Silent about the project, and not because they looked at nothing: a table without RLS is reported."""
    assert json.loads(cli("db", "advisors", "--output-format", "json").stdout)["results"] == []
    with own[1].connect("postgres") as connection:
        connection.execute("create table public.exposed (id int); grant select on public.exposed to anon")
        try:
            found = json.loads(cli("db", "advisors", "--output-format", "json").stdout)["results"]
        finally:
            connection.execute("drop table public.exposed")
    assert "rls_disabled_in_public" in {result["name"] for result in found}


def test_types(cli: Callable[..., Any]) -> None:
    """Python models of every table."""
    source = cli("gen", "types", "--lang", "python").stdout
    for model in ("PublicBrands", "PublicConversationSessions", "PublicConversationMessages"):
        assert f"class {model}(BaseModel)" in source


def test_reset_leaves_auth_and_the_roles_whole(cli: Callable[..., Any], own: tuple[Project, RunningStack]) -> None:
    """The reset empties the project; the tables of Auth, their owners and privileges, and the roles stay."""
    with own[1].connect("supabase_admin") as connection:
        connection.execute("insert into auth.users (id, email) values (gen_random_uuid(), 'goes@example.com')")
        connection.execute("insert into public.brands (owner_id, name) select id, 'goes' from auth.users limit 1")
        before = _supabases_own(connection)
        done = cli("db", "reset", "--yes", "--output-format", "json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert _supabases_own(connection) == before
        assert connection.execute("select count(*) from public.brands").fetchone() == (0,)
        assert connection.execute("select count(*) from auth.users").fetchone() == (0,)


def _supabases_own(connection: Connection) -> list[tuple[Any, ...]]:
    """The roles with their rights and memberships, and what is in auth with its owners and privileges."""
    return connection.execute(
        """
        select 'role', r.rolname::text, to_jsonb(r)::text, (
          select string_agg(m.roleid::regrole::text, ',' order by m.roleid::regrole::text)
          from pg_catalog.pg_auth_members m where m.member = r.oid
        )
        from pg_catalog.pg_roles r where r.rolname !~ '^pg_'
        union all
        select c.relkind::text, c.relname::text, c.relowner::regrole::text, c.relacl::text
        from pg_catalog.pg_class c where c.relnamespace = 'auth'::regnamespace
        union all
        select 'function', p.oid::regprocedure::text, p.proowner::regrole::text, p.proacl::text
        from pg_catalog.pg_proc p where p.pronamespace = 'auth'::regnamespace
        order by 1, 2
        """
    ).fetchall()
