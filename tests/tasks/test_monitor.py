"""`invoke monitor`: every panel shows what happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pushproof.base.waiting import wait_until
from pushproof.target.database import connect
from pushproof.upkeep import panels as upkeep_panels
from pushproof.upkeep.panels import FOLDER, ask, panels
from tests.fix_stack import REPOSITORY, Project
from tests.tasks.answers import document, refuses, succeeds

Ask = Callable[..., list[tuple[object, ...]]]
Rows = list[dict[str, Any]]
FLUSH = "select pg_stat_force_next_flush()"


@pytest.fixture
def panel(blank: Project, sql: Ask) -> Callable[[str], Rows]:
    """The rows of one panel, as they are now."""

    def read(name: str) -> Rows:
        (asked,) = [p for p in panels(FOLDER, REPOSITORY / "supabase/monitor") if p.name == name]
        (answer,) = ask(blank.stack.target(), [asked])
        assert not answer.missing
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    return read


def one(rows: Rows, **match: object) -> dict[str, Any]:
    """The row with these values."""
    return next(row for row in rows if match.items() <= row.items())


def test_indexes(panel: Callable[[str], Rows], sql: Ask) -> None:
    """Scans are counted; one that nobody uses on a busy table is named, and one that is invalid."""
    sql("create table public.t (id int primary key, x int)")
    sql("insert into public.t select n, n from generate_series(1, 2000) n")
    sql("create index t_x on public.t (x)")
    assert one(panel("indexes"), index="t_pkey")["scans"] == 0
    sql(f"do $$ begin for n in 1..1500 loop perform from public.t where id = n; end loop; end $$; {FLUSH}")
    rows = panel("indexes")
    assert one(rows, index="t_pkey")["scans"] >= 1000
    assert (one(rows, index="t_x")["note"], one(rows, index="t_pkey")["note"]) == ("unused", None)


def test_missing_indexes(panel: Callable[[str], Rows], sql: Ask) -> None:
    """A foreign key without one is named, until it has one; a part of the key is enough."""
    sql("create table public.p (a int, b int, primary key (a, b))")
    sql("create table public.c (a int, b int, constraint c_fkey foreign key (a, b) references public.p)")
    assert one(panel("missing_indexes"), what="c_fkey")["note"] == "no index leads with a, b"
    sql("create index on public.c (b)")
    assert panel("missing_indexes") == []


def test_tables(panel: Callable[[str], Rows], sql: Ask) -> None:
    """Rows, dead rows, vacuum."""
    sql("create table public.t (id int) with (autovacuum_enabled = false)")
    sql(f"insert into public.t select generate_series(1, 30000); delete from public.t where id <= 20000; {FLUSH}")
    row = one(panel("tables"), table="public.t")
    assert (row["rows"], row["dead"], row["note"], row["vacuumed"]) == (10000, 20000, "vacuum it", None)
    sql("vacuum public.t")
    sql(FLUSH)
    assert one(panel("tables"), table="public.t")["vacuumed"]


def test_cache(panel: Callable[[str], Rows], sql: Ask) -> None:
    """Hits go up with what is read."""
    sql("create table public.t as select generate_series(1, 1000) as id")
    before = one(panel("cache"), what="tables")["hits"] or 0
    sql("select count(*) from public.t")
    sql(FLUSH)
    assert one(panel("cache"), what="tables")["hits"] > before


def test_statements(panel: Callable[[str], Rows], sql: Ask) -> None:
    """What takes long is on top, its constants taken out."""
    sql("select pg_sleep(1.25) as measured_by_the_test")
    assert any("pg_sleep($1) as measured_by_the_test" in row["statement"] for row in panel("statements"))


def test_transactions(panel: Callable[[str], Rows], blank: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is open longer than the panel asks for, and whether it is idle."""
    from pushproof.upkeep import panels as module

    original = module._read

    def impatient(file: Any) -> Any:
        found = original(file)
        return module.Panel(**vars(found) | {"sql": found.sql.replace("10 seconds", "1 millisecond")})

    monkeypatch.setattr(module, "_read", impatient)
    with connect(blank.stack.target(), autocommit=False) as idle:
        idle.execute("select 1")
        pid = idle.info.backend_pid
        assert wait_until(lambda: [r for r in panel("transactions") if r["pid"] == pid], timeout=10)
        assert one(panel("transactions"), pid=pid)["note"] == "idle"
    assert [r for r in panel("transactions") if r["pid"] == pid] == []


def test_a_panel_that_would_wait(blank: Project, sql: Ask) -> None:
    """It says so, and the others show who holds the lock."""
    sql("create table public.t (id int)")
    with connect(blank.stack.target(), autocommit=False) as holder:
        holder.execute("lock table public.t in access exclusive mode")
        done = succeeds(blank.invoke("monitor"))
    assert "it cannot be read: canceling statement due to lock timeout" in done.stdout


def test_a_panel_that_does_not_return(
    blank: Project, sql: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It may catch its time limit: it says so, nothing of it runs on, and the next is asked."""
    monkeypatch.setattr(upkeep_panels, "LIMIT_SECONDS", 1)
    sql("""
        create function public.forever() returns int language plpgsql as $$ begin
          loop begin perform pg_sleep(1000); exception when query_canceled then null; end; end loop;
        end $$
    """)
    (tmp_path / "a.sql").write_text("-- Never.\n-- x\nselect public.forever()")
    (tmp_path / "b.sql").write_text("-- Always.\n-- x\nselect 1 as one")
    first, second = ask(blank.stack.target(), panels(tmp_path))
    assert first.missing == "it cannot be read: no answer in 1 s"
    assert second.rows == ((1,),)
    running = "select from pg_stat_activity where wait_event = 'PgSleep'"
    assert wait_until(lambda: sql(running) == [], timeout=10)


def test_locks(panel: Callable[[str], Rows], blank: Project, sql: Ask) -> None:
    """Who waits, and for whom."""
    sql("create table public.t (id int)")
    assert panel("locks") == []
    with ThreadPoolExecutor(1) as pool, connect(blank.stack.target(), autocommit=False) as holder:
        holder.execute("lock table public.t")
        waiting = pool.submit(sql, "insert into public.t values (1)")
        assert wait_until(lambda: panel("locks"), timeout=10)
        (row,) = panel("locks")
        assert (row["holder"], row["statement"]) == (holder.info.backend_pid, "insert into public.t values (1)")
        holder.rollback()
        waiting.result()


def test_connections(panel: Callable[[str], Rows], blank: Project) -> None:
    """Each role's, and how many are active."""
    before = one(panel("connections"), role="postgres")["connections"]
    with connect(blank.stack.target()), connect(blank.stack.target()):
        assert one(panel("connections"), role="postgres")["connections"] == before + 2


def test_history(panel: Callable[[str], Rows], blank: Project) -> None:
    """What was pushed last is on top."""
    blank.write("migrations/001_a.sql", "select 1; select 2")
    succeeds(blank.invoke("push"))
    assert panel("history") == [{"version": "001", "name": "a", "statements": 2}]


@pytest.fixture
def ours(blank: Project, sql: Ask) -> Iterator[str]:
    """This repository's tables, and a session of somebody's."""
    for file in (REPOSITORY / "supabase/migrations").glob("03[01]_*.sql"):
        blank.write(f"migrations/{file.name}", file.read_text())
    blank.write("migrations/029_brands.sql", (REPOSITORY / "supabase/migrations/029_create_brands.sql").read_text())
    succeeds(blank.invoke("push"))
    user = "00000000-0000-0000-0000-0000000000aa"
    sql(f"insert into auth.users (id, email) values ('{user}', 'monitor@example.com')")
    sql(f"insert into public.brands (id, owner_id, name) values ('{user}', '{user}', 'x')")
    sql(f"insert into public.conversation_sessions (id, brand_id, user_id) values ('{user}', '{user}', '{user}')")
    yield user
    sql(f"delete from auth.users where id = '{user}'")


def test_sessions_by_state(panel: Callable[[str], Rows], sql: Ask, ours: str) -> None:
    """A session that ends is counted elsewhere; one that nobody touched is told."""
    assert panel("sessions_by_state") == [{"state": "initial", "sessions": 1, "active_today": 1, "idle_for_a_week": 0}]
    sql("update public.conversation_sessions set state = 'delivered'")
    assert [(r["state"], r["sessions"]) for r in panel("sessions_by_state")] == [("delivered", 1)]
    sql("alter table public.conversation_sessions disable trigger user")
    sql(
        "update public.conversation_sessions set state = 'planning', completed_at = null, "
        "last_activity_at = now() - interval '8 days'"
    )
    sql("alter table public.conversation_sessions enable trigger user")
    assert panel("sessions_by_state")[0]["idle_for_a_week"] == 1


def test_messages_by_day(panel: Callable[[str], Rows], sql: Ask, ours: str) -> None:
    """Messages, tokens and cost of a day, by provider."""
    assert panel("messages_by_day") == []
    columns = "(session_id, role, content, provider, tokens_used, cost_usd)"
    for _ in range(2):
        sql(f"insert into public.conversation_messages {columns} values ('{ours}', 'user', 'x', 'a', 7, 0.25)")
    (row,) = panel("messages_by_day")
    assert (row["provider"], row["messages"], row["tokens"], float(row["cost_usd"])) == ("a", 2, 14, 0.5)


def test_the_task(blank: Project) -> None:
    """All panels on one screen, or as JSON; what is missing is said with what to enable."""
    found = document(succeeds(blank.invoke("monitor", "--json")))
    assert set(found) == {p.name for p in panels(FOLDER, blank.settings.supabase_dir / "monitor")}
    assert found["history"]["missing"] == "there is no supabase_migrations.schema_migrations: `pushproof push`"
    shown = succeeds(blank.invoke("monitor", "--only", "connections")).stdout
    assert "Connections by role" in shown
    assert "postgres" in shown
    refuses(blank.invoke("monitor", "--only", "nothing"), 2, "no panel is named 'nothing'", "invoke monitor --json")


def test_watch(blank: Project) -> None:
    """It asks again until Ctrl-C."""
    with blank.popen("monitor", "--only", "connections", "--watch", "0.1") as task:
        assert task.stdout is not None
        lines = iter(task.stdout.readline, "")
        for _ in range(3):
            assert any("Connections by role" in line for line in lines)
        task.terminate()
        task.communicate()
    assert task.returncode == 143


def test_every_panel_has_its_test() -> None:
    """By its name."""
    names = {p.name for p in panels(FOLDER, REPOSITORY / "supabase/monitor")}
    assert {f"test_{name}" for name in names} <= globals().keys()
