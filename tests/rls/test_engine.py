"""The engine on this repository's schema, on broken ones, and with a broken tool."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pushproof.base.errors import IntentError
from pushproof.proof.asking import Actor, Answer, Request
from pushproof.proof.cells import Case, Cell, Probe
from pushproof.proof.coverage import coverage
from pushproof.proof.differential import disagreements
from pushproof.proof.engine import Engine, derive
from pushproof.proof.intent import VERBS, load
from pushproof.proof.kinds import kinds
from tests.fix_rls import REPOSITORY, Laboratory

SUPABASE = REPOSITORY / "supabase"
SCHEMA = "\n".join(f.read_text() for f in sorted((SUPABASE / "migrations").glob("*.sql")))
ACCESS = (SUPABASE / "access.toml").read_text()
NOTES = """
create table public.notes (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  body text not null
);
alter table public.notes enable row level security;
grant select, insert (user_id, body), update (body), delete on public.notes to authenticated;
grant all on public.notes to service_role;
create policy notes_all on public.notes to authenticated using (user_id = (select auth.uid()));
"""
NOTES_ACCESS = """
[relations."public.notes"]
owner = "user_id"
select = ["owner", "service"]
insert = ["owner", "service"]
update = ["owner", "service"]
delete = ["owner", "service"]
columns = ["body"]
"""


def wrong(cells: Iterable[Cell]) -> dict[str, str]:
    """The failing cells with their reasons."""
    return {cell.name: cell.reason for cell in cells if not cell.ok}


def test_this_repositorys_schema(laboratory: Laboratory) -> None:
    """All cells are derived and as declared, every policy is seen to allow and to deny, SQL claims say the same."""
    catalog = laboratory.build(SCHEMA)
    with laboratory.probe(catalog, ACCESS) as probe:
        engine = Engine(kinds(), probe)
        cells = list(engine.run(engine.cases()))
        assert wrong(cells) == {}
        assert Counter(c.case.kind for c in cells) == {
            "select": 20,
            "insert": 12,
            "update": 12,
            "delete": 12,
            "call": 20,
            "columns": 31,
            "counts": 10,
            "embedding": 12,
            "grants": 26,
            "hidden": 6,
            "insert_columns": 4,
            "keys": 3,
            "parents": 3,
            "returning": 9,
            "upsert": 6,
        }
        assert [c for c in coverage(catalog, cells) if not c.covered] == []
        assert list(disagreements(probe, cells)) == []


def test_every_denial_names_its_control(laboratory: Laboratory) -> None:
    """No denial without somebody for whom the same request works."""
    cells = laboratory.prove(NOTES, NOTES_ACCESS)
    assert wrong(cells) == {}
    denials = [c for c in cells if c.expected != "allowed"]
    assert denials
    assert [c.name for c in denials if not c.control] == []


class Liar:
    """An API that answers everything the same."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def ask(self, _actor: Actor, _request: Request) -> Answer:
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, {"code": "42501", "message": "permission denied"}),
        Answer(403, {"code": "42501", "message": "permission denied"}),
        Answer(204, None),
        Answer(200, []),
        Answer(404, {"code": "PGRST205", "message": "no such table"}),
        Answer(500, {"code": "XX000", "message": "broken"}),
    ],
    ids=lambda answer: f"{answer.status} {answer.code}",
)
def test_a_tool_that_is_always_denied_is_noticed(laboratory: Laboratory, answer: Answer) -> None:
    """A probe that never gets through proves nothing: no denial counts."""
    with laboratory.probe(laboratory.build(NOTES), NOTES_ACCESS) as probe:
        broken: Probe = replace(probe, api=Liar(answer))  # type: ignore[arg-type]
        engine = Engine(kinds(), broken)
        for kind in ("select", "insert", "update", "delete", "returning"):
            cells = [c for case in engine.cases() if case.kind == kind for c in engine.ask(case)]
            assert cells
            assert [c.name for c in cells if c.ok] == [], kind


class Forgetful:
    """A kind that asks nobody."""

    def derive(self, *_: object) -> Iterable[Case]:
        return [Case("forgetful", "public.notes", "select", {"anon": "refused"})]

    def ask(self, *_: object) -> Iterator[Cell]:
        return iter(())


def test_a_cell_that_was_not_asked_is_a_failure(laboratory: Laboratory) -> None:
    """Derived and lost is no skip."""
    found = laboratory.prove(NOTES, NOTES_ACCESS, of={"forgetful": Forgetful()})
    assert [c.reason for c in found] == ["this cell was derived and never asked"]


def test_a_row_that_cannot_be_made_fails_its_cells_with_advice(laboratory: Laboratory) -> None:
    """Until access.toml has a sample for it."""
    picky = NOTES + "alter table public.notes add check (md5(body) = '5d41402abc4b2a76b9719d911017c592');"
    found = wrong(laboratory.prove(picky, NOTES_ACCESS))
    assert "give it a `sample` in supabase/access.toml" in found["select public.notes select as anon"]
    with_sample = NOTES_ACCESS + 'sample = { body = "hello" }\n'
    cells = laboratory.prove(picky, with_sample)
    assert "select public.notes select as other" not in wrong(cells)


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("rls off", "alter table public.notes disable row level security", "select public.notes select as other"),
        ("anon can read", "grant select on public.notes to anon", "select public.notes select as anon"),
        (
            "id may be chosen",
            "grant insert (id) on public.notes to authenticated",
            "keys public.notes insert id as other",
        ),
        (
            "owner may change",
            "grant update on public.notes to authenticated",
            "columns public.notes update id as owner",
        ),
        ("nobody can read", "revoke select on public.notes from authenticated", "select public.notes select as owner"),
    ],
)
def test_a_hole_is_found(laboratory: Laboratory, name: str, change: str, expected: str) -> None:
    """What is open that should not be, or shut that should be open."""
    assert expected in wrong(laboratory.prove(f"{NOTES};{change}", NOTES_ACCESS)), name


def test_kinds_are_found_by_their_files() -> None:
    """A new kind is one file."""
    folder = Path(kinds()["select"].__file__).parent  # type: ignore[attr-defined]
    assert set(kinds()) == {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert callable(derive)


def test_a_check_is_no_denial(laboratory: Laboratory) -> None:
    """A column that may not be set is tried with a value that the table takes."""
    status = "alter table public.notes add status text not null default 'draft' check (status in ('draft', 'paid'))"
    held = NOTES_ACCESS + 'insert_columns = ["user_id", "body"]\n'
    name = "insert_columns public.notes insert status as owner"
    assert name not in wrong(laboratory.prove(f"{NOTES};{status}", held))
    grant = "grant insert (status) on public.notes to authenticated"
    assert name in wrong(laboratory.prove(f"{NOTES};{status};{grant}", held))


VIEW = """
create view public.open_notes {options} as select id, user_id, body as body from public.notes;
grant select, insert (user_id, body), update (body), delete on public.open_notes to authenticated;
grant all on public.open_notes to service_role;
"""
VIEW_ACCESS = NOTES_ACCESS + NOTES_ACCESS.replace("public.notes", "public.open_notes").replace(
    'columns = ["body"]\n', ""
)


def test_a_view_is_written_through(laboratory: Laboratory) -> None:
    """Every verb that it takes; one that asks as its owner lets others write whatever the policies say."""
    guarded = laboratory.prove(NOTES + VIEW.format(options="with (security_invoker = on)"), VIEW_ACCESS)
    assert wrong(guarded) == {}
    verbs = {c.case.verb for c in guarded if c.case.object == "public.open_notes" and c.actor == "other" and c.control}
    assert verbs == {*VERBS}
    leaky = wrong(laboratory.prove(NOTES + VIEW.format(options=""), VIEW_ACCESS))
    assert {f"{verb} public.open_notes {verb} as other" for verb in VERBS} <= leaky.keys()


DISTINCT = """
create view public.open_notes with (security_invoker = on) as
  select distinct user_id, body from public.notes;
grant select on public.open_notes to authenticated, service_role;
"""
BY_TRIGGER = """
create function public.put_note() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if {condition} then
    insert into public.notes (user_id, body) values (new.user_id, new.body);
  end if;
  return new;
end $$;
create trigger put_note instead of insert on public.open_notes for each row execute function public.put_note();
grant insert on public.open_notes to authenticated, service_role;
"""


def test_a_view_that_only_shows(laboratory: Laboratory) -> None:
    """It takes no write, so there is none to ask for, and nobody may be said to do one."""
    schema, head = NOTES + DISTINCT, VIEW_ACCESS.rpartition("insert = ")[0]
    with pytest.raises(IntentError, match="this view does not support insert"):
        laboratory.prove(schema, VIEW_ACCESS)
    cells = laboratory.prove(schema, head + "insert = []\nupdate = []\ndelete = []\n")
    assert wrong(cells) == {}
    assert {c.case.kind for c in cells if c.case.object == "public.open_notes"} == {"select", "counts", "grants"}


def test_a_view_that_a_trigger_writes_for(laboratory: Laboratory) -> None:
    """What the trigger takes from others in the owner's name is seen."""
    access = VIEW_ACCESS.rpartition("update = ")[0] + "update = []\ndelete = []\n"
    held = BY_TRIGGER.format(condition="new.user_id = auth.uid() or current_setting('role') = 'service_role'")
    assert wrong(laboratory.prove(NOTES + DISTINCT + held, access)) == {}
    open_ = laboratory.prove(NOTES + DISTINCT + BY_TRIGGER.format(condition="true"), access)
    assert list(wrong(open_)) == ["insert public.open_notes insert as other"]


def test_a_view_of_users_is_not_written_through(laboratory: Laboratory) -> None:
    """Nobody's account is at stake: the catalog says who could."""
    view = "create view public.people as select id, email from auth.users"
    access = """
[relations."public.people"]
owner = "id"
select = ["service"]
insert = []
update = []
delete = []
"""
    grant = "grant select on public.people to service_role; grant {} on public.people to authenticated"
    cells = laboratory.prove(f"{view};{grant.format('delete')}", access)
    assert list(wrong(cells)) == ["grants public.people delete as owner"]


@pytest.mark.parametrize(
    ("value", "wrong"),
    [("2026-01-02", ""), ("1979-05-27T07:32:00Z", ""), ("07:32:00", ""), ("nan", "nan"), ('"a\\u0000b"', "'a")],
)
def test_values_of_toml(laboratory: Laboratory, value: str, wrong: str) -> None:
    """Dates and times are texts for the database and for Auth; what JSON cannot hold is named with its line."""
    catalog = laboratory.build(NOTES)
    access = f"{NOTES_ACCESS}sample = {{ body = [{value}] }}\n[actors.support]\napp_metadata = {{ since = {value} }}\n"
    file = laboratory.folder / "access.toml"
    file.write_text(access)
    if wrong:
        with pytest.raises(
            IntentError, match=rf"line \d+: {wrong}.* is a value that neither JSON nor PostgreSQL can hold"
        ):
            load(file, catalog)
    else:
        intent = load(file, catalog)
        assert json.loads(json.dumps(intent.actors["support"].app_metadata)) == {"since": value.replace("Z", "+00:00")}
        assert intent.relations["public.notes"].sample == {"body": [value.replace("Z", "+00:00")]}


def test_sql_claims_that_say_something_else(laboratory: Laboratory) -> None:
    """What depends on more than claims, here on how the request came, is reported for rows and for calls."""
    by_sql = "(user_id = auth.uid() or current_setting('request.method', true) is null)"
    schema = f"""
    {NOTES}
    alter policy notes_all on public.notes using ({by_sql});
    create function public.body_of(p_note_id uuid) returns text language sql stable security definer
      set search_path = '' as $$ select body from public.notes where id = p_note_id and {by_sql} $$;
    revoke execute on function public.body_of(uuid) from public;
    grant execute on function public.body_of(uuid) to authenticated;
    create function public.double(n bigint) returns bigint language sql immutable as 'select 2 * n';
    """
    access = f"""{NOTES_ACCESS}
[functions."public.body_of(uuid)"]
call = ["owner"]
arguments = {{ p_note_id = "public.notes.id" }}
[functions."public.double(bigint)"]
call = ["anon", "owner", "other", "service"]
"""
    with laboratory.probe(laboratory.build(schema), access) as probe:
        cells = [c for c in laboratory.cells(probe) if c.case.kind != "hidden"]  # which asks by SQL
        assert wrong(cells) == {}
        found = {d.cell.name for d in disagreements(probe, cells)}
    assert found == {f"{verb} public.notes {verb} as other" for verb in ("select", "update", "delete", "insert")} | {
        "call public.body_of(uuid) call as other"
    }
