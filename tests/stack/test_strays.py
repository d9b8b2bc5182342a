"""What a killed run leaves: found by its mark, ended by the next task; what still has an owner is left alone."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from pushproof.base import process
from pushproof.base.waiting import wait_until
from pushproof.commands.stack import stop_all
from pushproof.stack import machine
from pushproof.stack.run import Run
from pushproof.stack.scratch import MEMORY, OWNER, PREFIX
from pushproof.stack.supervisor import MARK
from tests.fix_stack import Project, RunningStack
from tests.tasks.answers import succeeds


def scratch_of(pid: int) -> Path | None:
    """The folder that this process made for a stack of its own, once a copy's REST server runs there."""
    for parent in (Path(tempfile.gettempdir()), MEMORY):
        for owner in parent.glob(f"{PREFIX}*/{OWNER}"):
            if owner.read_text() and json.loads(owner.read_text())["pid"] == pid:
                return owner.parent if process.marked(MARK, f"{owner.parent}/.pushproof/copies") else None
    return None


@pytest.mark.parametrize("task", ["start", "stop", "doctor"])
def test_a_killed_run_leaves_no_stack_for_good(project: Project, stack: RunningStack, task: str) -> None:
    """Left alone while `mutate` runs; ended with its folders after SIGKILL, of whichever project it was."""
    with project.popen("mutate") as mutate:
        folder = wait_until(lambda: scratch_of(mutate.pid) or mutate.poll(), timeout=60)
        assert isinstance(folder, Path), mutate.communicate()
        assert wait_until(lambda: len(process.marked(MARK, str(folder))) > 3, timeout=60)  # copies start one by one
        running = process.marked(MARK, str(folder))
        project.invoke(task)
        stop_all(Run("", as_json=True), below=folder)
        assert all(one.process() for one in running)
        assert {one.task for one in machine.running(folder)} == {mutate.pid}
        mutate.kill()
    output = project.invoke(task).output
    assert str(folder) in output or "PYTEST_XDIST_WORKER" in os.environ  # another worker's task may have come first
    assert process.marked(MARK, str(folder)) == []
    assert not folder.exists()
    succeeds(project.invoke("start"))
