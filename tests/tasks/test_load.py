"""`invoke bench --suite load`: many signed-in users at once, and what tells a good end from a bad one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pushproof.base.waiting import wait_until
from pushproof.stack.services.base import free_port
from tests.fix_stack import Completed, Project
from tests.tasks.answers import document, refuses, succeeds

LOAD = ("bench", "--suite", "load", "--target", "remote")
FEW = ("--users", "3", "--seconds", "2")
FLOW = """
from locust import task
from pushproof.testing.visitor import Visitor

class One(Visitor):
    @task
    def ask(self):
        {}
"""
BRANDS = "self.insert('brands', {'name': self.mark}); self.select('brands')"
NOTES = """
    create table public.notes (note text);
    grant select, insert on public.notes to authenticated;
    alter table public.notes enable row level security;
    create policy everybody on public.notes to authenticated using (true);
"""


@pytest.fixture
def users(postgres: Any) -> Iterator[Callable[[], int]]:
    """Counts the test users; none may stay."""

    def count() -> int:
        found = postgres.execute("select count(*) from auth.users where email like 'pushproof-v%'").fetchone()
        return int(found[0])

    assert count() == 0
    yield count
    assert count() == 0


def few(project: Project, *texts: str, words: tuple[str, ...] = LOAD) -> Completed:
    """A load of three users until it says all of this: of a busy machine's two seconds nothing may be left to ask."""
    for seconds in ("2", "10", "40"):
        done = project.invoke(*words, "--users", "3", "--seconds", seconds)
        if all(text in done.output for text in texts):
            break
    return done


def test_users_see_their_own_rows(client_project: Project, users: Callable[[], int]) -> None:
    """On a target by its URL: requests, percentiles, rows that say whose they are; afterwards nobody is left."""
    # Tasks are drawn by lot: these are half of all.
    drawn = ("conversation_messages", "rpc/get_conversation_history")
    found = document(succeeds(few(client_project, *(f'"name": "{name}"' for name in drawn), words=(*LOAD, "--json"))))
    assert (found["failures"], found["foreign"], found["errors"]) == (0, 0, [])
    assert found["own"] > 0 and found["requests"] > 0 and found["requests_a_second"] > 0
    *each, together = found["by_request"]
    assert sum(one["requests"] for one in each) == together["requests"] == found["requests"]
    assert all(0 < one["median"] <= one["p95"] <= one["p99"] for one in each)
    assert {f"POST {name}" for name in drawn} <= {f"{one['method']} {one['name']}" for one in each}


def test_a_row_of_another_is_seen(client_project: Project, users: Callable[[], int], postgres: Any) -> None:
    """A policy that lets everybody read: the error names the request, and whose row it was."""
    client_project.write("bench/locustfile.py", FLOW.format(BRANDS))
    postgres.execute("create policy leak on public.brands for select to authenticated using (true)")
    try:
        done = few(client_project, "somebody saw ")
    finally:
        postgres.execute("drop policy leak on public.brands")
    refuses(done, 1, "somebody saw ", "`invoke rls`")
    assert "another's GET brands: visitor-" in done.stdout
    assert "owner_id " in done.stdout
    assert "GET brands: a row of another" in done.stdout


@pytest.mark.parametrize(
    ("flow", "cause"),
    [
        ("self.select('nowhere')", "GET nowhere: 404 "),
        ("self.rpc('get_session_cost', p_session_id='none')", "POST rpc/get_session_cost: 400 22P02, "),
        ("raise ValueError('of the flow')", "the flow: of the flow, "),
        ("self.select('brands')", "no row had a known owner"),
        ("self.insert('brands', {'name': self.mark})", "no row had a known owner"),
    ],
)
def test_what_went_wrong_is_counted_by_kind(client_project: Project, flow: str, cause: str) -> None:
    """Refused requests, a flow that breaks, and one that sees nothing, which proves nothing."""
    client_project.write("bench/locustfile.py", FLOW.format(flow))
    refuses(few(client_project, cause), 1, cause, "")


def test_who_cannot_sign_up_is_missed(client_project: Project, users: Callable[[], int], superuser: Any) -> None:
    """Fewer users than were asked for are no smaller load, but a failure."""
    superuser.execute(
        """create function public.refuse() returns trigger language plpgsql as $$
        begin if new.email like 'pushproof-vb-%' then raise 'nobody of that name'; end if; return new; end $$;
        create trigger refuse before insert on auth.users for each row execute function public.refuse()"""
    )
    try:
        refuses(client_project.invoke(*LOAD, *FEW), 1, "the database refuses the new user vb", "")
    finally:
        superuser.execute("drop trigger refuse on auth.users; drop function public.refuse()")


def test_what_others_may_read_is_no_leak(client_project: Project, users: Callable[[], int], postgres: Any) -> None:
    """Where access.toml says so."""
    access = client_project.settings.supabase_dir / "access.toml"
    of_brands, _, rest = access.read_text().partition('select = ["owner", "service"]')
    access.write_text(f'{of_brands}select = ["owner", "other", "service"]{rest}')
    client_project.write("bench/locustfile.py", FLOW.format(BRANDS))
    postgres.execute("create policy shared on public.brands for select to authenticated using (true)")
    try:
        refuses(client_project.invoke(*LOAD, *FEW), 1, "no row had a known owner", "`owner`")
    finally:
        postgres.execute("drop policy shared on public.brands")


def test_a_mark_tells_too(bare: Project) -> None:
    """On a stack of its own: where no column says whose a row is, what a visitor wrote into it does."""
    bare.write("migrations/001_notes.sql", NOTES)
    flow = "self.insert('notes', {'note': self.mark}); self.select('notes')"
    bare.write("bench/locustfile.py", FLOW.format(flow))
    done = few(bare, "somebody saw ", words=("bench", "--suite", "load"))
    refuses(done, 1, "somebody saw ", "`invoke rls`")
    assert "GET notes: visitor-" in done.stderr


def test_an_interrupted_load_leaves_nobody(client_project: Project, users: Callable[[], int]) -> None:
    """Nor a word on standard output."""
    with client_project.popen(*LOAD, "--users", "3", "--seconds", "600") as task:
        assert wait_until(lambda: users() >= 3, timeout=60)
        task.send_signal(signal.SIGINT)
        printed, _ = task.communicate()
    assert (task.returncode, printed) == (130, "")


def test_distributed(client_project: Project, users: Callable[[], int], tmp_path: Path) -> None:
    """As docs/bench.md has it: a master and two workers, each with users of its own, one report."""
    report = tmp_path / "report.json"
    locust = [sys.executable, "-m", "locust", "-f", "supabase/bench/locustfile.py"]
    environment = client_project.environment | {"SUPABASE_TARGET": "remote"}

    def load(seconds: int) -> dict[str, int]:
        port = str(free_port())
        master = [*locust, "--master", "--master-bind-port", port, "--headless", "--expect-workers", "2"]
        master += ["-u", "4", "-r", "10", "-t", f"{seconds}s", "--report", str(report)]
        worker = [*locust, "--worker", "--master-port", port]
        with subprocess.Popen(master, cwd=client_project.folder, env=environment) as leader:
            workers = [subprocess.Popen(worker, cwd=client_project.folder, env=environment) for _ in range(2)]
            ended = [leader.wait(), *(one.wait() for one in workers)]
        found: dict[str, int] = json.loads(report.read_text())
        # On a busy machine four seconds may be over before anything was asked.
        return load(40) if seconds < 40 and found["own"] <= 10 else found | {"failed": ended != [0, 0, 0]}

    found = load(4)
    assert not found["failed"]
    assert found["own"] > 10 and found["foreign"] == 0 and found["requests"] > 10


def test_bad_input(bare: Project) -> None:
    """Before anything runs."""
    refuses(bare.invoke("bench", "--suite", "load", "--users", "1"), 2, "two users", "--users 50")
    refuses(bare.invoke("bench", "--suite", "stack", "--target", "remote"), 2, "a stack of its own", "--target")
    done = bare.invoke(*LOAD, *FEW, SUPABASE_PRODUCTION="true")
    refuses(done, 21, "marked as production", "staging")
    (bare.folder / "supabase/bench/locustfile.py").unlink()
    refuses(bare.invoke(*LOAD, *FEW), 10, "no supabase/bench/locustfile.py", "docs/bench.md")


def test_locust_itself_refuses_production(client_project: Project) -> None:
    """A worker is started by hand, past the task."""
    words = [sys.executable, "-m", "locust", "-f", "supabase/bench/locustfile.py", "--headless", "-t", "1s"]
    environment = client_project.environment | {"SUPABASE_TARGET": "remote", "SUPABASE_PRODUCTION": "true"}
    done = subprocess.run(words, cwd=client_project.folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 21
    assert "marked as production" in done.stderr and "Traceback" not in done.stderr
