"""Stacks and projects of the tests' own: nothing here touches the checkout's stack."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
import pytest

from pushproof.base import settings
from pushproof.base.console import Console
from pushproof.deploy.pushing import push
from pushproof.stack.embedded import Stack
from pushproof.stack.run import Run
from pushproof.stack.scratch import scratch_server
from pushproof.stack.services.postgres import ADMIN, DATABASE
from pushproof.target.targets import Database, Target
from tests import fix_json
from tests.fix_fork import ForkServer, fork_server

FORKED: list[ForkServer] = []  # while tests run: the server that `Project.invoke` asks
SIGNALLED = 128  # the exit code of a task that a signal ended is more
OF_AN_INTERPRETER = ("LC_", "LANG", "PYTHON")
REPOSITORY = Path(__file__).parent.parent
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Completed:
    """What a task that ran as a process of its own said."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


class Task(subprocess.Popen[str]):
    """A task that runs. Where its `with` block fails, it is killed rather than waited for."""

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if problem:
            self.kill()
        super().__exit__(kind, problem, trace)


@dataclass(frozen=True)
class Project:
    """A project in a folder of its own, and how to run tasks on it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Ours, without the settings of whoever runs the tests."""
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("SUPABASE_", "PUSHPROOF_STATE", "PUSHPROOF_API", "PUSHPROOF_DB", "PG"))
        }
        return {**kept, "SUPABASE_WORKDIR": str(self.folder), "NO_COLOR": "1"}

    def invoke(self, *words: str, **extra: str) -> Completed:
        """Run a task to its end; in a new interpreter where one is not forked for it, or is set otherwise.

        What it writes with `--json` is held against its type.
        """
        if FORKED and not any(name.startswith(OF_AN_INTERPRETER) for name in extra):
            done = Completed(*FORKED[0].run(words, REPOSITORY, {**self.environment, **extra}))
        else:
            ended = subprocess.run(
                [sys.executable, "-m", "invoke", *words],
                cwd=REPOSITORY,
                env={**self.environment, **extra},
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
            )
            done = Completed(ended.returncode, ended.stdout, ended.stderr)
        if "--json" in words and done.code < SIGNALLED:
            fix_json.check(words, done.stdout)
        return done

    def popen(self, *words: str, **extra: str) -> Task:
        """Start a task that the test will interrupt."""
        return Task(
            [sys.executable, "-m", "invoke", *words],
            cwd=REPOSITORY,
            env={**self.environment, **extra},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def settings(self) -> settings.Settings:
        return settings.load(environ=self.environment)

    @property
    def stack(self) -> Stack:
        return Stack(self.settings, Console(as_json=True))

    def write(self, name: str, text: str) -> Path:
        """Write a file below supabase/."""
        file = self.folder / "supabase" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def write_env(self, text: str) -> None:
        """Write `.env`, for its owner's eyes alone."""
        file = self.folder / ".env"
        file.touch(mode=0o600)
        file.write_text(text)


@pytest.fixture(scope="session")
def forked() -> Iterator[None]:
    """Tasks of `Project.invoke` begin with everything imported."""
    with fork_server() as server:
        FORKED.append(server)
        yield
        FORKED.clear()


@pytest.fixture(scope="session")
def projects(forked: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Project]]:
    """Makes projects: copies of this repository's, with `empty` none of its migrations, checks and tests.

    Whatever stack they started is stopped at the end.
    """
    made = []

    def make(*, empty: bool = False) -> Project:
        project = Project(tmp_path_factory.mktemp("project"))
        shutil.copytree(REPOSITORY / "supabase", project.folder / "supabase")
        if not empty:
            shutil.copytree(REPOSITORY / "tests" / "smoke", project.folder / "tests" / "smoke")
        config = project.folder / "supabase" / "config.toml"
        config.write_text(config.read_text().replace("[auth]", "[auth]\nenable_anonymous_sign_ins = true"))
        if empty:
            for folder in ("migrations", "checks", "rollbacks"):
                shutil.rmtree(project.folder / "supabase" / folder)
            (project.folder / "supabase" / "migrations").mkdir()
        made.append(project)
        return project

    yield make
    for project in made:
        if (project.folder / ".pushproof").exists():
            project.stack.stop()
            shutil.rmtree(project.stack.data, ignore_errors=True)  # as root it may lie outside the project


@pytest.fixture(scope="session")
def project(projects: Callable[..., Project]) -> Project:
    """The project that most tests share: everything pushed, its stack running."""
    return projects()


@dataclass(frozen=True)
class RunningStack:
    """A running stack: its origin, its keys and its logins."""

    target: Target
    secrets: dict[str, str]
    passwords: dict[str, str]

    @property
    def url(self) -> str:
        return self.target.url

    def __getattr__(self, name: str) -> str:
        """The secrets by name: publishable_key, secret_key, anon_key, service_role_key, jwt_secret."""
        try:
            return self.secrets[name]
        except KeyError:
            raise AttributeError(name) from None

    def connect(self, role: str, database: str = DATABASE) -> Connection:
        """An autocommit connection as one of the logins."""
        where: Database = self.target.database
        return psycopg.connect(
            host=where.host,
            port=where.port,
            dbname=database,
            user=role,
            password=self.passwords[role],
            autocommit=True,
        )


def running(project: Project) -> RunningStack:
    """A project's stack, started, its migrations pushed by the CLI."""
    run = Run("", as_json=True)
    run.__dict__["settings"] = project.settings
    push(run)
    state = run.stack.state
    return RunningStack(run.target, state.secrets, state.passwords)


@pytest.fixture(scope="session")
def stack(project: Project) -> RunningStack:
    """The shared project's stack."""
    return running(project)


@pytest.fixture(scope="session")
def pushproof_run(request: pytest.FixtureRequest) -> Run:
    """The run of `invoke smoke`; under plain pytest, one on the tests' own stack."""
    found: Run | None = getattr(request.config, "pushproof_run", None)
    if found:
        return found
    request.getfixturevalue("stack")
    return Run("", as_json=True, settings=request.getfixturevalue("project").settings)


@pytest.fixture
def superuser(stack: RunningStack) -> Iterator[Connection]:
    """The shared stack's database as supabase_admin."""
    with stack.connect(ADMIN) as connection:
        yield connection


@pytest.fixture
def postgres(stack: RunningStack) -> Iterator[Connection]:
    """The shared stack's database as postgres, migrations applied."""
    with stack.connect("postgres") as connection:
        yield connection


@pytest.fixture(scope="session")
def bare_server(project: Project) -> Iterator[RunningStack]:
    """A provisioned server with nobody connected, so that its database can be copied."""
    with scratch_server(project.settings, Console(as_json=True)) as server:
        yield RunningStack(server.target, {}, dict(server.passwords))


@contextlib.contextmanager
def temporary_database(server: RunningStack) -> Iterator[Connection]:
    """A database of a project to which nothing was pushed, as postgres."""
    name = f"empty_{secrets.token_hex(4)}"
    with server.connect(ADMIN, "template1") as admin:
        admin.execute(f"create database {name} template {DATABASE} owner postgres".encode())
        try:
            with server.connect("postgres", name) as connection:
                yield connection
        finally:
            admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def empty_database(bare_server: RunningStack) -> Iterator[Connection]:
    """Such a database, gone after the test."""
    with temporary_database(bare_server) as connection:
        yield connection


def pytest_report_header() -> str:
    """Which parts the tests run on."""
    stack = Stack(settings.load(environ={"SUPABASE_WORKDIR": str(REPOSITORY)}), Console(as_json=True))
    return f"stack: {stack.version_of('postgres')}, {stack.version_of('postgrest')}, {stack.version_of('origin')}"
