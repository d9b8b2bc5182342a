"""`invoke sweep`: users of runs that are over go, everybody else stays."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pushproof.base.waiting import wait_until
from pushproof.testing import Actor
from tests.fix_stack import Connection, Project, RunningStack
from tests.tasks.answers import document, succeeds

DEAD, LIVING, ELSEWHERE = "d" * 12, "1" * 12, "e" * 12
USERS = {
    "of a dead run": (f"pushproof-alice-{DEAD}@example.com", DEAD),
    "of a living run": (f"pushproof-alice-{LIVING}@example.com", LIVING),
    "of another machine's run, just made": (f"pushproof-alice-{ELSEWHERE}@example.com", ELSEWHERE),
    "e-mail alike, no mark": (f"pushproof-bob-{DEAD}@example.com", None),
    "mark alike, other e-mail": ("somebody@example.com", DEAD),
    "mark of another run": (f"pushproof-carol-{DEAD}@example.com", LIVING),
    "ordinary": ("anybody@example.com", None),
}


@pytest.fixture
def people(admin: Actor) -> Iterator[dict[str, str]]:
    """Their ids; gone after the test."""
    made: dict[str, str] = {}
    for name, (email, mark) in USERS.items():
        attributes: Any = {"email": email, "user_metadata": {"pushproof_run": mark} if mark else {}}
        made[name] = admin.client.auth.admin.create_user(attributes).user.id
    yield made
    left = {user.id for user in admin.client.auth.admin.list_users()}
    for user_id in left & set(made.values()):
        admin.client.auth.admin.delete_user(user_id)


def run_file(project: Project, run: str, process: dict[str, float]) -> Path:
    """What a run leaves in the state folder to say that it lives."""
    file = project.settings.state_dir / "runs" / f"{run}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(process))
    return file


def test_only_what_is_left_behind(project: Project, admin: Actor, people: dict[str, str]) -> None:
    """Both marks must agree, and the run must be over; of seven users one goes."""
    living = run_file(project, LIVING, {"pid": os.getpid(), "born": psutil.Process().create_time()})
    dead = run_file(project, DEAD, {"pid": os.getpid(), "born": 1.0})
    answer = document(succeeds(project.invoke("sweep", "--json")))
    assert answer == {"removed": [USERS["of a dead run"][0]], "stuck": []}
    there = {user.id for user in admin.client.auth.admin.list_users()}
    assert {name for name, user_id in people.items() if user_id not in there} == {"of a dead run"}
    assert (living.exists(), dead.exists()) == (True, False)
    living.unlink()


def test_after_a_kill(project: Project, stack: RunningStack, postgres: Connection) -> None:
    """A run that was killed amid its tests leaves users and rows; the sweep takes both, a second finds nothing."""

    def marked() -> int:
        row = postgres.execute("select count(*) from auth.users where email like 'pushproof-%'").fetchone()
        return row[0] if row else 0

    def rows() -> int:
        row = postgres.execute("select count(*) from public.brands").fetchone()
        return row[0] if row else 0

    with project.popen("smoke") as smoke:
        assert wait_until(lambda: marked() == 2 and rows() > 0, timeout=30)
        smoke.kill()
        smoke.communicate()
    assert (marked(), rows() > 0) == (2, True)
    done = succeeds(project.invoke("sweep"))
    assert done.stdout.count("removed pushproof-") == 2
    assert (marked(), rows()) == (0, 0)
    assert "nothing was left behind" in succeeds(project.invoke("sweep")).stdout
