"""What is due goes, in batches; what somebody holds, or wrote to meanwhile, stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from scripts.boundary import Run
from scripts.commands.push import push
from scripts.database import connect
from scripts.retention import OPTIONS, Rule, batches
from scripts.workload.files import data_of
from scripts.workload.filling import BLOCK, fill
from tests.fix_stack import Connection, Project

DUE = "select count(*) from public.conversation_sessions where completed_at < now() - interval '90 days'"
OLDEST = """
    select id from public.conversation_sessions where completed_at < now() - interval '90 days'
    order by completed_at limit 1
"""


@pytest.fixture(scope="module")
def filled(projects: Callable[..., Project]) -> Project:
    """A project with 10,000 messages of 180 days."""
    made = projects()
    run = Run("", as_json=True, settings=made.settings, quiet=True)
    push(run)
    fill(run.target, data_of(made.settings.supabase_dir / "bench"), 1, 0, BLOCK, lambda _: None)
    return made


@pytest.fixture
def connection(filled: Project) -> Iterator[Connection]:
    with connect(filled.stack.target(), options=OPTIONS) as opened:
        yield opened


def _one(connection: Connection, sql: str) -> object:
    return (connection.execute(sql.encode()).fetchone() or (None,))[0]


def test_an_interruption_keeps_what_is_done_and_a_held_session_is_taken_later(
    filled: Project, connection: Connection
) -> None:
    """One batch and an interruption; then all but the session that a writer holds; then that one too."""
    rule = Rule.of(filled.settings.supabase_dir / "retention", "ended", 90)
    due = _one(connection, DUE)
    assert isinstance(due, int) and due > 100
    first = next(batches(connection, rule, 5000))
    assert _one(connection, DUE) == due - first.deleted
    with connect(filled.stack.target(), autocommit=False) as writer:
        held = _one(writer, OLDEST)
        writer.execute("update public.conversation_sessions set state = 'delivered' where id = %s", [held])
        gone = sum(one.deleted for one in batches(connection, rule, 5000))
        assert (gone, _one(connection, OLDEST)) == (due - first.deleted - 1, held)
    assert [one.deleted for one in batches(connection, rule, 5000)] == [1]
    assert _one(connection, "select count(*) from public.conversation_messages m where not exists "
                            "(select from public.conversation_sessions s where s.id = m.session_id)") == 0  # fmt: skip


def test_without_pg_cron_nothing_is_scheduled(filled: Project) -> None:
    """A clear error of its own kind."""
    done = filled.invoke("retention", "--schedule")
    assert (done.code, "no pg_cron" in done.stderr) == (23, True)
