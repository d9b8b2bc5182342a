"""What is due goes, in batches; what somebody holds, or wrote to meanwhile, stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pushproof.bench.files import data_of
from pushproof.bench.filling import BLOCK, fill
from pushproof.deploy.pushing import push
from pushproof.stack.run import Run
from pushproof.target.database import connect
from pushproof.upkeep.retention import LOCK, RetentionRule, batches
from tests.fix_stack import REPOSITORY, Connection, Project
from tests.tasks.answers import document, refuses, succeeds

CRON = REPOSITORY / "tests/tasks/cron.sql"
TRANSACTIONS = "select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint"
DUE_AFTER = "select count(*) from public.conversation_sessions where completed_at < now() - interval '%s days'"
DUE = DUE_AFTER % 90
OLDEST = """
    select id from public.conversation_sessions where completed_at < now() - interval '90 days'
    order by completed_at limit 2
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
    with connect(filled.stack.target(), lock=LOCK) as opened:
        yield opened


def _one(connection: Connection, sql: str) -> Any:
    return (connection.execute(sql.encode()).fetchone() or (None,))[0]


def test_an_interruption_keeps_what_is_done_and_a_held_session_is_taken_later(
    filled: Project, connection: Connection
) -> None:
    """One batch and an interruption; then all but what a writer holds, a session and a message; then those too."""
    rule = RetentionRule.of(filled.settings.supabase_dir / "retention", "ended", 90)
    due = _one(connection, DUE)
    assert isinstance(due, int) and due > 100
    first = next(batches(connection, rule, 5000))
    assert _one(connection, DUE) == due - first.deleted
    with connect(filled.stack.target(), autocommit=False) as writer:
        (held,), (other,) = writer.execute(OLDEST.encode()).fetchall()
        writer.execute("update public.conversation_sessions set state = 'delivered' where id = %s", [held])
        writer.execute(
            "update public.conversation_messages set action_taken = 'responded' where session_id = %s", [other]
        )
        gone = sum(one.deleted for one in batches(connection, rule, 5000))
        assert (gone, _one(connection, DUE)) == (due - first.deleted - 2, 2)
        assert connection.execute(OLDEST.encode()).fetchall() == [(held,), (other,)]
    assert [one.deleted for one in batches(connection, rule, 5000)] == [2]
    assert _one(connection, "select count(*) from public.conversation_messages m where not exists "
                            "(select from public.conversation_sessions s where s.id = m.session_id)") == 0  # fmt: skip


def test_two_at_once_delete_each_session_once(filled: Project, connection: Connection) -> None:
    """Neither waits for the other, and neither misses what the other left."""
    rule = RetentionRule.of(filled.settings.supabase_dir / "retention", "ended", 75)
    due = _one(connection, DUE_AFTER % 75)

    def go() -> list[int]:
        with connect(filled.stack.target(), lock=LOCK) as own:
            return [batch.deleted for batch in batches(own, rule, 7)]

    with ThreadPoolExecutor(2) as pool:
        one, other = (running.result() for running in [pool.submit(go), pool.submit(go)])
    assert one and other and sum(one) + sum(other) == due > 14
    assert _one(connection, DUE_AFTER % 75) == 0


def test_the_command_of_the_runbook_counts_and_deletes_nothing(filled: Project, connection: Connection) -> None:
    """docs/operations.md."""
    page = (REPOSITORY / "docs" / "operations.md").read_text()
    (command,) = re.findall(r"^\.venv/bin/invoke (.+)$", page, re.MULTILINE)
    due = _one(connection, DUE_AFTER % 30)
    found = document(succeeds(filled.invoke(*command.replace("90", "30").split(), "--json")))
    planned = found["ended"]["planned"]
    assert (planned["sessions"], found["ended"]["deleted"]) == (due, 0)
    assert planned["messages"] >= 10 * due and planned["bytes"] > 100 * planned["messages"]
    assert due == _one(connection, DUE_AFTER % 30)
    assert sum(row["sessions"] for row in found["never_ended"]) > 0


def test_the_benchmark_measures_what_retention_does() -> None:
    """Its query is the batch of ended sessions with numbers filled in."""
    rule = RetentionRule.of(REPOSITORY / "supabase/retention", "ended", 90)
    texts = rule.sql, (REPOSITORY / "supabase/bench/queries/retention.sql").read_text()
    real, measured = (re.sub("^ *--.*\n", "", text, flags=re.MULTILINE) for text in texts)
    assert measured == real.replace("%(days)s * interval '1 day'", "interval '90 days'").replace("%(batch)s", "10")


def test_without_pg_cron_nothing_is_scheduled(filled: Project) -> None:
    """A clear error of its own kind."""
    for option in ("--schedule", "--unschedule"):
        refuses(filled.invoke("retention", option), 23, "no pg_cron", "from a scheduler of your own")


def test_a_schedule_is_one_job_that_does_the_same(filled: Project, connection: Connection) -> None:
    """pg_cron has no build for the embedded server: its table and its two functions stand in, the job is real.

    pg_cron sends a command by itself, so that it may commit: https://github.com/citusdata/pg_cron/issues/85.
    """
    connection.execute(CRON.read_bytes())
    try:
        for days in ("80", "60"):
            done = filled.invoke("retention", "--schedule", "--days", days, "--include-idle", "150", "--json")
            assert document(succeeds(done))["scheduled"] == ["ended", "idle"]
        jobs = connection.execute("select jobname, schedule, command from cron.job order by jobid").fetchall()
        assert [job[:2] for job in jobs] == [(f"pushproof retention {n}", "17 3 * * *") for n in ("ended", "idle")]
        ended, idle = (job[2] for job in jobs)
        assert "60 * interval" in ended and "150 * interval" in idle
        due, began = _one(connection, DUE_AFTER % 60), _one(connection, TRANSACTIONS)
        connection.execute(ended.encode())
        assert _one(connection, DUE_AFTER % 60) == 0
        assert _one(connection, TRANSACTIONS) - began > due / 50 > 1  # one for each batch
        assert document(succeeds(filled.invoke("retention", "--schedule", "--json")))["scheduled"] == ["ended"]
        gone = document(succeeds(filled.invoke("retention", "--unschedule", "--json")))["unscheduled"]
        assert gone == ["pushproof retention ended"]  # the other rule was not asked for any more
        assert _one(connection, "select count(*) from cron.job") == 0
    finally:
        connection.execute("drop schema cron cascade")


def test_bad_input(filled: Project) -> None:
    """Before anything is deleted."""
    refuses(filled.invoke("retention", "--days", "0"), 2, "is less than 1", "--days 90")
    refuses(filled.invoke("retention", "--schedule", "--unschedule"), 2, "exclude each other", "choose one")
    refuses(filled.invoke("retention", "--schedule", "--dry-run"), 2, "exclude each other", "choose one")
    done = filled.invoke("retention", SUPABASE_PRODUCTION="true")
    refuses(done, 21, "marked as production", "--confirm")


@pytest.mark.parametrize(
    ("file", "text", "code", "cause"),
    [
        ("ended_plan.sql", "select nowhere", 18, 'ended_plan.sql line 1: column "nowhere" does not exist'),
        ("ended_plan.sql", "-- Nothing.", 10, "retention/ended_plan.sql holds no select"),
        ("ended_plan.sql", "select 1 as sessions", 10, "does not return one row"),
        ("ended_plan.sql", "select 1 as sessions, 2 as messages where false", 10, "does not return one row"),
        ("ended_plan.sql", "select 'a' as sessions, 2 as messages", 10, "does not return one row"),
        ("idle_ages.sql", "selct", 18, "idle_ages.sql line 1: syntax error"),
        ("idle_ages.sql", "", 10, "retention/idle_ages.sql holds no select"),
    ],
)
def test_sql_that_does_not_say_what_is_asked(
    filled: Project, connection: Connection, file: str, text: str, code: int, cause: str
) -> None:
    """It is named, before anything is deleted."""
    place = filled.settings.supabase_dir / "retention" / file
    former, before = place.read_text(), _one(connection, "select count(*) from public.conversation_sessions")
    place.write_text(text)
    try:
        refuses(filled.invoke("retention", "--days", "1"), code, cause, "")
    finally:
        place.write_text(former)
    assert _one(connection, "select count(*) from public.conversation_sessions") == before
