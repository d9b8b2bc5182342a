"""Projects to break: one without a stack, one whose stack is emptied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pushproof.tools.parts import locate
from tests.fix_stack import Project, RunningStack
from tests.tasks.answers import remote_settings

EMPTY_PUBLIC = """
    drop schema if exists conversation_private cascade;
    do $$
    declare one record;
    begin
      for one in select oid::regclass as name from pg_class
                 where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition loop
        execute format('drop table if exists %s cascade', one.name);
      end loop;
      for one in select oid::regprocedure as name from pg_proc
                 where pronamespace = 'public'::regnamespace and proowner = 'postgres'::regrole loop
        execute format('drop function if exists %s cascade', one.name);
      end loop;
    end $$;
    drop schema if exists supabase_migrations cascade;
    delete from auth.users
"""


@pytest.fixture
def bare(projects: Callable[..., Project]) -> Project:
    """A project without migrations, whose stack was never started."""
    return projects(empty=True)


@pytest.fixture(scope="session")
def blank_stack(projects: Callable[..., Project]) -> Project:
    """A project without migrations, its stack running."""
    made = projects(empty=True)
    made.stack.start()
    return made


@pytest.fixture
def blank(blank_stack: Project, sql: Callable[..., list[tuple[object, ...]]]) -> Project:
    """The same, as empty as on its first day."""
    folder = blank_stack.settings.supabase_dir
    for name in ("migrations", "checks", "rollbacks"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("seed.sql", "access.toml"):
        (folder / name).unlink(missing_ok=True)
    blank_stack.settings.migrations_dir.mkdir()
    sql(EMPTY_PUBLIC)
    return blank_stack


@pytest.fixture
def sql(blank_stack: Project) -> Callable[..., list[tuple[object, ...]]]:
    """Asks the blank project's database; the rows of the answer."""
    from pushproof.target.database import connect

    def ask(text: str) -> list[tuple[object, ...]]:
        with connect(blank_stack.stack.target()) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    return ask


@pytest.fixture
def client_project(bare: Project, stack: RunningStack, project: Project) -> Project:
    """A project whose `.env` describes the shared stack as its target remote."""
    lines = [f"{name}={value}" for name, value in remote_settings(project).items()]
    bare.write_env("\n".join(lines))
    for folder in ("supabase/migrations", "supabase/checks", "tests/smoke"):
        shutil.copytree(project.folder / folder, bare.folder / folder, dirs_exist_ok=True)
    return bare


@pytest.fixture
def stand_in(tmp_path: Path, project: Project) -> Callable[[str, str], str]:
    """Makes a SUPABASE_CLI that answers the words of a verb itself and passes everything else on."""

    def make(verb: str, answer: str) -> str:
        said = tmp_path / "answer"
        said.write_text(answer)
        file = tmp_path / "supabase"
        real = locate(project.settings).cli
        file.write_text(f'#!/bin/sh\ncase "$*" in "{verb}"*) exec cat "{said}";; esac\nexec "{real}" "$@"\n')
        file.chmod(0o755)
        return str(file)

    return make


@pytest.fixture(scope="session")
def paused_url() -> Iterator[str]:
    """A host that answers as the platform does for a paused project."""

    class Paused(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(540)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Paused) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
