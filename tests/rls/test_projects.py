"""What projects of others do, and what a proof may not make of it: leaks that are none, and leaks unseen."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from dataclasses import replace

import pytest
from psycopg import sql

from pushproof.proof.actors import USERS
from pushproof.proof.differential import disagreements
from pushproof.proof.engine import Engine
from pushproof.proof.intent import VERBS
from pushproof.proof.kinds import kinds
from pushproof.proof.leftovers import remove_rows_of
from pushproof.proof.mutants import UNCALLED, derive
from pushproof.proof.proposal import KINDS, guess, proposal
from pushproof.proof.records import connect_with_limit
from pushproof.proof.rows import Rows
from pushproof.proof.unaskable import UnaskableError
from tests.fix_rls import Laboratory
from tests.rls.test_engine import wrong

OWN = "user_id uuid not null references auth.users (id) on delete cascade"
ALL = "grant all on all tables in schema public to authenticated, service_role;"


def proposed(laboratory: Laboratory, schema: str) -> str:
    """What `invoke rls --init` would write."""
    catalog = laboratory.build(schema)
    intent = guess(catalog)
    users = {a.name: a.id for a in laboratory.clone.probe.actors.values() if a.id}
    rows = Rows(lambda: connect_with_limit(laboratory.clone.target), catalog, intent, users)
    rows.populate(USERS)
    probe = replace(laboratory.clone.probe, catalog=catalog, intent=intent, rows=rows)
    engine = Engine({name: kind for name, kind in kinds().items() if name in KINDS}, probe)
    cells = list(engine.run(engine.cases()))
    rows.clean()
    return proposal(catalog, intent, cells, {*(r.qualified for r in catalog.exposed), *catalog.functions})


def test_names_beyond_ascii(laboratory: Laboratory) -> None:
    """The proposal is TOML, whose strings know no surrogates."""
    name = "t_😀\x7f"
    schema = f'create table public."{name}" ("ü" int primary key); grant select on public."{name}" to authenticated'
    entry = tomllib.loads(proposed(laboratory, schema))["relations"][f"public.{name}"]
    assert entry["select"] == ["owner", "other"]


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


def test_an_owner_that_refers_to_nobody(laboratory: Laboratory) -> None:
    """Its column comes first and may be written: another one is changed, or every owner would look refused."""
    schema = f"""
    create table public.notes (id bigint generated always as identity primary key,
      owner uuid not null default auth.uid(), body text);
    alter table public.notes enable row level security;
    create policy own on public.notes to authenticated using (owner = (select auth.uid()));
    {ALL}
    """
    entry = tomllib.loads(proposed(laboratory, schema))["relations"]["public.notes"]
    assert (entry["owner"], entry["update"], entry["columns"]) == ("owner", ["owner", "service"], ["body"])


def test_what_owners_do_is_done_to_their_own_rows(laboratory: Laboratory) -> None:
    """The sentence about a cell of theirs that access.toml does not allow."""
    schema = f"""
    create table public.notes (id bigint generated always as identity primary key, {OWN}, body text);
    alter table public.notes enable row level security;
    create policy own on public.notes to authenticated using (user_id = (select auth.uid()));
    {ALL}
    """
    access = '[relations."public.notes"]\nowner = "user_id"\ninsert = ["owner", "service"]\nupdate = ["service"]\n'
    access += 'select = ["owner", "service"]\ndelete = ["owner", "service"]\nfiltered = ["anon"]\ncolumns = ["body"]\n'
    findings = laboratory.findings(schema, access)
    assert "A user can change their own rows in public.notes" in {v.sentence for f in findings for v in f.verdicts}


def test_an_only_row_is_restored_after_a_question_that_cannot_be_asked(laboratory: Laboratory) -> None:
    """Or all that is asked afterwards would be about a row that is gone."""
    schema = f"create table public.progress ({OWN} primary key); {ALL}"
    intent = '[relations."public.progress"]\nowner = "user_id"\n' + "".join(f"{verb} = []\n" for verb in VERBS)
    with laboratory.probe(laboratory.build(schema), intent) as probe:
        relation = probe.catalog.relations["public.progress"]
        row = probe.rows.standing(relation, "owner")
        with contextlib.suppress(UnaskableError), probe.rows.room_for(relation, "owner"):
            assert not probe.rows.records.current(relation, row)
            raise UnaskableError("the case needs what is not there")
        assert probe.rows.records.current(relation, row)


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
    """
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
"""


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
    """
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


def test_a_list_that_a_check_takes_from_a_domain(laboratory: Laboratory) -> None:
    """The sample gets one of its values, as it does where the domain is the column's type."""
    schema = f"""
    create domain public.stage as text check (value in ('draft', 'sent'));
    create domain public.shade as text check (value in ('red', 'blue'));
    create table public.letters (
      id uuid primary key default gen_random_uuid(), {OWN}, shade public.shade not null, stage varchar(20) not null,
      constraint known check (stage::public.stage is not null)
    );
    alter table public.letters enable row level security;
    create policy own on public.letters to authenticated using (user_id = (select auth.uid()));
    {ALL}
    """
    entry = tomllib.loads(proposed(laboratory, schema))["relations"]["public.letters"]
    assert entry["insert"] == entry["select"] == ["owner", "service"]


def test_a_function_that_changes_a_user(laboratory: Laboratory) -> None:
    """What hangs on the ids that a call names is read back, the user's own rows too."""
    schema = f"""
    create table public.wallets ({OWN} primary key, coins int not null default 0);
    create table public.teams (id uuid primary key default gen_random_uuid(), name text not null);
    create table public.members (team_id uuid not null references public.teams (id) on delete cascade, {OWN},
      primary key (team_id, user_id));
    alter table public.wallets enable row level security;
    alter table public.teams enable row level security;
    alter table public.members enable row level security;
    create policy own on public.wallets for select to authenticated using (user_id = (select auth.uid()));
    create function public.add_coins(p_user_id uuid, amount int) returns void language sql security definer
      set search_path = '' as $$ update public.wallets set coins = coins + amount where user_id = p_user_id $$;
    create function public.join_team(team uuid) returns void language sql security definer set search_path = '' as
      $$ insert into public.members values (team, auth.uid()) on conflict do nothing $$;
    {ALL}
    """
    entries = tomllib.loads(proposed(laboratory, schema))
    assert {"anon", "other"} <= {*entries["functions"]["public.add_coins(uuid, integer)"]["call"]}
    assert "other" in entries["functions"]["public.join_team(uuid)"]["call"]
    assert "columns" not in entries["relations"]["public.wallets"]


def test_rights_that_users_give_themselves(laboratory: Laboratory) -> None:
    """A column that may say what one may do counts as denied until somebody has reviewed it, on both verbs."""
    schema = f"""
    create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, name text,
      is_admin boolean not null default false, credits_left int not null default 0);
    alter table public.profiles enable row level security;
    create policy own on public.profiles to authenticated using (id = (select auth.uid()));
    {ALL}
    """
    text = proposed(laboratory, schema)
    assert "# look: a user can change is_admin, credits_left, which may say what they may do" in text
    found = wrong(laboratory.prove(schema, text))
    for kind, verb in (("columns", "update"), ("insert_columns", "insert")):
        assert f"{kind} public.profiles {verb} is_admin as owner" in found
    assert "columns public.profiles update name as owner" not in found


def test_a_tenant_that_is_left_without_a_filter(laboratory: Laboratory) -> None:
    """A SELECT policy refuses the row as it becomes, to requests that name it alone."""
    schema = f"""
    create table public.orgs (id uuid primary key default gen_random_uuid(), name text not null);
    create table public.members (id uuid primary key references auth.users (id) on delete cascade,
      org_id uuid not null references public.orgs (id) on delete cascade, name text);
    create function public.my_org() returns uuid language sql stable security definer set search_path = '' as
      $$ select org_id from public.members where id = auth.uid() $$;
    alter table public.orgs enable row level security;
    alter table public.members enable row level security;
    create policy mine on public.orgs for select to authenticated using (id = public.my_org());
    create policy seen on public.members for select to authenticated using (org_id = public.my_org());
    create policy own on public.members for update to authenticated using (id = (select auth.uid()));
    {ALL}
    """
    text = proposed(laboratory, schema)
    assert tomllib.loads(text)["relations"]["public.members"]["parents"] == ["org_id"]
    found = wrong(laboratory.prove(schema, text))
    assert "hidden public.members update org_id without a filter as owner" in found


def test_tables_of_keys_and_of_either(laboratory: Laboratory) -> None:
    """Likes hold nothing that could change; a vote is for a post or for a comment; a comment may answer another."""
    schema = f"""
    create table public.posts (id uuid primary key default gen_random_uuid(), {OWN}, body text not null default '');
    create table public.comments (id uuid primary key default gen_random_uuid(), {OWN},
      post_id uuid not null references public.posts (id) on delete cascade,
      parent_id uuid references public.comments (id) on delete cascade, body text not null default '');
    create table public.likes ({OWN}, post_id uuid not null references public.posts (id) on delete cascade,
      primary key (user_id, post_id));
    create table public.votes (id uuid primary key default gen_random_uuid(), {OWN},
      post_id uuid references public.posts (id) on delete cascade,
      comment_id uuid references public.comments (id) on delete cascade,
      check ((post_id is null) <> (comment_id is null)));
    alter table public.posts enable row level security;
    alter table public.comments enable row level security;
    alter table public.likes enable row level security;
    alter table public.votes enable row level security;
    create policy seen on public.posts for select using (true);
    create policy seen on public.comments for select using (true);
    create policy seen on public.likes for select using (true);
    create policy own on public.posts to authenticated using (user_id = (select auth.uid()));
    create policy own on public.comments to authenticated using (user_id = (select auth.uid()));
    create policy own on public.likes to authenticated using (user_id = (select auth.uid()));
    create policy own on public.votes to authenticated using (user_id = (select auth.uid()));
    {ALL}
    grant select on all tables in schema public to anon;
    """
    text = proposed(laboratory, schema)
    entries = tomllib.loads(text)["relations"]
    assert {name: entry.get("parents") for name, entry in entries.items()} == dict.fromkeys(entries)
    reviewed = wrong(laboratory.prove(schema, text.replace("# look: ", "# reviewed: ")))
    assert {name: why for name, why in reviewed.items() if not name.startswith("counts")} == {}


def test_a_message_in_somebody_elses_name(laboratory: Laboratory) -> None:
    """The sender is whose it is, and whoever it is addressed to may not forge one."""
    schema = (
        """
    create table public.messages (id uuid primary key default gen_random_uuid(),
      recipient_id uuid not null references auth.users (id) on delete cascade,
      sender_id uuid not null references auth.users (id) on delete cascade, body text not null default '');
    alter table public.messages enable row level security;
    create policy ours on public.messages to authenticated using ((select auth.uid()) in (sender_id, recipient_id));
    """
        + ALL
    )
    entry = tomllib.loads(proposed(laboratory, schema))["relations"]["public.messages"]
    assert entry["owner"] == "sender_id"
    assert "other" in entry["insert"]


def test_a_table_without_a_key(laboratory: Laboratory) -> None:
    """Its sample row has a value to be found by, though none is required."""
    schema = f"""
    create table public.log (level int, note text);
    alter table public.log enable row level security;
    create policy own on public.log for select to authenticated using (true);
    {ALL}
    """
    entry = tomllib.loads(proposed(laboratory, schema))["relations"]["public.log"]
    assert entry["select"] == ["owner", "other", "service"]
    assert entry["delete"] == ["service"]


UNNAMED = """
create table public.notes (id uuid primary key default gen_random_uuid(), {own}, body text not null);
alter table public.notes enable row level security;
create policy own on public.notes to authenticated using (user_id = (select auth.uid()));
create function public.twice(int) returns int language sql immutable as 'select $1 * 2';
create function public.mixed(a int, text) returns int language sql immutable as 'select $1';
create function public.optional(int default 2) returns int language sql immutable as 'select $1';
create function public.echo(json) returns json language sql immutable as 'select $1';
create function public.count_notes(text) returns bigint language sql security definer
  set search_path = '' as 'select count(*) from public.notes';
{all}
"""


def test_arguments_without_names(laboratory: Laboratory) -> None:
    """The API calls by names, or with the whole body: what it cannot call is named, and the rest is asked."""
    schema = UNNAMED.format(own=OWN, all=ALL)
    catalog = laboratory.build(schema)
    assert catalog.uncallable == (
        "public.mixed(integer, text)",
        "public.optional(integer)",
        "public.twice(integer)",
    )
    text = proposed(laboratory, schema)
    found = tomllib.loads(text)
    everybody = ["anon", "other", "owner", "service"]
    assert {name: sorted(entry["call"]) for name, entry in found["functions"].items()} == {
        "public.echo(json)": everybody,
        "public.count_notes(text)": everybody,
    }
    assert wrong(laboratory.prove(schema, re.sub(" # look.*", "", text))) == {}


def test_mutants_of_what_cannot_be_called(laboratory: Laboratory) -> None:
    """They make no difference over the API, and are said to."""
    catalog = laboratory.build(UNNAMED.format(own=OWN, all=ALL))
    mutants = derive(laboratory.clone.connection, catalog.schemas, catalog.uncallable)
    assert {m.routine: m.equivalent for m in mutants if m.kind == "function_definer"} == {
        "public.twice(integer)": UNCALLED,
        "public.mixed(integer, text)": UNCALLED,
        "public.optional(integer)": UNCALLED,
        "public.echo(json)": None,
    }


@pytest.mark.parametrize(
    "name", ["note;id", "or", "select", "limit", "not", "a,b", "x->y", 'we "q" x', "dot.ted", "p(1)"]
)
def test_columns_that_a_query_would_take_for_something_else(laboratory: Laboratory, name: str) -> None:
    """A key and an owner of such names are asked for all the same."""
    key, owner = (sql.Identifier(text).as_string(None) for text in (name, f"owner {name}"))
    schema = f"""
    create table public.things ({key} uuid primary key default gen_random_uuid(), body text,
      {owner} uuid not null default auth.uid() references auth.users (id) on delete cascade);
    alter table public.things enable row level security;
    create policy own on public.things to authenticated
      using ({owner} = (select auth.uid())) with check ({owner} = (select auth.uid()));
    {ALL}
    """
    entry = tomllib.loads(proposed(laboratory, schema))["relations"]["public.things"]
    assert {verb: entry[verb] for verb in VERBS} == {verb: ["owner", "service"] for verb in VERBS}
    access = '[relations."public.things"]\n' + "\n".join(f"{k} = {json.dumps(v)}" for k, v in entry.items())
    assert wrong(laboratory.prove(schema, access)) == {}


def test_names_that_mean_something_to_others(laboratory: Laboratory) -> None:
    """Percent signs are psycopg's placeholders, a hash ends a path: tables, columns and functions may be called so."""
    schema = f"""
    create table public."a%b#c d%20e" (
      "k%y" uuid primary key default gen_random_uuid(), {OWN}, "p%sq" text not null check ("p%sq" <> '%')
    );
    create function public."f%x#"("q%s" uuid) returns bigint language sql volatile set search_path = '' as
      $$ select count(*) from public."a%b#c d%20e" where "k%y" = "q%s" $$;
    alter table public."a%b#c d%20e" enable row level security;
    create policy "own%s" on public."a%b#c d%20e" to authenticated
      using (user_id = (select auth.uid()) and "p%sq" not like '%%s');
    grant select, insert, update, delete on public."a%b#c d%20e" to authenticated;
    grant all on public."a%b#c d%20e" to service_role;
    """
    access = """
    [relations."public.a%b#c d%20e"]
    owner = "user_id"
    select = ["owner", "service"]
    insert = ["owner", "service"]
    update = ["owner", "service"]
    delete = ["owner", "service"]
    columns = ["k%y", "p%sq"]
    insert_columns = ["k%y", "user_id", "p%sq"]
    keys = ["k%y"]
    [functions."public.f%x#(uuid)"]
    call = ["owner", "service"]
    filtered = ["anon"]
    arguments = { "q%s" = "public.a%b#c d%20e.k%y" }
    """
    with laboratory.probe(laboratory.build(schema), access) as probe:
        cells = laboratory.cells(probe)
        assert wrong(cells) == {}
        assert list(disagreements(probe, cells)) == []
        row = probe.rows.standing(probe.catalog.relations["public.a%b#c d%20e"], "owner")
        remove_rows_of(laboratory.clone.target, [probe.actors["owner"].id])
        assert probe.rows.records.current(probe.catalog.relations["public.a%b#c d%20e"], row) is None


def test_a_table_without_a_key_that_holds_json(laboratory: Laboratory) -> None:
    """Its rows are known by all that can be compared: jsonb as JSON, json not at all."""
    schema = """
    create table public.events (kind text not null, meta jsonb not null, raw json not null);
    alter table public.events enable row level security;
    create policy everybody on public.events for select to authenticated using (true);
    grant select on public.events to authenticated;
    grant all on public.events to service_role;
    """
    entry = tomllib.loads(proposed(laboratory, schema))["relations"]["public.events"]
    assert entry["select"] == ["owner", "other", "service"]
    assert entry["delete"] == ["service"]
