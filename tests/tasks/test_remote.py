"""The targets remote and local: the same tasks against a stack that somebody else runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from pushproof.base.errors import SettingsError
from pushproof.target.testusers import check_one_project
from tests.fix_stack import Connection, Project, RunningStack
from tests.tasks.answers import refuses, remote_settings, secrets_of, succeeds


def test_smoke(client_project: Project, project: Project) -> None:
    """The main job against the target that `.env` describes; nothing is started here, no secret is shown."""
    done = succeeds(client_project.invoke("smoke", "-k", "sessions"))
    target = project.stack.target()
    assert f"target remote · {target.url} · postgres@{target.database.label}\n" in done.stderr
    assert not (client_project.folder / ".pushproof" / "state.json").exists()
    assert (client_project.folder / ".env").stat().st_mode & 0o777 == 0o600
    assert [s for s in secrets_of(project) if s in done.output] == []


@pytest.mark.parametrize("words", ["push", "verify", "migrations", "sweep", "doctor", "execute --sql select"])
def test_other_tasks(client_project: Project, words: str) -> None:
    """--target remote means the same as the variable."""
    env = client_project.folder / ".env"
    client_project.write_env(env.read_text().replace("SUPABASE_TARGET=remote\n", ""))
    assert "target remote ·" in succeeds(client_project.invoke(*words.split(), "--target", "remote")).output.replace(
        "✓ target       remote", "target remote"
    )


def test_rls(client_project: Project, project: Project, postgres: Connection) -> None:
    """The proof and the findings there; nobody and nothing is left behind, no secret is shown."""
    before = _rows(postgres)
    done = succeeds(client_project.invoke("rls"))
    assert "0 not as declared" in done.stdout
    assert "0 leak, from " in done.stdout
    assert _rows(postgres) == before
    assert [s for s in secrets_of(project) if s in done.output] == []


def _rows(postgres: Connection) -> object:
    """How many users there are, and rows of theirs."""
    counts = (
        "select (select count(*) from auth.users), (select count(*) from public.brands),"
        " (select count(*) from public.conversation_sessions), (select count(*) from public.conversation_messages)"
    )
    return postgres.execute(counts).fetchone()


@pytest.mark.parametrize("words", ["smoke", "rls"])
def test_two_projects(client_project: Project, blank: Project, words: str) -> None:
    """Access is not proved on one project while migrations go into another; nobody stays in either."""
    other = remote_settings(blank)["SUPABASE_DB_URL"]
    done = client_project.invoke(words, SUPABASE_DB_URL=other)
    refuses(done, 11, "SUPABASE_URL and SUPABASE_DB_URL are two projects", "one project's dashboard")
    assert "nothing was left behind" in succeeds(client_project.invoke("sweep")).stdout


def test_one_project_whatever_it_asks_of_users(
    stack: RunningStack, blank: Project, superuser: Connection, tmp_path: Path
) -> None:
    """One that refuses users without metadata of its own is not taken for two; with a user of its own, two are seen."""
    one = replace(stack.target, kind="remote")
    two = replace(one, database=blank.stack.target().database)
    superuser.execute("""
        create function public.demand() returns trigger language plpgsql
          as $$ begin if not new.raw_user_meta_data ? 'team' then raise 'which team?'; end if; return new; end $$;
        create trigger demand before insert on auth.users for each row execute function public.demand();
    """)
    try:
        check_one_project(one, tmp_path)
        user = {"email": "somebody@example.com", "user_metadata": {"team": "a"}}
        with httpx.Client(base_url=f"{stack.url}/auth/v1/admin", headers={"apikey": stack.secret_key}) as client:
            made = client.post("/users", json=user).json()["id"]
            check_one_project(one, tmp_path)
            with pytest.raises(SettingsError, match="are two projects"):
                check_one_project(two, tmp_path)
            client.delete(f"/users/{made}")
    finally:
        superuser.execute("drop function public.demand() cascade")


def test_exported_variables_win(client_project: Project) -> None:
    """What is exported outranks `.env`, the target included."""
    elsewhere = {"SUPABASE_DB_URL": "postgresql://postgres:x@127.0.0.1:9/postgres"}
    refuses(client_project.invoke("verify", **elsewhere), 15, "127.0.0.1:9/postgres does not answer", "network")
    refuses(client_project.invoke("verify", SUPABASE_TARGET="mars"), 2, "'mars'", "embedded")


def test_legacy_keys(client_project: Project, stack: RunningStack) -> None:
    """A project that has only the old JWT keys is served as well."""
    legacy = {"SUPABASE_ANON_KEY": stack.anon_key, "SUPABASE_SERVICE_ROLE_KEY": stack.service_role_key}
    env = client_project.folder / ".env"
    kept = [line for line in env.read_text().splitlines() if "_KEY=" not in line]
    client_project.write_env("\n".join((*kept, *(f"{name}={value}" for name, value in legacy.items()))))
    succeeds(client_project.invoke("smoke", "-k", "brands"))


@pytest.fixture
def local_cli(blank: Project, stand_in: Callable[[str, str], str]) -> str:
    """The CLI, but `supabase status` tells of the blank project's stack: real ones need Docker."""
    target = blank.stack.target()
    url = target.database.url.replace("@", f":{target.database.password}@", 1)
    answer = {
        "API_URL": target.url,
        "DB_URL": url,
        "PUBLISHABLE_KEY": target.publishable_key,
        "SECRET_KEY": target.secret_key,
    }
    return stand_in("status -o json", json.dumps(answer))


def test_local(bare: Project, blank: Project, local_cli: str, sql: Callable[..., list[tuple[object, ...]]]) -> None:
    """Push and reset act on the stack that `supabase status` names; the stack tasks refuse."""
    there = "select to_regclass('public.a')::text, to_regclass('public.b')::text"
    local = {"SUPABASE_CLI": local_cli, "SUPABASE_TARGET": "local"}
    bare.write("migrations/001_a.sql", "create table public.a (id int)")
    done = succeeds(bare.invoke("push", **local))
    assert "pushed 001_a.sql" in done.stdout
    assert f"target local · {blank.stack.target().url}" in done.stderr
    assert sql(there) == [("a", None)]
    bare.write("migrations/001_a.sql", "create table public.b (id int)")
    succeeds(bare.invoke("reset-local", **local))
    assert sql(there) == [(None, "b")]
    refuses(bare.invoke("start", **local), 21, "the target is local", "supabase start")


def test_env_lines(project: Project, tmp_path: Path) -> None:
    """`status --env` prints what another project's `.env` takes."""
    lines = succeeds(project.invoke("status", "--env")).stdout
    names = [line.split("=")[0] for line in lines.splitlines()]
    assert names == ["SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY", "SUPABASE_DB_URL"]
