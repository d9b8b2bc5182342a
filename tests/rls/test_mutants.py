"""Mutants: each breaks something, and what mends it leads back to exactly what was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from pushproof.base.errors import StackError
from pushproof.base.queries import query
from pushproof.proof import mutants
from pushproof.proof.clones import Clone
from pushproof.proof.engine import Engine
from pushproof.proof.intent import VERBS
from pushproof.proof.kinds import kinds
from pushproof.proof.mutants import FOLDER, Mutant, Notice, Suite, cells_and_checks, derive, try_mutant
from tests.fix_rls import Laboratory
from tests.rls.test_engine import NOTES, NOTES_ACCESS, SCHEMA

KINDS = sorted(file.stem for file in FOLDER.glob("*.sql"))
PUBLIC = {"schemas": ["public"]}
AWKWARD = """
create table public."Team Notes" (
  id bigint generated always as identity primary key,
  "ownerId" uuid not null references auth.users (id),
  body text,
  unique (id, "ownerId")
);
alter table public."Team Notes" enable row level security;
grant select, insert ("ownerId", body), update (body) on public."Team Notes" to authenticated;
create policy "it's mine, 100%" on public."Team Notes" using (auth.uid() = "ownerId");
comment on policy "it's mine, 100%" on public."Team Notes" is 'It''s theirs.';
create policy "not on Sundays" on public."Team Notes" as restrictive for update to authenticated
  using (extract(dow from now()) <> 8) with check (body <> 'a % b');
create table public.replies (
  note_id bigint not null, "ownerId" uuid not null, body text,
  constraint "replies to notes" foreign key (note_id, "ownerId") references public."Team Notes" (id, "ownerId")
) partition by hash (note_id);
create table public.replies_0 partition of public.replies for values with (modulus 1, remainder 0);
alter table public.replies enable row level security;
create policy replies_insert on public.replies for insert to authenticated with check (exists (
  select from public."Team Notes" n where n.id = note_id and (n."ownerId" = (select auth.uid()))
) and body <> ')');
create function public."countOf"(note bigint, "upTo" int default 10) returns bigint
language sql stable security definer set search_path = '' as $$
  select count(*) from public.replies r where r.note_id = note and r."ownerId" = auth.uid()
$$;
create function public.stamp() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger "Stamp" before update on public."Team Notes" for each row execute function public.stamp();
create view public.mine with (security_invoker = on) as select * from public."Team Notes";
"""


@pytest.fixture(params=["this repository", "awkward"])
def schema(request: pytest.FixtureRequest, empty_database: psycopg.Connection) -> psycopg.Connection:
    """A database with a schema to break."""
    empty_database.execute((SCHEMA if request.param == "this repository" else AWKWARD).encode())
    return empty_database


def fingerprint(connection: psycopg.Connection) -> object:
    """Of everything that a mutant can touch."""
    row = connection.execute(query("proof/fingerprint"), PUBLIC).fetchone()
    return row and row[0]


def test_each_mutant_breaks_and_is_mended(schema: psycopg.Connection) -> None:
    """As `postgres`, who is no superuser: the break changes the catalog, the mend restores it."""
    before = fingerprint(schema)
    found = derive(schema, ["public"])
    assert found
    for mutant in found:
        schema.execute(mutant.break_.encode())
        assert fingerprint(schema) != before, mutant.name
        schema.execute(mutant.mend.encode())
        assert fingerprint(schema) == before, mutant.name


def test_no_kind_of_mutant_disappears(empty_database: psycopg.Connection) -> None:
    """How many there are of this repository's schema, and that each kind derives some of one schema or the other."""
    empty_database.execute(SCHEMA.encode())
    found = Counter(m.kind for m in derive(empty_database, ["public"]))
    assert found == {
        "check_true": 6,
        "drop_policy": 12,
        "execute_to_public": 8,
        "function_definer": 7,
        "grant_column": 22,
        "grant_dangerous": 3,
        "grant_to_anon": 14,
        "invoker_off": 2,
        "key_dropped": 1,
        "parent_check_dropped": 2,
        "permissive_twin": 12,
        "policy_to_public": 12,
        "rls_off": 3,
        "search_path_unpinned": 8,
        "swap_owner": 15,
        "trigger_disabled": 3,
        "using_true": 9,
    }
    empty_database.execute(AWKWARD.encode())
    assert {m.kind for m in derive(empty_database, ["public"])} == set(KINDS)


def test_a_mutant_is_noticed_by_a_cell(laboratory: Laboratory) -> None:
    """Broken, seen, mended: afterwards everything is green again."""
    catalog = laboratory.build(NOTES)
    with laboratory.probe(catalog, NOTES_ACCESS) as probe:
        clone = replace(laboratory.clone, probe=probe, checks=(), baseline="")
        engine = Engine(kinds(), probe)
        for mutant in derive(clone.connection, ["public"]):
            trial = try_mutant(clone, cells_and_checks, mutant)
            assert trial.killed or mutant.equivalent, mutant.name
            assert not trial.error, trial
        assert [c.reason for c in engine.run(engine.cases()) if not c.ok] == []
        clone.close()


def test_every_killer_is_named(laboratory: Laboratory) -> None:
    """Where all are asked for; otherwise what the first question told."""
    with laboratory.probe(laboratory.build(NOTES), NOTES_ACCESS) as probe:
        clone = replace(laboratory.clone, probe=probe, checks=(), baseline="")
        rls_off = next(m for m in derive(clone.connection, ["public"]) if m.kind == "rls_off")
        first, every = (try_mutant(clone, cells_and_checks, rls_off, every=e).killers for e in (False, True))
        clone.close()
    assert set(first) < set(every)
    assert {f"{verb} public.notes {verb} as other" for verb in VERBS} <= set(every)


def told(*, kills: bool = True, afterwards: str = "") -> Suite:
    """A suite that notices everything; `afterwards` is what it says of the mended copy."""

    def suite(_: Clone, __: Mutant) -> Iterator[list[Notice]]:
        yield [Notice("test_x", "its call fails", lambda: afterwards, kills=kills)]

    return suite


def test_what_still_fails_on_the_mended_copy_was_no_kill(laboratory: Laboratory) -> None:
    """It says that something else is broken; nor does a test notice anything whose set-up fails."""
    catalog = laboratory.build(NOTES)
    with laboratory.probe(catalog, NOTES_ACCESS) as probe:
        clone = replace(laboratory.clone, probe=probe, checks=(), baseline="")
        mutant = next(m for m in derive(clone.connection, ["public"]) if m.kind == "rls_off")
        assert try_mutant(clone, told(), mutant).killers == ("test_x",)
        unset = try_mutant(clone, told(kills=False), mutant)
        assert (unset.survived, unset.error) == (True, "test_x could not be asked: its call fails")
        with pytest.raises(StackError, match="was restored, but test_x fails"):
            try_mutant(clone, told(afterwards="test_x fails"), mutant)
        clone.close()


def test_a_cell_that_fails_for_another_reason_is_no_kill(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a token that the REST server refuses: the cell is red on the mended copy too."""
    monkeypatch.setattr(mutants, "SETTLE_SECONDS", 0)
    catalog = laboratory.build(NOTES)
    with laboratory.probe(catalog, NOTES_ACCESS) as probe:
        refused = replace(probe.actors["owner"], headers={"Authorization": "Bearer nonsense"})
        probe = replace(probe, actors={**probe.actors, "owner": refused})
        clone = replace(laboratory.clone, probe=probe, checks=(), baseline="")
        mutant = next(m for m in derive(clone.connection, ["public"]) if m.kind == "rls_off")
        with pytest.raises(StackError, match=r"was restored, but \w+ public.notes"):
            try_mutant(clone, cells_and_checks, mutant)
        clone.close()


def test_a_copy_that_was_made_anew_can_be_asked(laboratory: Laboratory) -> None:
    """Its rows are looked at on a new connection."""
    catalog = laboratory.build(NOTES)
    with laboratory.probe(catalog, NOTES_ACCESS) as probe:
        probe.rows.records.close()
        probe.rows.refresh()


def test_a_mutant_that_nothing_notices_survives(laboratory: Laboratory) -> None:
    """An intent that allows everything to everybody notices no policy that opens."""
    lax = NOTES_ACCESS.replace('["owner", "service"]', '["owner", "other", "service"]', 1)
    catalog = laboratory.build(NOTES + "alter policy notes_all on public.notes using (true)")
    with laboratory.probe(catalog, lax.replace('["owner", "service"]', '["owner", "other", "service"]')) as probe:
        clone = replace(laboratory.clone, probe=probe, checks=(), baseline="")
        twin = next(m for m in derive(clone.connection, ["public"]) if m.kind == "permissive_twin")
        assert try_mutant(clone, cells_and_checks, twin).survived
        broken = Mutant("none", "nothing", None, None, "an error", "select 1 / 0", "", None)
        assert try_mutant(clone, cells_and_checks, broken).error == "division by zero"
        clone.close()
