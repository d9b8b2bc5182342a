"""A push is tried first on an imitation of the target, and stops there when it deserves it."""

from __future__ import annotations

from collections.abc import Callable

from tests.fix_stack import Project
from tests.tasks.answers import document, refuses, remote_settings, states, succeeds

Ask = Callable[..., list[tuple[object, ...]]]
NOTES = """
create table public.notes (
  id bigint generated always as identity primary key,
  slug varchar(40) not null unique,
  owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  kind text not null check (kind in ('plain', 'rich'))
);
alter table public.notes enable row level security;
create policy notes on public.notes to authenticated using (owner_id = (select auth.uid()));
grant select, insert, update (kind), delete on public.notes to authenticated;
grant select, insert, update, delete on public.notes to service_role
"""
ROWS = """
insert into auth.users (id, email) values ('00000000-0000-0000-0000-000000000001', 'a@example.com')
  on conflict do nothing;
insert into public.notes (slug, owner_id, kind)
select n::text, '00000000-0000-0000-0000-000000000001', 'plain' from generate_series(1, 30000) n;
analyze public.notes
"""
ACCESS = """
[relations."public.notes"]
owner = "owner_id"
select = ["owner", "service"]
insert = ["owner", "service"]
update = ["owner", "service"]
delete = ["owner", "service"]
columns = ["kind"]
insert_columns = ["slug", "owner_id", "kind"]
keys = ["slug"]
"""
NOBODY = """
[relations."public.more"]
select = []
insert = []
update = []
delete = []
"""
CHECK = """-- One table.
select '1' as expected, count(*)::text as found from pg_catalog.pg_tables where schemaname = 'public'
"""


def pushed_notes(project: Project, sql: Ask) -> None:
    """A target with a table in use, of which nobody has said yet who may do what."""
    project.write("migrations/001_notes.sql", NOTES)
    succeeds(project.invoke("push"))
    sql(ROWS)


def test_rows_locks_and_times(blank: Project, sql: Ask) -> None:
    """The history is replayed, rows are made in the target's numbers, locks and times are said; nothing is pushed."""
    pushed_notes(blank, sql)
    blank.write(
        "migrations/002_index.sql", "create index notes_owner on public.notes (owner_id);\nselect pg_sleep(0.1)"
    )
    done = succeeds(blank.invoke("push", "--dry-run", "--rehearse", "--json"))
    rehearsal = document(done)["rehearsal"]
    assert rehearsal["history"] == 1
    assert rehearsal["rows"] == [{"relation": "public.notes", "rows": 20000, "wanted": 30000, "why": ""}]
    (file,) = rehearsal["files"]
    assert [(s["line"], s["locks"]) for s in file["statements"]] == [(1, {"public.notes": "ShareLock"}), (2, {})]
    assert file["held"]["public.notes"]["blocks"] == "writes"
    assert file["held"]["public.notes"]["seconds"] > 0.1
    assert (rehearsal["red"], rehearsal["not_imitated"]) == ([], [])
    assert "blocks writes of public.notes for 0." in done.stderr
    assert "with its 30,000" in done.stderr
    assert sql("select to_regclass('public.notes_owner')") == [(None,)]


def test_what_fails_there_is_not_pushed(blank: Project, sql: Ask) -> None:
    """A remote target is rehearsed for without being asked to, the stack of this checkout is not."""
    pushed_notes(blank, sql)
    blank.write("migrations/002_good.sql", "create table public.more (id int)")
    blank.write("migrations/003_bad.sql", "\nselect * from public.nowhere")
    done = blank.invoke("push", "--no-lint", **remote_settings(blank))
    refuses(done, 18, '003_bad.sql:2: relation "public.nowhere" does not exist', "earlier migration")
    assert states(blank) == {"001": "applied", "002": "pending", "003": "pending"}
    refuses(blank.invoke("push"), 18, "003_bad.sql, statement 1", "earlier migration")
    assert states(blank) == {"001": "applied", "002": "applied", "003": "pending"}


def test_a_hole_is_not_pushed(blank: Project, sql: Ask) -> None:
    """What a policy would open is found with users who sign in, before it is open; a red check stops too."""
    pushed_notes(blank, sql)
    blank.write("access.toml", ACCESS)
    blank.write("checks/tables.sql", CHECK)
    hole = blank.write(
        "migrations/002_hole.sql", "create policy all_notes on public.notes to authenticated using (true)"
    )
    done = blank.invoke("push", "--no-lint", **remote_settings(blank))
    refuses(done, 1, "the rehearsal is red: ", "--skip-rehearsal")
    assert "other can delete on public.notes, a row of the owner's" in done.stderr
    hole.write_text("create table public.more (id int)")
    blank.write("access.toml", ACCESS + NOBODY)
    done = blank.invoke("push", "--no-lint", **remote_settings(blank))
    refuses(done, 1, "the rehearsal is red: check tables: expected 1, found 2", "--skip-rehearsal")
    assert states(blank) == {"001": "applied", "002": "pending"}
    done = blank.invoke("push", "--no-lint", "--skip-rehearsal", **remote_settings(blank))
    refuses(done, 1, "pushed, but tables is red", "invoke rollback")
    assert states(blank) == {"001": "applied", "002": "applied"}


def test_what_access_toml_does_not_say(blank: Project, sql: Ask) -> None:
    """A table of which it says who may do what stops as well."""
    pushed_notes(blank, sql)
    blank.write("access.toml", ACCESS)
    blank.write("migrations/002_more.sql", "create table public.more (id int)")
    refuses(blank.invoke("push", "--no-lint", **remote_settings(blank)), 22, "public.more", "")
    assert states(blank) == {"001": "applied", "002": "pending"}


def test_what_cannot_be_imitated(blank: Project, sql: Ask) -> None:
    """It is said, and what follows from it stops nothing: an extension, a table that no migration made."""
    pushed_notes(blank, sql)
    sql(
        "update supabase_migrations.schema_migrations "
        "set statements = statements || array['create extension vector'] where version = '001'"
    )
    sql("create table public.by_hand (id int); insert into public.by_hand values (1); analyze public.by_hand")
    blank.write("migrations/001_notes.sql", f"{NOTES};create extension vector")
    blank.write("migrations/002_more.sql", "alter table public.by_hand add column x int")
    done = succeeds(blank.invoke("push", "--no-lint", "--json", **remote_settings(blank)))
    assert document(done)["rehearsal"]["not_imitated"] == [
        '001_notes:1 extension "vector" is not available',
        "no migration of the history makes public.by_hand",
        '002_more.sql:1 relation "public.by_hand" does not exist',
    ]
    assert states(blank)["002"] == "applied"


def test_rows_that_cannot_be_made(blank: Project, sql: Ask) -> None:
    """A relation whose key is another's has one row, and says so."""
    pushed_notes(blank, sql)
    blank.write(
        "migrations/002_profiles.sql",
        """create table public.profiles (id uuid primary key references auth.users (id), size int unique);
        insert into public.profiles select id from auth.users""",
    )
    succeeds(blank.invoke("push"))
    sql("insert into auth.users (id, email) values (gen_random_uuid(), 'b@example.com')")
    sql("insert into public.profiles select id from auth.users on conflict do nothing; analyze public.profiles")
    blank.write("migrations/003_profiles.sql", "alter table public.profiles add column x int")
    (row,) = document(blank.invoke("push", "--dry-run", "--rehearse", "--json"))["rehearsal"]["rows"]
    assert row == {
        "relation": "public.profiles",
        "rows": 1,
        "wanted": 2,
        "why": "id of public.profiles can be imitated only once",
    }


def test_awkward_tables(blank: Project, sql: Ask) -> None:
    """A column that was dropped, keys in a circle, a column named like an alias: imitated, or said why not."""
    blank.write(
        "migrations/001_awkward.sql",
        """create table public.gone (id int primary key, x int, n int check (n > 0));
        alter table public.gone drop column x;
        create table public.d (id int primary key, head int not null);
        create table public.e (id int primary key, d int not null references public.d deferrable initially deferred);
        alter table public.d add foreign key (head) references public.e deferrable initially deferred;
        create table public.named (id int primary key, t text not null, r int)""",
    )
    succeeds(blank.invoke("push"))
    sql(
        "insert into public.gone values (1, 1), (2, 2);"
        "insert into public.d values (1, 1); insert into public.e values (1, 1)"
    )
    sql("insert into public.named values (1, 'x'), (2, 'y')")
    sql("analyze public.gone, public.d, public.e, public.named")
    columns = (f"alter table public.{name} add column z int" for name in ("gone", "d", "named"))
    blank.write("migrations/002_more.sql", ";".join(columns))
    rows = document(blank.invoke("push", "--dry-run", "--rehearse", "--json"))["rehearsal"]["rows"]
    assert {r["relation"]: r["rows"] for r in rows} == {"public.gone": 2, "public.d": 0, "public.named": 2}
    assert "foreign keys form a cycle" in next(r["why"] for r in rows if r["relation"] == "public.d")


def test_fewer_rows_excuse_nothing(blank: Project, sql: Ask) -> None:
    """A table that cannot be filled leaves times unsaid; what fails or is red stops the push all the same."""
    blank.write(
        "migrations/001_profiles.sql", "create table public.profiles (id uuid primary key references auth.users)"
    )
    succeeds(blank.invoke("push"))
    sql(
        "insert into auth.users (id, email) "
        "values (gen_random_uuid(), 'c@example.com'), (gen_random_uuid(), 'd@example.com')"
    )
    sql("insert into public.profiles select id from auth.users; analyze public.profiles")
    file = blank.write("migrations/002_typo.sql", "alter table public.profiles rename column titel to title")
    refuses(blank.invoke("push", "--no-lint", **remote_settings(blank)), 18, 'column "titel" does not exist', "")
    file.write_text("alter table public.profiles add column title text")
    blank.write("checks/never.sql", "-- Never.\nselect '1' as expected, '2' as found")
    done = blank.invoke("push", "--no-lint", **remote_settings(blank))
    refuses(done, 1, "the rehearsal is red: check never", "--skip-rehearsal")
    assert "1 of 2 rows of public.profiles" in done.stderr or "rows of public.profiles: id of" in done.stderr
    sql("delete from public.profiles; delete from auth.users where email in ('c@example.com', 'd@example.com')")


def test_a_partition_without_its_key(blank: Project) -> None:
    """What no PostgreSQL can do is no gap of the embedded one."""
    blank.write(
        "migrations/001_parts.sql",
        "create table public.parts (id bigint primary key, at date not null) partition by range (at)",
    )
    done = blank.invoke("push", "--no-lint", **remote_settings(blank))
    refuses(done, 18, "unique constraint on partitioned table must include all partitioning columns", "")
    assert states(blank) == {"001": "pending"}
