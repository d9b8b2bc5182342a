-- public.brands, for a project that has none. One that exists is checked and left exactly as it is.

do $$
declare
  missing text;
begin
  if to_regclass('public.brands') is not null then
    select string_agg(needed, ', ') into missing
    from unnest(array['id', 'owner_id']) as needed
    where not exists (
      select from pg_catalog.pg_attribute
      where attrelid = 'public.brands'::regclass and attname = needed
        and atttypid = 'pg_catalog.uuid'::regtype and not attisdropped
    );
    if missing is not null then
      raise exception 'public.brands exists without %, of type uuid', missing
        using errcode = 'undefined_column',
              hint = 'Sessions refer to brands.id and belong to the user in brands.owner_id. Add or convert the column, then push again.';
    end if;
    if not exists (
      select from pg_catalog.pg_constraint
      where conrelid = 'public.brands'::regclass and contype = 'p'
        and pg_get_constraintdef(oid) like 'PRIMARY KEY (id)%'
    ) then
      raise exception 'public.brands exists, but its primary key is not id'
        using errcode = 'invalid_table_definition', hint = 'alter table public.brands add primary key (id);';
    end if;
    return;
  end if;

  create table public.brands (
    id uuid primary key default gen_random_uuid(),
    owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
    name text not null,
    created_at timestamptz not null default now()
  );
  -- The rollback drops only a table that carries this comment.
  comment on table public.brands is 'A brand and the user who owns it. Created by migration 029.';

  -- Serves the policies and the deletion of a user.
  create index brands_owner_idx on public.brands (owner_id);

  alter table public.brands enable row level security;
  create policy brands_select on public.brands for select to authenticated
    using (owner_id = (select auth.uid()));
  create policy brands_insert on public.brands for insert to authenticated
    with check (owner_id = (select auth.uid()));
  create policy brands_update on public.brands for update to authenticated
    using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
  create policy brands_delete on public.brands for delete to authenticated
    using (owner_id = (select auth.uid()));

  -- Not insert (id): the answer to a primary key that is taken would tell a stranger that the brand exists.
  revoke all on public.brands from public, anon, authenticated, service_role;
  grant select, insert (owner_id, name), update (name), delete on public.brands to authenticated;
  grant select, insert, update, delete on public.brands to service_role;
end $$;
