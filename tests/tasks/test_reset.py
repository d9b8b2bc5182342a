"""`invoke reset-local`: an empty project again, and only here."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pushproof.stack.state import save
from pushproof.target.database import connect
from tests.fix_stack import Project
from tests.tasks.answers import document, refuses, remote_settings, states, succeeds

Ask = Callable[..., list[tuple[object, ...]]]


def sign_up(project: Project) -> int:
    """The status of somebody's sign-up."""
    target = project.stack.target()
    body = {"email": "somebody@example.com", "password": "correct horse"}
    return httpx.post(f"{target.url}/auth/v1/signup", json=body, headers={"apikey": target.publishable_key}).status_code


def test_empty_pushed_and_seeded(blank: Project, sql: Ask) -> None:
    """Users, tables and rows go; migrations and seed come; Auth's tables, their owners and sign-up stay."""
    whole = """
        select array(select tablename || tableowner from pg_tables where schemaname = 'auth' order by 1),
               array(select rolname from pg_roles order by 1),
               has_schema_privilege('anon', 'public', 'usage')
    """
    bucket = "insert into storage.buckets (id, name) values ('a', 'a')"
    blank.write("migrations/001_a.sql", f"create table public.a (id int); {bucket}")
    (blank.folder / "supabase" / "seed.sql").write_text("insert into public.a values (7)")
    before = sql(whole)
    assert sign_up(blank) == 200
    sql(f"create table public.stray (); create schema other; create table public.a (wrong int); {bucket}")
    done = succeeds(blank.invoke("reset-local"))
    assert "1 migrations pushed, seed.sql run" in done.stdout
    assert sql("select (select count(*) from auth.users), to_regclass('public.stray'), to_regnamespace('other')") == [
        (0, None, None)
    ]
    assert sql("select id from public.a") == [(7,)]
    assert sql(whole) == before
    assert sign_up(blank) == 200


@pytest.mark.parametrize("words", ["reset-local", "reset-local --target remote"])
def test_never_remote(blank: Project, sql: Ask, words: str) -> None:
    """A target called remote is left alone, also where its address is this machine's."""
    sql("create table public.kept ()")
    done = blank.invoke(*words.split(), **remote_settings(blank))
    refuses(done, 21, "never touches a remote target", "embedded or local")
    assert sql("select to_regclass('public.kept') is not null") == [(True,)]


def test_the_same_files_are_copied(blank: Project, sql: Ask) -> None:
    """From the third reset on; users and strays go, sign-up works, other files are pushed anew."""
    blank.write("migrations/001_a.sql", "create table public.a (id int)")
    blank.write("seed.sql", "insert into public.a values (9)")
    assert [reset(blank) for _ in range(3)] == [False, False, True]
    assert sign_up(blank) == 200
    sql("create table public.stray (); create schema other; insert into public.a values (8)")
    assert reset(blank)
    assert sql("select id, to_regclass('public.stray'), (select count(*) from auth.users) from public.a") == [
        (9, None, 0)
    ]
    assert sign_up(blank) == 200
    blank.write("migrations/002_b.sql", "create table public.b (id int)")
    assert not reset(blank)
    assert sql("select to_regclass('public.b') is not null") == [(True,)]


def test_settings_of_the_database_are_not_lost(blank: Project, sql: Ask) -> None:
    """A copy would not have what a migration sets, so there is none."""
    blank.write("migrations/001_a.sql", "alter database postgres set work_mem = '5MB'")
    try:
        assert [reset(blank) for _ in range(3)] == [False, False, False]
        assert sql("select current_setting('work_mem')") == [("5MB",)]
    finally:
        sql("alter database postgres reset work_mem")


def reset(project: Project) -> bool:
    """Whether the reset was a copy."""
    found: dict[str, bool] = json.loads(succeeds(project.invoke("reset-local", "--json")).stdout)
    return found["copied"]


@pytest.mark.parametrize(
    ("paths", "run"),
    [("[]", []), ('["./nothing/*.sql"]', []), ('["./seeds/*.sql"]', ["seeds/a.sql", "seeds/b.sql"])],
)
def test_the_seeds_that_ran_are_named(blank: Project, sql: Callable[..., Any], paths: str, run: list[str]) -> None:
    """As config.toml says, and no seed.sql that it does not name."""
    blank.write("migrations/001_a.sql", "create table public.a (id text);")
    blank.write("seed.sql", "insert into public.a values ('seed.sql')")
    for name in ("a", "b"):
        blank.write(f"seeds/{name}.sql", f"insert into public.a values ('seeds/{name}.sql')")
    config = blank.folder / "supabase" / "config.toml"
    former = config.read_text()
    config.write_text(re.sub(r"^sql_paths = .*$", f"sql_paths = {paths}", former, flags=re.MULTILINE))
    try:
        done = document(succeeds(blank.invoke("reset-local", "--json")))
    finally:
        config.write_text(former)
        shutil.rmtree(blank.folder / "supabase" / "seeds")
    assert done["seeds"] == run
    assert [row for (row,) in sql("select id from public.a order by id")] == run


@pytest.mark.parametrize(
    ("section", "cause"),
    [
        ("[db.seed]\nsql_paths = 5", "db.seed.sql_paths of supabase/config.toml is not a list of paths"),
        (
            '[db.seed]\nsql_paths = ["./seed.sql", 3]',
            "db.seed.sql_paths of supabase/config.toml is not a list of paths",
        ),
        ("[db.migrations]\nenabled = false", "db.migrations.enabled is false in supabase/config.toml"),
    ],
)
def test_a_config_that_the_reset_could_not_follow(blank: Project, sql: Ask, section: str, cause: str) -> None:
    """Refused before anything is lost; so is a push."""
    blank.write("migrations/001_a.sql", "create table public.a (id int);")
    succeeds(blank.invoke("reset-local"))
    sql("insert into public.a values (1)")
    config = blank.folder / "supabase" / "config.toml"
    former = config.read_text()
    config.write_text(section)
    blank.write("migrations/002_b.sql", "create table public.b (id int);")
    try:
        refuses(blank.invoke("reset-local"), 10, cause, "")
        if "migrations" in section:
            refuses(blank.invoke("push"), 10, cause, "set it to true")
    finally:
        config.write_text(former)
    assert sql("select id from public.a") == [(1,)]


def test_a_seed_that_is_not_there(blank: Project) -> None:
    """Told, and not called run."""
    blank.write("migrations/001_a.sql", "create table public.a (id int);")
    config = blank.folder / "supabase" / "config.toml"
    former = config.read_text()
    config.write_text('[db.seed]\nsql_paths = ["./nothing.sql"]')
    try:
        done = succeeds(blank.invoke("reset-local"))
    finally:
        config.write_text(former)
    assert "./nothing.sql of db.seed.sql_paths matches no file" in done.stderr


def test_a_seed_that_is_a_pipe(blank: Project, sql: Ask) -> None:
    """Refused before anything is lost: the CLI would wait for it."""
    blank.write("migrations/001_a.sql", "create table public.a (id int);")
    succeeds(blank.invoke("reset-local"))
    seed = blank.folder / "supabase" / "seed.sql"
    seed.unlink(missing_ok=True)
    os.mkfifo(seed)
    try:
        refuses(blank.invoke("reset-local"), 10, "it is not a regular file", "text file")
    finally:
        seed.unlink()
    assert sql("select pg_catalog.to_regclass('public.a')::text") == [("a",)]


def test_a_database_of_another_version(bare: Project) -> None:
    """It keeps its data and what that version made of Auth, and each task says so, until a reset makes it anew."""
    bare.write("migrations/001_notes.sql", "create table public.notes (id int primary key);")
    succeeds(bare.invoke("push"))
    state = bare.stack.state
    former, state.cluster = state.cluster, "former"
    save(bare.settings.state_dir, state)
    with connect(bare.stack.target()) as connection:
        connection.execute("insert into auth.users (id) values (gen_random_uuid())")
    assert "another version of pushproof made the database in" in bare.invoke("push").stderr
    succeeds(bare.invoke("reset-local"))
    assert (bare.stack.state.cluster, states(bare)) == (former, {"001": "applied"})
    assert "another version" not in bare.invoke("push").stderr
    with connect(bare.stack.target()) as connection:
        assert connection.execute("select count(*) from auth.users").fetchone() == (0,)
