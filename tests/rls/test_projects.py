"""What projects of others do, and what a proof may not make of it: leaks that are none, and leaks unseen."""

from __future__ import annotations

import tomllib
from dataclasses import replace

from scripts.database import connect
from scripts.rls.actors import USERS
from scripts.rls.engine import Engine
from scripts.rls.kinds import kinds
from scripts.rls.proposal import KINDS, guess, proposal
from scripts.rls.rows import Rows
from tests.fix_rls import Laboratory
from tests.rls.test_engine import wrong

OWN = "user_id uuid not null references auth.users (id) on delete cascade"
ALL = "grant all on all tables in schema public to authenticated, service_role;"


def proposed(laboratory: Laboratory, schema: str) -> str:
    """What `invoke rls --init` would write."""
    catalog = laboratory.build(schema)
    intent = guess(catalog)
    users = {a.name: a.id for a in laboratory.clone.probe.actors.values() if a.id}
    rows = Rows(lambda: connect(laboratory.clone.target), catalog, intent, users)
    rows.populate(USERS)
    probe = replace(laboratory.clone.probe, catalog=catalog, intent=intent, rows=rows)
    engine = Engine({name: kind for name, kind in kinds().items() if name in KINDS}, probe)
    cells = list(engine.run(engine.cases()))
    rows.clean()
    return proposal(catalog, intent, cells, {*(r.qualified for r in catalog.exposed), *catalog.functions})


def test_an_only_row_whose_key_was_changed(laboratory: Laboratory) -> None:
    """It is put back, or all that is asked afterwards would be about a row that is gone."""
    schema = f"""
    create table public.progress (
      id uuid primary key default gen_random_uuid(), {OWN} unique, xp int not null default 0
    );
    alter table public.progress enable row level security;
    create policy own on public.progress to authenticated using (user_id = (select auth.uid()));
    {ALL}
    """
    entry = tomllib.loads(proposed(laboratory, schema))["relations"]["public.progress"]
    assert entry["delete"] == entry["update"] == ["owner", "service"]
    assert entry["columns"] == ["id", "xp"]


def test_nobody_is_made_an_administrator(laboratory: Laboratory) -> None:
    """A sample of a roles table holds the role that sounds least powerful, of a membership the most."""
    schema = f"""
    create type public.app_role as enum ('admin', 'user');
    create table public.user_roles (id uuid primary key default gen_random_uuid(), {OWN}, role public.app_role not null,
      unique (user_id, role));
    create function public.has_role(_user_id uuid, _role public.app_role) returns boolean language sql stable
      security definer set search_path = '' as
      $$ select exists (select from public.user_roles where user_id = _user_id and role = _role) $$;
    create table public.tickets (id uuid primary key default gen_random_uuid(), {OWN}, body text not null default '');
    alter table public.user_roles enable row level security;
    alter table public.tickets enable row level security;
    create policy own on public.user_roles for select to authenticated using (user_id = (select auth.uid()));
    create policy own on public.tickets to authenticated using (user_id = (select auth.uid()));
    create policy admins on public.tickets to authenticated using (public.has_role((select auth.uid()), 'admin'));
    {ALL}
    """  # noqa: S608 - the test's own words
    found = proposed(laboratory, schema)
    entries = tomllib.loads(found)
    assert entries["relations"]["public.tickets"]["select"] == ["owner", "service"]
    # Whether somebody holds a role is told to everybody.
    assert "other" in entries["functions"]["public.has_role(uuid, public.app_role)"]["call"]


TEAMS = f"""
create table public.teams (id uuid primary key default gen_random_uuid(), name text not null);
create table public.members (id uuid primary key default gen_random_uuid(),
  team_id uuid not null references public.teams (id) on delete cascade, {OWN},
  role text not null default 'member' check (role in ('member', 'owner')), unique (team_id, user_id));
create table public.notes (id uuid primary key default gen_random_uuid(),
  team_id uuid not null references public.teams (id) on delete cascade, body text not null default '');
create function public.is_member(target_team uuid, as_owner boolean default false) returns boolean language sql stable
  security definer set search_path = '' as $$ select exists (select from public.members m
    where m.team_id = target_team and m.user_id = auth.uid() and (m.role = 'owner' or not as_owner)) $$;
alter table public.teams enable row level security;
alter table public.members enable row level security;
alter table public.notes enable row level security;
create policy team on public.teams for select to authenticated using (public.is_member(id));
create policy lead on public.teams for update to authenticated using (public.is_member(id, true));
create policy notes on public.notes to authenticated using (public.is_member(team_id));
create policy seen on public.members for select to authenticated using (user_id = (select auth.uid()));
create policy joined on public.members for insert to authenticated with check (user_id = (select auth.uid()));
{ALL}
"""  # noqa: S608 - the test's own words


def test_a_team_that_anybody_may_join(laboratory: Laboratory) -> None:
    """What hangs on a team is its members'; whoever adds themselves to one that is not theirs is seen."""
    text = proposed(laboratory, TEAMS)
    entries = tomllib.loads(text)
    assert entries["relations"]["public.members"]["parents"] == ["team_id"]
    assert entries["relations"]["public.teams"]["update"] == ["owner", "service"]
    assert entries["functions"]["public.is_member(uuid, boolean)"]["call"] == ["owner"]
    found = wrong(laboratory.prove(TEAMS, text))
    assert "other can insert into public.members" in found["parents public.members insert team_id as other"]
    assert "parents public.notes insert team_id as other" not in found
    assert [name for name in found if name.startswith("counts")] == []


def test_an_only_row_that_others_hang_on(laboratory: Laboratory) -> None:
    """Where no second row is possible nothing else is asked meanwhile: each run finds the same."""
    schema = """
    create table public.settings (id int primary key check (id = 1), title text not null);
    create table public.menus (id text primary key,
      settings_id int not null references public.settings on delete cascade, name text not null);
    create table public.entries (id text primary key,
      menu_id text not null references public.menus on delete cascade, name text not null);
    alter table public.settings enable row level security;
    alter table public.menus enable row level security;
    alter table public.entries enable row level security;
    create policy seen on public.settings for select using (true);
    create policy seen on public.menus for select using (true);
    create policy seen on public.entries for select using (true);
    grant select on all tables in schema public to anon, authenticated;
    grant all on all tables in schema public to service_role;
    """
    first, *others = (proposed(laboratory, schema) for _ in range(3))
    for entry in tomllib.loads(first)["relations"].values():
        assert entry["select"] == ["anon", "owner", "other", "service"]
        assert entry["update"] == entry["delete"] == ["service"]
        assert "columns" not in entry
    assert others == [first, first]


def test_a_function_that_makes_users(laboratory: Laboratory) -> None:
    """Each call has arguments of its own, so that it is not refused as a duplicate; what it made is removed."""
    schema = """
    create function public.create_user(email text) returns uuid language sql security definer set search_path = '' as
      $$ insert into auth.users (id, email) values (gen_random_uuid(), email) returning id $$;
    """
    text = proposed(laboratory, schema)
    assert "other" in tomllib.loads(text)["functions"]["public.create_user(text)"]["call"]
    left = laboratory.clone.connection.execute("select count(*) from auth.users where email like 'pushproof %'")
    assert left.fetchone() == (0,)


def test_a_function_that_fails_is_no_denial(laboratory: Laboratory) -> None:
    """The same error for the owner's ids and for those of nobody proves nothing, until a sample makes it work."""
    schema = f"""
    create table public.notes (id uuid primary key default gen_random_uuid(), {OWN}, body text);
    alter table public.notes enable row level security;
    {ALL}
    create function public.share(note_id uuid, code text) returns text language plpgsql security definer
      set search_path = '' as $$
      begin
        if code <> 'ABC' then raise 'wrong code'; end if;
        return (select body from public.notes where id = note_id);
      end $$;
    """  # noqa: S608 - the test's own words
    access = """
[relations."public.notes"]
owner = "user_id"
select = ["service"]
insert = ["service"]
update = ["service"]
delete = ["service"]
sample = { body = "secret" }
truncate = ["owner"]
[functions."public.share(uuid, text)"]
call = []
filtered = ["anon"]
"""
    name = "call public.share(uuid, text) call as other"
    assert "no positive control" in wrong(laboratory.prove(schema, access))[name]
    shared = wrong(laboratory.prove(schema, access + 'sample = { code = "ABC" }\n'))
    assert "other can call" in shared[name]


def test_a_pattern_that_a_column_must_match(laboratory: Laboratory) -> None:
    """A text is made for it."""
    schema = f"""
    create table public.codes (id uuid primary key default gen_random_uuid(), {OWN},
      code text not null unique check (code ~ '^[A-Z0-9]{{6,8}}$' and length(code) = 6));
    alter table public.codes enable row level security;
    create policy own on public.codes to authenticated using (user_id = (select auth.uid()));
    {ALL}
    """
    assert tomllib.loads(proposed(laboratory, schema))["relations"]["public.codes"]["insert"] == ["owner", "service"]
