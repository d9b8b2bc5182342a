"""`invoke reset-local`: an empty project again, and only here."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.fix_stack import Project
from tests.tasks.answers import refuses, remote_settings, succeeds

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
    blank.write("migrations/001_a.sql", "create table public.a (id int)")
    (blank.folder / "supabase" / "seed.sql").write_text("insert into public.a values (7)")
    before = sql(whole)
    assert sign_up(blank) == 200
    sql("create table public.stray (); create schema other; create table public.a (wrong int)")
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
