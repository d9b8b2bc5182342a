"""`status --all` and `stop --all`: the stacks of every project on this machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pushproof.commands.stack import stop_all
from pushproof.stack import machine
from pushproof.stack.run import Run
from tests.fix_stack import Project
from tests.tasks.answers import document, succeeds


@pytest.fixture
def two(projects: Callable[..., Project], tmp_path: Path) -> tuple[Project, Project]:
    """Two projects, their stacks running."""
    made = projects(empty=True), projects(empty=True)
    for one in made:
        succeeds(one.invoke("start"))
    return made


def test_every_stack_is_listed_and_can_be_stopped(
    two: tuple[Project, Project], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From anywhere, also outside a project; below one folder only that one's, and then `status` calls it stopped."""
    first, second = two
    outside = tmp_path / "outside"
    outside.mkdir()
    listed = document(succeeds(first.invoke("status", "--all", "--json", SUPABASE_WORKDIR=str(outside))))
    found = {one["folder"]: one for one in listed}
    for project in two:
        mine = found[str(project.settings.state_dir)]
        assert mine["url"] == project.stack.url
        assert set(mine["processes"]) == {one.pid for one in project.stack.state.services.values()}
        assert mine["task"] is None

    stop_all(Run("", as_json=True), below=first.folder)
    assert json.loads(capsys.readouterr().out) == {"stopped": [str(first.settings.state_dir)]}
    assert machine.running(first.folder) == []
    assert len(machine.running(second.folder)) == 1
    assert {one["why"] for one in document(succeeds(first.invoke("status", "--json")))} == {"stopped"}
    succeeds(first.invoke("start"))


def test_a_stack_whose_project_was_deleted(two: tuple[Project, Project]) -> None:
    """It is listed without a URL, and ended."""
    folder = two[0].settings.state_dir
    shutil.rmtree(two[0].stack.data)
    shutil.rmtree(two[0].folder)
    (found,) = machine.running(folder)
    assert (found.folder, found.url) == (folder, "")
    stop_all(Run("", as_json=True), below=folder)
    assert machine.running(folder) == []
