"""`invoke bench --suite schema`: what it measures, draws and refuses, at a size that takes seconds."""

from __future__ import annotations

import json
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pushproof.base.errors import FailedError, PartsError, ProjectError
from pushproof.bench import costs, server, suite_load, writes
from pushproof.bench.files import Query, data_of
from pushproof.bench.filling import BLOCK, fill
from pushproof.bench.generator import requests_a_second
from pushproof.bench.plots import require
from pushproof.bench.suite_schema import SchemaOptions
from pushproof.commands.bench import bench
from pushproof.stack.run import Run
from pushproof.target.database import connect
from tests.fix_stack import REPOSITORY, Connection, Project
from tests.tasks.answers import refuses

PLAIN = REPOSITORY / "tests" / "bench" / "plain"
MESSAGES = 20_000
# Of the rows of seed 1. It changes with supabase/bench/data alone.
ROWS = """
    select pg_catalog.md5(pg_catalog.string_agg(
      concat_ws(' ', m.id, m.session_id, m.role, m.content, m.tokens_used, m.cost_usd, m.provider), ',' order by m.id))
    from public.conversation_messages m
"""
CHECKSUM = "e680b95cdde7becac49d350981ecf3f2"
# The sessions that messages were written to while it was measured.
WRITTEN = (
    "select count(distinct session_id) from public.conversation_messages where created_at > now() - interval '1 hour'"
)
BROKEN = """
    drop index public.conversation_messages_history_idx;
    create index conversation_messages_latency_idx on public.conversation_messages (latency_ms);
"""
TAKEN_APART = """
    create table public.noted_kind (id int primary key);
    insert into public.noted_kind values (1);
    create table public.noted (
      id int primary key, kind int default 1 references public.noted_kind, at timestamptz unique
    );
    create table public.log (id int check (id > 0), at timestamptz default pg_catalog.now());
    create index on public.log (at);
    alter table public.log enable row level security;
    create function public.note() returns trigger language plpgsql as $$
    begin
      insert into public.log (id) values (new.id);
      perform pg_catalog.pg_sleep(0.005);
      return new;
    end $$;
    create trigger note before insert on public.noted for each row execute function public.note();
"""


@pytest.fixture
def opened(blank: Project) -> Iterator[Connection]:
    """As postgres, on the blank project."""
    with connect(blank.stack.target()) as connection:
        yield connection


def measure(project: Project, options: SchemaOptions) -> None:
    """As the task does."""
    run = Run("", as_json=True, settings=project.settings)
    bench(run, suite="schema", runs=1, schema=options, load=suite_load.LoadOptions())


def test_each_query_is_measured_beside_other_migrations_and_drawn(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the server at each size, by REST, writes side by side; plots as SVG and PNG."""
    measure(project, SchemaOptions(rows=MESSAGES, against=str(PLAIN), plots=str(tmp_path), samples=10, seconds=0.3))
    found = json.loads(capsys.readouterr().out)
    own, plain = found["variants"]
    assert found["sizes"] == [BLOCK, MESSAGES] and own["wrong"] == [] and found["memory_mb"] > 0
    assert plain["name"] == str(PLAIN) and plain["wrong"]
    names = {file.stem for file in (REPOSITORY / "supabase/bench/queries").glob("*.sql")}
    assert {one["name"] for one in own["queries"]} == found["growth"].keys() == names
    for one in own["queries"]:
        assert one["milliseconds"].keys() == {str(BLOCK), str(MESSAGES)}
        assert all(0 < times["median"] <= times["p95"] <= times["p99"] for times in one["milliseconds"].values())
        assert one["plan"]["Plan"] and one["buffers"][str(MESSAGES)] > 0
    by_rest = {one["name"]: one["rest_milliseconds"]["median"] for one in own["queries"] if one["rest_milliseconds"]}
    assert {"history", "sessions", "active_sessions", "cost", "insert_message"} <= by_rest.keys()
    assert all(milliseconds > 0 for milliseconds in by_rest.values())
    for one in (own, plain):
        assert [write["sessions"] for write in one["writes"]] == [1, 4, 16]
        assert all(write["sql"] > 0 and write["rest"] > 0 for write in one["writes"])
        *parts, whole = one["parts"].values()
        assert sum(parts) == pytest.approx(whole, abs=0.01)
    for ours, theirs in zip(own["writes"], plain["writes"], strict=True):
        assert theirs["own_sql_ratio"] == pytest.approx(ours["sql"] / theirs["sql"], rel=0.05)
        assert theirs["own_rest_ratio"] == pytest.approx(ours["rest"] / theirs["rest"], rel=0.05)
    assert {part for part in own["parts"].keys() - plain["parts"].keys() if ": index " not in part} == {
        "conversation_messages: checks",
        "conversation_sessions: indexes",
        "conversation_sessions: checks",
        "conversation_sessions: triggers",
    }
    drawn = ElementTree.fromstring((tmp_path / "latency.svg").read_text())  # noqa: S314 - we wrote it
    words = {element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {one["title"] for one in own["queries"]} <= words
    files = {f"{name}.{kind}" for name in ("latency", "ratios") for kind in ("svg", "png")}
    assert {file.name for file in tmp_path.iterdir()} == files
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in tmp_path.glob("*.png"))


def test_an_index_that_is_missing_or_idle_is_a_failure(projects: Callable[..., Project]) -> None:
    """Both are named."""
    project = projects()
    project.write("migrations/099_broken.sql", BROKEN)
    with pytest.raises(FailedError) as caught:
        measure(project, SchemaOptions(rows=BLOCK, samples=3, seconds=0.1))
    words = f"{caught.value.message} {caught.value.details}"
    assert "history does not use conversation_messages_history_idx" in words
    assert "conversation_messages_latency_idx serves no query" in words


def test_a_seed_gives_the_same_rows_everywhere(blank: Project) -> None:
    """So that a figure means the same wherever it is measured."""
    for name in ("029_create_brands", "030_create_conversation_sessions", "031_create_conversation_messages"):
        shutil.copy(REPOSITORY / f"supabase/migrations/{name}.sql", blank.settings.migrations_dir)
    assert blank.invoke("push", "--no-lint").code == 0
    with connect(blank.stack.target()) as connection:
        fill(blank.stack.target(), data_of(REPOSITORY / "supabase/bench"), 1, 0, BLOCK, lambda _: None)
        assert connection.execute(ROWS.encode()).fetchone() == (CHECKSUM,)
        connection.execute("delete from auth.users where email like 'bench-%'")


def test_databases_take_turns_at_being_first() -> None:
    """And each is told its own results, also when one is over before the other."""
    asked = []

    def executions(name: str, count: int) -> Iterator[str]:
        for number in range(count):
            asked.append(name)
            yield f"{name}{number}"

    rounds = [*server.in_turn([executions("a", 3), executions("b", 2)])]
    assert rounds == [["a0", "b0"], ["a1", "b1"], ["a2", None]]
    assert asked == ["a", "b", "b", "a", "a"]


def test_variants_write_in_turn_and_their_first_slices_are_not_counted() -> None:
    """Caches are cold, and plans are made anew."""
    asked = []

    def writer(name: str, rates: list[float]) -> writes.Write:
        rates = rates.copy()

        def write(seconds: float) -> float:
            asked.append((name, seconds))
            return rates.pop(0)

        return write

    assert writes.rates([writer("a", [9, 1, 3]), writer("b", [9, 5, 7])], 2 * writes.SLICE) == [2, 6]
    assert [name for name, _ in asked] == ["a", "b", "b", "a", "a", "b"]
    assert {seconds for _, seconds in asked} == {writes.SLICE}


def test_each_session_writes_the_rows_of_one_user() -> None:
    """All of them, or a share of them where two sessions are of one user."""
    rows = [{"caller": caller, "n": n} for n in range(3) for caller in ("alice", "bob")]
    each = writes.by_caller(rows)
    assert [[row["n"] for row in theirs] for theirs in writes.spread(each, 1)] == [[0, 1, 2]]
    shares = [(row["caller"], row["n"]) for theirs in writes.spread(each, 3) for row in theirs]
    assert shares == [("alice", 0), ("alice", 2), ("bob", 0), ("bob", 2), ("alice", 1)]


def test_sessions_go_through_all_their_rows(opened: Connection, blank: Project) -> None:
    """A session that wrote one row again and again would measure the versions that it left behind."""
    opened.execute("create table public.written (id int)")
    one = Query("written", "", "postgres", "", (), None, "", "", "", "insert into public.written values (%(id)s)")
    each = [[{"caller": caller, "id": 10 * number + n} for n in range(4)] for number, caller in enumerate("ab")]
    written: set[int] = set()
    try:
        with writes.by_sql(blank.stack.target(), one, each, 2) as write:
            for _ in range(40):
                if len(written) == 8:
                    break
                write(0.05)
                written = {number for (number,) in opened.execute("select id from public.written").fetchall()}
        assert written == {row["id"] for rows in each for row in rows}
    finally:
        opened.execute("drop table public.written")


def test_a_connection_sends_the_requests_of_its_list_in_turn() -> None:
    """And none of another's."""
    seen = []

    def get(path: str) -> dict[str, object]:
        return {"method": "GET", "path": path, "headers": {}}

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as http:
        threading.Thread(target=http.serve_forever).start()
        ask = [[get("/a"), get("/b")], [get("/c")]]

        def paths(connections: int, seconds: float) -> list[str]:
            seen.clear()
            assert requests_a_second(http.server_port, ask, connections, seconds) > 0
            return seen

        # A busy machine needs more time.
        assert any(len(paths(1, seconds)) > 3 for seconds in (0.1, 2, 20))
        assert seen[:4] == ["/a", "/b", "/a", "/b"] and "/c" not in seen
        assert any("/c" in paths(2, seconds) for seconds in (0.1, 2, 20))
        http.shutdown()


def test_what_a_write_costs_is_told_part_by_part(opened: Connection, blank: Project) -> None:
    """Of its own table and of the one that its trigger writes; the slow part is told as such, and all of it stays."""
    opened.execute(TAKEN_APART)
    one = Query("part", "", "postgres", "", (), None, "", "", "", "insert into public.noted (id) values (%(id)s)")
    rows = [{"id": number} for number in range(1, 9)]
    catalog = (
        "select conname from pg_catalog.pg_constraint union all select relname from pg_catalog.pg_class order by 1"
    )
    try:
        before = opened.execute(catalog).fetchall()
        with connect(blank.stack.target()) as fresh:
            [parts] = costs.by_part([fresh], one, [rows], ["public"])
        assert [*parts] == [
            "noted: foreign key to noted_kind",
            "log: row level security",
            "log: checks",
            "log: index log_at_idx",
            "noted: triggers",
            "noted: indexes",
            costs.ROW,
            costs.WHOLE,
        ]
        assert max(parts.keys() - {costs.WHOLE}, key=lambda part: parts[part]) == "noted: triggers"
        assert opened.execute(catalog).fetchall() == before
        assert opened.execute("select count(*) from public.noted").fetchone() == (0,)
    finally:
        opened.execute("drop table public.noted, public.log, public.noted_kind; drop function public.note()")


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ("-- B\n-- sample: users\nselect %(brand_id)s", "its sample users has no brand_id"),
        ("-- B\n-- sample: users\n-- rest: GET brands?id=eq.{no}\nselect 1", "its sample users has no no"),
        ("-- B\n-- sample: users\n-- rest: POST brands {name: 1}\nselect 1", "the body of its `rest` is not JSON"),
    ],
)
def test_what_a_query_asks_for_is_in_its_sample(projects: Callable[..., Project], query: str, cause: str) -> None:
    """Said at the smallest size, not after the largest was filled."""
    project = projects()
    shutil.rmtree(project.settings.supabase_dir / "bench" / "queries")
    project.write("bench/queries/one.sql", query)
    with pytest.raises(ProjectError, match=re.escape(cause)):
        measure(project, SchemaOptions(rows=BLOCK, samples=3, seconds=0.1))


def test_the_planners_own_look_into_an_index_is_no_use_of_it(opened: Connection) -> None:
    """It looks for the ends of its range where a condition lies at one of them."""
    opened.execute("create table public.seen (id bigint primary key, at timestamptz)")
    opened.execute("insert into public.seen select n, now() - n * interval '1 s' from generate_series(1, 5000) as n")
    opened.execute("create index seen_at_idx on public.seen (at); analyze public.seen")
    one = Query("seen", "", "postgres", "", (), None, "", "", "", "")
    row = {"days": 0}
    try:
        for sql, read in (
            ("select count(id) from public.seen where at < now() - %(days)s * interval '1 day'", set()),
            (
                "select id from public.seen where at > now() - interval '9 s' + %(days)s * interval '1 day'",
                {"seen_at_idx"},
            ),
        ):
            assert server.indexes_read(opened, replace(one, sql=sql), row, ["public"])[0] == read
    finally:
        opened.execute("drop table public.seen")


def test_bad_input(bare: Project, tmp_path: Path) -> None:
    """Before anything runs."""
    words = ("bench", "--suite", "schema")
    refuses(bare.invoke(*words, "--messages", "15000"), 2, "not a multiple of 10,000", "--rows 1000000")
    refuses(bare.invoke(*words, "--samples", "0"), 2, "are too few", "--samples 200")
    refuses(bare.invoke(*words, "--against", str(tmp_path)), 2, "no migration in", "--against names a folder")
    refuses(bare.invoke("bench", "--suite", "speed"), 2, "no suite 'speed'", "choose one of")
    query = bare.write("bench/queries/brands.sql", "-- Brands\n-- sample: users\n-- p95: fast\nselect 1")
    refuses(bare.invoke(*words), 10, "p95 is not a number of ms: fast", "0.4 ms")
    query.write_text("-- Brands\n-- idnex: brands_owner_idx\nselect 1")
    refuses(bare.invoke(*words), 10, "its header says `idnex: brands_owner_idx`", "docs/bench.md")
    query.write_text("-- Brands\n-- sample: users\n-- writes: brands\ninsert into public.brands default values")
    refuses(bare.invoke(*words), 10, "has no `rest`", "docs/bench.md")
    query.write_text("-- Brands\nselect %(brand_id)s")
    refuses(bare.invoke(*words), 10, "brands.sql has parameters and no sample", "docs/bench.md")
    shutil.rmtree(bare.settings.supabase_dir / "bench" / "queries")
    refuses(bare.invoke(*words), 10, "no query in supabase/bench/queries", "docs/bench.md")


def test_plots_need_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before an hour of measuring."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(PartsError, match="not installed") as caught:
        require()
    assert "[bench]" in caught.value.hint
