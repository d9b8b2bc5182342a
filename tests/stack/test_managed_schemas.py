"""What migrations of other projects say about auth, storage, realtime and extensions, tried as `postgres`."""

from __future__ import annotations

import json

import psycopg
import pytest

TAKEN = """
create extension if not exists moddatetime schema extensions;
create extension if not exists pg_graphql with schema graphql;
create extension if not exists supabase_vault with schema vault;
create table public.profiles (id uuid primary key references auth.users (id), updated_at timestamptz);
create trigger touch before update on public.profiles
  for each row execute procedure extensions.moddatetime (updated_at);
create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = ''
  as $$ begin insert into public.profiles (id) values (new.id); return new; end $$;
create trigger on_auth_user_created after insert on auth.users
  for each row execute function public.handle_new_user();
drop trigger if exists on_auth_user_created on auth.users;
insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true);
create policy "public avatars" on storage.objects for select using (bucket_id = 'avatars');
create policy "own folder" on storage.objects for insert to authenticated
  with check (bucket_id = 'avatars' and (storage.foldername(name))[1] = (select auth.uid())::text);
alter policy "public avatars" on storage.objects to anon;
create policy "members" on realtime.messages for select to authenticated using (realtime.topic() like 'room:%');
alter publication supabase_realtime add table public.profiles;
create function public.announce() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.broadcast_changes('room:1', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
  return null;
end $$;
create trigger announce after insert or update or delete on public.profiles
  for each row execute function public.announce();
alter role authenticator set pgrst.db_aggregates_enabled = 'true';
alter role authenticator reset pgrst.db_aggregates_enabled;
"""


def test_what_a_hosted_project_takes(empty_database: psycopg.Connection) -> None:
    """Policies, triggers, buckets, publications, settings of the API: and they do what they say."""
    empty_database.execute(TAKEN.encode())
    with empty_database.transaction(force_rollback=True):
        empty_database.execute("insert into auth.users (id) values ('00000000-0000-0000-0000-000000000001')")
        empty_database.execute("insert into public.profiles (id) select id from auth.users")
        sent = empty_database.execute("select topic, payload -> 'record' ->> 'id' from realtime.messages").fetchall()
        assert sent == [("room:1", "00000000-0000-0000-0000-000000000001")]
    paths = "select storage.foldername('a/b/c.tar.gz'), storage.filename('a/b/c.tar.gz'), storage.extension('c.tar.gz')"
    assert empty_database.execute(paths.encode()).fetchone() == (["a", "b"], "c.tar.gz", "gz")


def test_a_folder_of_ones_own(empty_database: psycopg.Connection) -> None:
    """The policies on storage.objects hold for the API's roles."""
    empty_database.execute(TAKEN.encode())
    me = "11111111-1111-1111-1111-111111111111"
    for folder, allowed in ((me, True), ("22222222-2222-2222-2222-222222222222", False)):
        with empty_database.transaction(force_rollback=True):
            empty_database.execute("set local role authenticated")
            empty_database.execute("select set_config('request.jwt.claims', %s, true)", [json.dumps({"sub": me})])
            insert = "insert into storage.objects (bucket_id, name) values ('avatars', %s)"
            if allowed:
                empty_database.execute(insert, [f"{folder}/me.png"])
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                    empty_database.execute(insert, [f"{folder}/me.png"])


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("alter table storage.objects enable row level security", "must be owner of table objects"),
        ("alter table storage.buckets add column x int", "must be owner of table buckets"),
        ("alter table realtime.messages disable row level security", "must be owner of table messages"),
        ("alter table auth.users add column x int", "must be owner of table users"),
        ("create index on auth.users (email)", "must be owner of index"),
        ('create rule "of on" as on delete to auth.users do instead nothing', "must be owner of relation"),
        ("drop table storage.objects", "must be owner of table objects"),
        ("create table auth.mine ()", "permission denied for schema auth"),
        ("create or replace function auth.uid() returns uuid language sql as 'select null::uuid'", "schema auth"),
        ("set role supabase_storage_admin", "permission denied to set role"),
        ("create extension file_fdw", "permission denied to create extension"),
    ],
)
def test_what_a_hosted_project_refuses(empty_database: psycopg.Connection, statement: str, words: str) -> None:
    """42501, as there: `postgres` owns nothing in these schemas."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match=words):
        empty_database.execute(statement.encode())


def test_row_level_security_of_auth(empty_database: psycopg.Connection) -> None:
    """It is on, as migrations of supabase/auth have it: a grant alone shows nothing, a policy its rows."""
    me, other = (f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2))
    empty_database.execute(f"""
        insert into auth.users (id, email) values ('{me}', 'a@example.org'), ('{other}', 'b@example.org');
        create view public.me with (security_invoker = true) as select id, email from auth.users;
        grant select on public.me to authenticated;
        grant select (id, email) on auth.users to authenticated;
    """)

    def seen() -> list[tuple[object, ...]]:
        with empty_database.transaction(force_rollback=True):
            empty_database.execute("set local role authenticated")
            empty_database.execute("select set_config('request.jwt.claims', %s, true)", [json.dumps({"sub": me})])
            return empty_database.execute("select email from public.me").fetchall()

    assert seen() == []
    empty_database.execute("create policy own on auth.users to authenticated using (id = (select auth.uid()))")
    assert seen() == [("a@example.org",)]
    off = "select relname from pg_class where relnamespace = 'auth'::regnamespace and relkind = 'r' and "
    off += "not relrowsecurity"
    assert empty_database.execute(off).fetchall() == []
