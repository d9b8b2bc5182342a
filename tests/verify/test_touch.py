"""What a new message does to its session, beyond what the verification asks: it costs a batch no more than one row."""

from __future__ import annotations

import psycopg
import pytest

SESSION = """
    with u as (insert into auth.users (id, email) values (gen_random_uuid(), 'touch@example.invalid') returning id),
      b as (insert into public.brands (owner_id, name) select id, 'Touched' from u returning id, owner_id)
    insert into public.conversation_sessions (brand_id, user_id, last_activity_at)
    select id, owner_id, now() - interval '1 day' from b returning id
"""
BATCH = """
    insert into public.conversation_messages (session_id, role, content, created_at)
    select %(session)s, 'user', 'x', {at} from pg_catalog.generate_series(1, 1000) as n
"""
TOUCHED = """
    select last_activity_at = now(), pg_catalog.pg_stat_get_xact_tuples_updated(tableoid)
    from public.conversation_sessions where id = %(session)s
"""


@pytest.mark.parametrize("at", ["now()", "now() - n * interval '1 s'", "now() + n * interval '1 s'"])
def test_a_batch_touches_its_session_once(postgres: psycopg.Connection, at: str) -> None:
    """However its messages are dated: a row a message would be 1,000 dead ones, each in the way of the next."""
    with postgres.transaction(force_rollback=True):
        [(session,)] = postgres.execute(SESSION).fetchall()
        [(_, before)] = postgres.execute(TOUCHED, {"session": session}).fetchall()
        postgres.execute(BATCH.format(at=at), {"session": session})
        assert postgres.execute(TOUCHED, {"session": session}).fetchall() == [(True, before + 1)]


@pytest.mark.parametrize("time", ["null", "'-infinity'", "now() - interval '1 hour'", "last_activity_at"])
def test_whatever_is_sent_a_session_that_is_updated_was_active_now(postgres: psycopg.Connection, time: str) -> None:
    """The trigger has the last word."""
    with postgres.transaction(force_rollback=True):
        [(session,)] = postgres.execute(SESSION).fetchall()
        update = f"update public.conversation_sessions set last_activity_at = {time} where id = %(session)s"
        postgres.execute(update.encode(), {"session": session})
        assert postgres.execute(TOUCHED, {"session": session}).fetchall()[0][0]
