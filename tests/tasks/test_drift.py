"""`invoke drift`: a change made by hand is found and named."""

from __future__ import annotations

from collections.abc import Callable

from tests.fix_stack import Project
from tests.tasks.answers import document, refuses, remote_settings, succeeds

Ask = Callable[..., list[tuple[object, ...]]]


def test_drift(blank: Project, sql: Ask) -> None:
    """What the dashboard changed, not what is pending; drift has an exit code that no failure has."""
    blank.write("migrations/001_a.sql", "create table public.a (id int); create table public.b (id int)")
    succeeds(blank.invoke("push"))
    blank.write("migrations/002_b.sql", "create table public.c (id int)")
    clean = document(succeeds(blank.invoke("drift", "--json")))
    assert clean == {"migrations": 1, "pending": ["002_b.sql"], "not_built": [], "differences": []}
    sql("alter table public.a alter id type bigint; drop table public.b; create table public.d (id int)")
    done = blank.invoke("drift", **remote_settings(blank))
    refuses(done, 1, "column public.a.id, table public.b, table public.d", "into a migration")
    assert done.stdout.splitlines()[:5] == [
        "~ column public.a.id",
        "    type  expected integer",
        "          found    bigint",
        "- table public.b",
        "+ table public.d",
    ]
    refuses(
        blank.invoke("drift", **remote_settings(blank) | {"SUPABASE_DB_URL": "postgresql://a:b@127.0.0.1:9/x"}),
        15,
        "",
        "",
    )


def test_what_ran_counts_not_what_the_file_says_now(blank: Project, sql: Ask) -> None:
    """The history's statements are built; where none were recorded, the file's; what cannot be built is said."""
    file = blank.write("migrations/001_a.sql", "create table public.a (id int)")
    blank.write("migrations/002_b.sql", "create table public.b (id int)")
    succeeds(blank.invoke("push"))
    file.write_text("create table public.a (id bigint)")
    assert document(blank.invoke("drift", "--json"))["differences"] == []
    sql("update supabase_migrations.schema_migrations set statements = null where version = '002'")
    assert document(blank.invoke("drift", "--json"))["differences"] == []
    sql(
        "update supabase_migrations.schema_migrations "
        "set statements = array['create extension vector'] where version = '002'"
    )
    found = document(blank.invoke("drift", "--json"))
    assert found["not_built"] == ['002_b:1 extension "vector" is not available']
    assert [(d["what"], d["kind"], d["object"]) for d in found["differences"]] == [("extra", "table", "public.b")]
