"""Damaged caches are made anew, for nothing is lost by it; damaged data is named and left as it is."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pushproof.base import inventory
from pushproof.base.console import Console
from pushproof.base.errors import FailedError, PartsError
from pushproof.base.places import cache_dir
from pushproof.commands import doctor
from pushproof.stack.embedded import Stack
from pushproof.stack.local import cli
from pushproof.stack.scratch import scratch_server
from pushproof.stack.services import postgres
from pushproof.target.database import connect
from pushproof.tools import parts, pgrls
from pushproof.tools.parts import Parts
from tests.fix_stack import Project, RunningStack
from tests.tasks.answers import refuses, succeeds


@pytest.fixture
def cache(project: Project) -> Iterator[Path]:
    """A cache of the test's own with the real parts, hard-linked."""
    real = parts.ensure(project.settings, project.stack.console)
    with tempfile.TemporaryDirectory(prefix="pushproof-damage-", dir=cache_dir(project.settings).parent) as name:
        folder = Path(name)
        folder.chmod(0o755)
        mine = Parts(folder / "parts" / real.folder.name)
        shutil.copytree(real.folder, mine.folder, copy_function=linked, symlinks=True)
        yield folder


def linked(source: str, target: str) -> None:
    os.link(source, target, follow_symlinks=False)


def write(file: Path, content: bytes) -> None:
    """In a file of its own: others may be linked to the former one."""
    mode = file.stat()
    file.unlink()
    file.write_bytes(content)
    file.chmod(mode.st_mode)
    os.chown(file, mode.st_uid, mode.st_gid)


@pytest.fixture
def new(projects: Callable[..., Project]) -> Iterator[Project]:
    """A project that was never started; it is stopped right after the test."""
    project = projects(empty=True)
    yield project
    project.stack.stop()


def located(cache: Path, project: Project) -> Parts:
    return Parts(cache / "parts" / parts.locate(project.settings).folder.name)


def entry(found: Parts) -> str:
    """The file of @supabase/lite that the origin imports."""
    manifest = json.loads((found.folder / "node_modules/@supabase/lite/package.json").read_text())
    target = manifest["exports"]["./postgres"]["import"]
    return str(target["default"] if isinstance(target, dict) else target)


@pytest.mark.parametrize("left", [0, 0.5])
@pytest.mark.parametrize("program", ["postgres", "postgrest", "origin"])
def test_a_program_that_was_cut_off(
    new: Project, cache: Path, monkeypatch: pytest.MonkeyPatch, program: str, left: float
) -> None:
    """It is seen when the service does not start, and the parts are installed again, here from a copy."""
    real, mine = parts.locate(new.settings), located(cache, new)
    stack = stack_of(new, cache)
    file = {
        "postgres": mine.postgres / "postgres",
        "postgrest": mine.postgrest or mine.postgres / "initdb",
        "origin": mine.folder / "node_modules/@supabase/lite" / entry(mine),
    }[program]
    whole = file.read_bytes()
    write(file, whole[: int(len(whole) * left)])

    def install(found: Parts, _: object) -> None:
        write(file, (real.folder / file.relative_to(found.folder)).read_bytes())

    monkeypatch.setattr(parts, "_install", install)
    assert mine.damage == str(file.relative_to(mine.folder / "node_modules"))
    try:
        assert stack.start()[0] == "postgres"
    finally:
        stack.stop()
    assert mine.damage == ""


def assert_mended(project: Project, stack: RunningStack, cache: Path) -> None:
    """The CLI of this cache says that it was damaged, once."""
    mended = cli(replace(project.settings, cache_dir=cache), Console(as_json=True))
    with pytest.raises(PartsError, match="was damaged and has been reinstalled"):
        mended.types(stack.target, ["public"])
    assert "class" in mended.types(stack.target, ["public"])


@pytest.mark.parametrize("left", [0.1, 0.5, 0.99])
def test_a_cli_that_was_cut_off(
    project: Project, stack: RunningStack, cache: Path, monkeypatch: pytest.MonkeyPatch, left: float
) -> None:
    """It is seen when the CLI fails in a way of its own, and the parts are installed again."""
    real, mine = parts.locate(project.settings), located(cache, project)
    whole = mine.cli.read_bytes()
    write(mine.cli, whole[: int(len(whole) * left)])

    def install(found: Parts, _: object) -> None:
        write(found.cli, real.cli.read_bytes())

    monkeypatch.setattr(parts, "_install", install)
    assert_mended(project, stack, cache)


def test_a_cli_that_may_not_be_run(
    project: Project, stack: RunningStack, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is damaged as one that was cut off is."""
    real, mine = parts.locate(project.settings), located(cache, project)
    write(mine.cli, real.cli.read_bytes())
    mine.cli.chmod(0o644)
    monkeypatch.setattr(parts, "_install", lambda found, _: found.cli.chmod(0o755))
    assert_mended(project, stack, cache)


def test_a_scratch_server_of_damaged_parts(
    project: Project, stack: RunningStack, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are installed again as for a stack, and `doctor` has seen it."""
    real, mine = parts.locate(project.settings), located(cache, project)
    settings = replace(project.settings, cache_dir=cache)
    file = mine.postgres / "postgres"
    write(file, file.read_bytes()[:1000])
    with pytest.raises(FailedError, match="bin/postgres is not as it was installed"):
        doctor._parts(settings)
    monkeypatch.setattr(
        parts, "_install", lambda found, _: write(file, (real.folder / file.relative_to(found.folder)).read_bytes())
    )
    with scratch_server(settings, Console(as_json=True)) as server, connect(server.target) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def stack_of(project: Project, cache: Path) -> Stack:
    """Its stack with another cache."""
    return Stack(replace(project.settings, cache_dir=cache), Console(as_json=True))


def cut_version(cluster: Path) -> None:
    (cluster / "PG_VERSION").unlink()


def empty(cluster: Path) -> None:
    for one in cluster.iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()


def spoil_control(cluster: Path) -> None:
    write(cluster / "global/pg_control", b"junk" * 2048)


def take_catalog(cluster: Path) -> None:
    shutil.rmtree(cluster / "base")


def take_folder(cluster: Path) -> None:
    """An empty one, which the server needs all the same."""
    (cluster / "pg_notify").rmdir()


def bar_logins(cluster: Path) -> None:
    """The passwords can be set in single-user mode, but nobody can log in."""
    write(cluster / "pg_hba.conf", b"")


def cut_types(cluster: Path) -> None:
    """The server starts; whoever connects, PostgREST first, gets an error."""
    write(cluster / "base/5/1247", b"")


def spoil_constraints(cluster: Path) -> None:
    """PostgREST alone reads them."""
    file = cluster / "base/5/2606"
    write(file, os.urandom(file.stat().st_size))


DAMAGES = [cut_version, empty, spoil_control, take_catalog, take_folder, bar_logins]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_prepared_cluster_is_prepared_anew(new: Project, cache: Path, damage: Callable[[Path], None]) -> None:
    """In the cache, where it is nobody's data."""
    known = postgres._prepared(parts.locate(new.settings), cache_dir(new.settings))
    mine = cache / "clusters" / known.name
    shutil.copytree(known, mine)
    shutil.copy(postgres._note(known), postgres._note(mine))
    if os.geteuid() == 0:
        for one in (mine, *mine.rglob("*")):
            shutil.chown(one, *(known.stat().st_uid, known.stat().st_gid))
    damage(mine)
    stack = stack_of(new, cache)
    try:
        assert stack.start()[0] == "postgres"
        assert inventory.damage(mine, postgres._note(mine)) == ""
    finally:
        stack.stop()


@pytest.mark.parametrize("damage", [cut_version, spoil_control, take_catalog, cut_types, spoil_constraints])
def test_damaged_data_is_named_and_left(new: Project, damage: Callable[[Path], None]) -> None:
    """Exit 13 with the folder, and what its deletion takes; nothing in it is touched."""
    succeeds(new.invoke("start"))
    new.stack.stop()
    damage(new.stack.data)
    before = sorted(one for one in new.stack.data.rglob("*"))
    for _ in range(2):
        done = new.invoke("start")
        refuses(done, 13, str(new.stack.data), "every row is lost")
        assert {*before} <= {*new.stack.data.rglob("*")}
    shutil.rmtree(new.stack.data)
    succeeds(new.invoke("start"))


def test_damaged_data_of_a_lost_state_is_named_and_left(new: Project) -> None:
    """The passwords cannot be set anew in it."""
    succeeds(new.invoke("start"))
    new.stack.stop()
    spoil_control(new.stack.data)
    (new.settings.state_dir / "state.json").unlink()
    refuses(new.invoke("start"), 13, str(new.stack.data), "every row is lost")
    assert (new.stack.data / "PG_VERSION").exists()


def test_an_emptied_folder_of_data_begins_afresh(new: Project) -> None:
    """There is nothing left to lose, and a line says so."""
    assert "was emptied" not in succeeds(new.invoke("start")).stderr
    new.stack.stop()
    empty(new.stack.data)
    assert "was emptied: a new database is made" in succeeds(new.invoke("start")).stderr
    with connect(new.stack.target()) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("name", ["node_modules/.package-lock.json", "node_modules/@supabase/lite/package.json"])
def test_a_manifest_that_was_cut_off(new: Project, cache: Path, name: str) -> None:
    """It is no bug of ours: the parts count as halved, and as of no known version."""
    mine = located(cache, new)
    write(mine.folder / name, b"{")
    assert mine.missing or mine.version("@supabase/lite") == "-"


@pytest.mark.parametrize("task", ["start", "status", "stop"])
def test_a_state_that_is_a_folder(new: Project, task: str) -> None:
    """Exit 11 with its name."""
    (new.settings.state_dir / "state.json").mkdir(parents=True)
    refuses(new.invoke(task), 11, "state.json is a folder", "move it away")
    (new.settings.state_dir / "state.json").rmdir()


@pytest.mark.parametrize("task", ["start", "status", "stop"])
def test_a_state_that_is_a_pipe(new: Project, task: str) -> None:
    """To read it would wait for good."""
    new.settings.state_dir.mkdir(parents=True, exist_ok=True)
    state = new.settings.state_dir / "state.json"
    os.mkfifo(state)
    refuses(new.invoke(task), 11, "state.json is not a regular file", "move it away")
    state.unlink()


def test_a_program_that_is_empty_is_named(new: Project, tmp_path: Path) -> None:
    """Exit 12, here of the Supabase CLI; it is no bug of ours."""
    program = tmp_path / "supabase"
    program.touch(mode=0o755)
    new.write("migrations/001_t.sql", "create table public.t (id int primary key);")
    done = new.invoke("push", SUPABASE_CLI=str(program))
    refuses(done, 12, f"{program} is damaged", "install it")


def test_a_damaged_pgrls_is_removed(tmp_path: Path, project: Project, stack: RunningStack) -> None:
    """So that the next run installs it."""
    real, mine = pgrls.ensure(project.settings, Console(as_json=True)), tmp_path / "pgrls"
    shutil.copytree(real, mine, copy_function=linked)
    shutil.copy(pgrls._note(real), pgrls._note(mine))
    write(mine / "pgrls" / "__init__.py", b"")
    with pytest.raises(PartsError, match="was damaged and has been removed"):
        pgrls.lint(mine, lambda: stack.target, ["public"])
    assert not mine.exists()


def test_a_pgrls_that_fails_shows_no_traceback(project: Project, stack: RunningStack) -> None:
    """Its message says what happened."""
    folder = pgrls.ensure(project.settings, Console(as_json=True))
    away = replace(stack.target, database=replace(stack.target.database, port=1))
    with pytest.raises(PartsError, match="pgrls failed") as caught:
        pgrls.lint(folder, lambda: away, ["public"])
    assert "refused" in caught.value.details
    assert "Traceback" not in caught.value.details


def test_a_state_that_is_older_than_the_data(new: Project) -> None:
    """As from a backup: its passwords are given to the database, whose rows stay."""
    succeeds(new.invoke("start"))
    new.stack.stop()
    state = new.settings.state_dir / "state.json"
    older = state.read_text()
    state.unlink()
    succeeds(new.invoke("start"))
    succeeds(new.invoke("execute", "--sql", "create table public.kept (id int)"))
    new.stack.stop()
    state.write_text(older)
    assert "refuses the passwords of state.json" in succeeds(new.invoke("start")).stderr
    assert json.loads(succeeds(new.invoke("execute", "--json", "--sql", "select * from public.kept")).stdout)


def test_a_password_that_a_migration_changed(new: Project) -> None:
    """REST would not start any more."""
    succeeds(new.invoke("start"))
    succeeds(new.invoke("execute", "--sql", "alter role authenticator password 'another'"))
    new.stack.stop()
    assert "refuses the passwords of state.json" in succeeds(new.invoke("start")).stderr
