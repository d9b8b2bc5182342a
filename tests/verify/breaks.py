"""Ways to break a promise of the schema, each with the checks of `invoke verify` that must notice."""

from __future__ import annotations

from dataclasses import dataclass

SESSIONS = "public.conversation_sessions"
MESSAGES = "public.conversation_messages"
IS_OWN = """create or replace function conversation_private.is_own(p_session_id uuid, p_brand_id uuid, p_user_id uuid)
returns boolean language plpgsql stable security definer set search_path = '' as 'begin return {}; end'"""


@dataclass(frozen=True)
class Break:
    name: str
    sql: str
    checks: tuple[str, ...]  # exactly these turn red; none where only behaviour shows it
    migration: bool = True  # whether migration 032 raises as well


BREAKS = (
    # Tables and columns
    Break(
        "messages are missing",
        f"drop table {MESSAGES} cascade",
        (
            "check_constraints",
            "columns_messages",
            "foreign_keys",
            "grants_columns",
            "grants_tables",
            "indexes_messages",
            "keys",
            "policies_messages",
            "rls_enabled",
            "tables",
            "triggers",
            "views",
            "views_security_invoker",
        ),
    ),
    Break("column of another type", f"alter table {MESSAGES} alter content type varchar(1000)", ("columns_messages",)),
    Break("column for a credential", f"alter table {MESSAGES} add api_key text", ("columns_messages",)),
    Break("column without not null", f"alter table {SESSIONS} alter user_id drop not null", ("columns_sessions",)),
    Break("column without its default", f"alter table {SESSIONS} alter user_id drop default", ("columns_sessions",)),
    # Constraints
    Break(
        "brand without foreign key",
        f"alter table {SESSIONS} drop constraint conversation_sessions_brand_id_fkey",
        ("foreign_keys",),
    ),
    Break(
        "deletion of a user is refused",
        f"""alter table {MESSAGES} drop constraint conversation_messages_user_id_fkey,
            add foreign key (user_id) references auth.users (id)""",
        ("foreign_keys",),
    ),
    Break(
        "message refers to its session by id alone",
        f"""alter table {MESSAGES} drop constraint conversation_messages_session_fkey,
            add foreign key (session_id) references {SESSIONS} (id) on delete cascade""",
        ("foreign_keys",),
    ),
    Break(
        "sessions without the key messages refer to",
        f"alter table {SESSIONS} drop constraint conversation_sessions_id_brand_user_key cascade",
        ("foreign_keys", "indexes_sessions", "keys"),
    ),
    Break(
        "messages without primary key",
        f"alter table {MESSAGES} drop constraint conversation_messages_pkey",
        ("indexes_messages", "keys"),
    ),
    *(
        Break(
            f"without {table}_{rule}_check",
            f"alter table public.{table} drop constraint {table}_{rule}_check",
            ("check_constraints",),
        )
        for table, rules in (
            ("conversation_sessions", ("state",)),
            ("conversation_messages", ("role", "action", "tokens", "cost", "latency")),
        )
        for rule in rules
    ),
    *(
        Break(
            f"any value for {domain}",
            f"alter domain conversation_private.{domain} drop constraint {domain}_check",
            ("check_constraints",),
        )
        for domain in ("open_state", "finished_state", "message_role", "message_action")
    ),
    Break(
        "constraint not validated",
        f"""alter table {MESSAGES} drop constraint conversation_messages_cost_check,
            add constraint conversation_messages_cost_check check (cost_usd >= 0.0) not valid""",
        ("check_constraints",),
    ),
    # Row level security
    Break(
        "sessions without row level security", f"alter table {SESSIONS} disable row level security", ("rls_enabled",)
    ),
    Break(
        "messages without row level security", f"alter table {MESSAGES} disable row level security", ("rls_enabled",)
    ),
    *(
        Break(
            f"{table} without policy for {verb}",
            f"drop policy conversation_{table}_{verb} on public.conversation_{table}",
            (f"policies_{table}",),
        )
        for table in ("sessions", "messages")
        for verb in ("select", "insert", "update", "delete")
    ),
    *(
        Break(
            f"{table}: policy for {verb} lets everything through",
            f"alter policy conversation_{table}_{verb} on public.conversation_{table} {clause}",
            (f"policies_{table}",),
        )
        for table in ("sessions", "messages")
        for verb, clause in (
            ("select", "using (true)"),
            ("insert", "with check (true)"),
            ("update", "using (true)"),
            ("update", "with check (true)"),
            ("delete", "using (true)"),
        )
    ),
    Break(
        "session for a stranger's brand",
        f"alter policy conversation_sessions_insert on {SESSIONS} with check (user_id = (select auth.uid()))",
        ("policies_sessions",),
    ),
    Break(
        "message in a stranger's session",
        f"alter policy conversation_messages_insert on {MESSAGES} with check (user_id = (select auth.uid()))",
        ("policies_messages",),
    ),
    Break(
        "message for a brand that changed hands",
        IS_OWN.format(f"exists (select from {SESSIONS} s where (s.id, s.brand_id, s.user_id) = ($1, $2, $3))"),
        ("functions_private",),
    ),
    Break(
        "message in any session",
        IS_OWN.format("true"),
        ("functions_private",),
    ),
    Break(
        "question about sessions open to anon",
        "grant usage on schema conversation_private to anon;"
        "grant execute on function conversation_private.is_own to anon",
        ("functions_execute",),
    ),
    Break(
        "user looked up for every row",
        f"alter policy conversation_messages_select on {MESSAGES} using (user_id = auth.uid())",
        ("policies_messages",),
    ),
    Break(
        "policy for everybody",
        f"alter policy conversation_messages_select on {MESSAGES} to public",
        ("policies_messages",),
    ),
    Break(
        "fifth policy", f"create policy everything on {SESSIONS} to authenticated using (true)", ("policies_sessions",)
    ),
    Break(
        "restrictive policy",
        f"create policy nothing on {MESSAGES} as restrictive using (false)",
        ("policies_messages",),
    ),
    # Indexes
    *(
        Break(
            f"without {table}_{index}_idx", f"drop index public.conversation_{table}_{index}_idx", (f"indexes_{table}",)
        )
        for table, indexes in (
            ("sessions", ("user", "user_active", "brand", "completed")),
            ("messages", ("history", "cost", "stats", "daily", "provider", "brand", "monitoring")),
        )
        for index in indexes
    ),
    Break("index too many", f"create index on {MESSAGES} (role)", ("indexes_messages",)),
    Break(
        "index no longer partial",
        f"""drop index public.conversation_sessions_completed_idx;
            create index conversation_sessions_completed_idx on {SESSIONS} (completed_at)""",
        ("indexes_sessions",),
    ),
    # Triggers and functions
    *(
        Break(f"{what} trigger {trigger}", sql, ("triggers",))
        for trigger, table in (
            ("conversation_sessions_activity", SESSIONS),
            ("conversation_messages_owner", MESSAGES),
            ("conversation_messages_touch_session", MESSAGES),
        )
        for what, sql in (
            ("without", f"drop trigger {trigger} on {table}"),
            ("disabled", f"alter table {table} disable trigger {trigger}"),
        )
    ),
    Break(
        "function too many",
        "create function public.session_of_the_day() returns int language sql set search_path = '' as 'select 1';"
        "revoke all on function public.session_of_the_day() from public",
        ("functions", "functions_execute"),
    ),
    Break(
        "function missing",
        "drop function public.get_session_message_stats(uuid)",
        ("functions", "functions_execute"),
    ),
    Break(
        "argument of another name",
        """drop function public.get_session_cost(uuid);
           create function public.get_session_cost(id uuid) returns numeric
           language sql set search_path = '' as 'select 0.0';
           revoke all on function public.get_session_cost(uuid) from public;
           grant execute on function public.get_session_cost(uuid) to authenticated, service_role""",
        ("functions",),
    ),
    Break(
        "search_path not pinned",
        "alter function public.get_session_cost(uuid) reset search_path",
        ("functions_search_path",),
    ),
    Break(
        "search_path pinned to a schema",
        "alter function public.fill_message_owner() set search_path = public",
        ("functions_search_path",),
    ),
    Break(
        "definer without a reason",
        "alter function public.fill_message_owner() security definer",
        ("functions_security_invoker",),
    ),
    Break(
        "definer whose reason is gone",
        "comment on function public.update_session_on_message() is null",
        ("functions_security_invoker",),
    ),
    Break(
        "definer with a reason that does not hold",
        "alter function public.get_session_cost(uuid) security definer;"
        "comment on function public.get_session_cost(uuid) is 'faster'",
        (),
    ),
    Break(
        "function executable by public",
        "grant execute on function public.complete_conversation_session(uuid) to public",
        ("functions_execute",),
    ),
    Break(
        "function executable by anon",
        "grant execute on function public.update_session_activity() to anon",
        ("functions_execute",),
    ),
    Break(
        "function not executable by a signed-in user",
        "revoke execute on function public.get_conversation_history(uuid, integer) from authenticated",
        ("functions_execute",),
    ),
    # Views
    Break(
        "view reads as its owner",
        "alter view public.provider_usage_stats reset (security_invoker)",
        ("views_security_invoker",),
    ),
    Break(
        "view missing",
        "drop view public.daily_message_volume",
        ("grants_tables", "views", "views_security_invoker"),
    ),
    Break(
        "view with another column",
        "alter view public.daily_message_volume rename column total_cost to cost",
        ("views",),
    ),
    # Grants
    Break("anon reads sessions", f"grant select on {SESSIONS} to anon", ("anon_nothing", "grants_tables")),
    Break("anon reads one column", f"grant select (id) on {MESSAGES} to anon", ("anon_nothing", "grants_columns")),
    Break(
        "everybody reads a view",
        "grant select on public.provider_usage_stats to public",
        ("anon_nothing", "grants_tables"),
    ),
    Break("user changes a cost", f"grant update (cost_usd) on {MESSAGES} to authenticated", ("grants_columns",)),
    Break("user chooses a key", f"grant insert (id) on {SESSIONS} to authenticated", ("grants_columns",)),
    Break("user changes everything", f"grant update on {SESSIONS} to authenticated", ("grants_tables",)),
    Break("user cannot delete", f"revoke delete on {SESSIONS} from authenticated", ("grants_tables",)),
    Break(
        "secret key cannot read", "revoke select on public.conversation_messages from service_role", ("grants_tables",)
    ),
    Break(
        "user truncates",
        f"grant truncate on {MESSAGES} to authenticated",
        ("dangerous_privileges", "grants_tables"),
    ),
    Break(
        "secret key refers to a column",
        f"grant references (id) on {SESSIONS} to service_role",
        ("dangerous_privileges", "grants_columns"),
    ),
    Break(
        "everybody hangs triggers",
        f"grant trigger on {SESSIONS} to public",
        ("dangerous_privileges", "grants_tables"),
    ),
    # Brands
    Break("brands not readable", "revoke select on public.brands from authenticated", ("brands",)),
    Break(
        "brands without owner_id",
        "alter table public.brands rename owner_id to owner",
        ("brands", "brands_policies", "policies_sessions"),
    ),
    Break(
        "brands without primary key",
        "alter table public.brands drop constraint brands_pkey cascade",
        ("brands", "foreign_keys"),
    ),
    Break(
        "brands without row level security",
        "alter table public.brands disable row level security",
        ("brands_policies",),
    ),
    Break("brands without a policy", "drop policy brands_update on public.brands", ("brands_policies",)),
    # Behaviour: the catalog looks right
    Break(
        "completed_at left to the caller",
        f"""alter table {SESSIONS} drop constraint conversation_sessions_state_check;
            create or replace function public.update_session_activity() returns trigger
            language plpgsql set search_path = '' as $$ begin return new; end $$""",
        ("check_constraints",),
    ),
    Break(
        "activity not recorded",
        """create or replace function public.update_session_on_message() returns trigger
           language plpgsql set search_path = '' as $$ begin return null; end $$""",
        (),
    ),
    Break(
        "activity moves backwards",
        """create or replace function public.update_session_activity() returns trigger
           language plpgsql set search_path = '' as $$
           begin
             if tg_op = 'UPDATE' then new.last_activity_at := now(); end if;
             new.completed_at := case when new.state in ('delivered', 'cancelled')
               then least(coalesce(new.completed_at, old.completed_at, now()), now()) end;
             return new;
           end $$""",
        (),
    ),
    *(
        Break(
            f"{verb}: silence about a session that is not there",
            """create or replace function public.VERB_conversation_session(session_id uuid) returns void
               language plpgsql set search_path = '' as $$
               begin update public.conversation_sessions s set state = 'STATE' where s.id = $1; end $$""".replace(
                "VERB", verb
            ).replace("STATE", state),
            (),
        )
        for verb, state in (("complete", "delivered"), ("cancel", "cancelled"))
    ),
    Break(
        "history without a limit",
        """create or replace function public.get_conversation_history(p_session_id uuid, p_limit integer default 50)
           returns table
             (id uuid, role varchar, content text, created_at timestamptz, tokens_used integer, model_used varchar)
           language sql stable set search_path = '' as $$
             select m.id, m.role, m.content, m.created_at, m.tokens_used, m.model_used
             from public.conversation_messages m where m.session_id = $1 order by m.created_at desc limit $2 $$""",
        (),
    ),
    Break(
        "usage without its window of 30 days",
        """create or replace view public.provider_usage_stats with (security_invoker = true) as
             select user_id, provider, count(*) as request_count, coalesce(sum(tokens_used), 0) as total_tokens,
               coalesce(sum(cost_usd), 0) as total_cost, round(avg(latency_ms), 2) as avg_latency_ms,
               min(created_at) as first_use, max(created_at) as last_use
             from public.conversation_messages where provider is not null group by user_id, provider""",
        (),
    ),
)
