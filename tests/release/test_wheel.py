"""The wheel alone, in an empty environment, on a project that has folders of the same names as this repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from pushproof.tools.parts import locate
from tests.fix_stack import REPOSITORY, Project

CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text()
MIGRATION = """
create table public.notes (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  body text not null
);
create index notes_user_id_idx on public.notes (user_id);
alter table public.notes enable row level security;
create policy own on public.notes to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
grant select, insert, update, delete on public.notes to authenticated, service_role;
"""
CHECK = """-- Notes have row level security.
select 'true' as expected, relrowsecurity::text as found from pg_catalog.pg_class
where oid = pg_catalog.to_regclass('public.notes')
"""
TEST = """
def test_nothing():
    assert True
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment into which the wheel was installed, and nothing else by hand; where its programs are.

    The wheel is built from the sdist, as CONTRIBUTING says that a release is.
    """
    folder = tmp_path_factory.mktemp("wheel")
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    [command] = re.findall(r"^\.venv/bin/python (-m build.*)$", CONTRIBUTING, re.MULTILINE)
    built = [sys.executable, *command.split(), "--outdir", str(folder), str(REPOSITORY)]
    subprocess.run(built, check=True, env=clean, stdout=subprocess.DEVNULL)
    [_] = folder.glob("pushproof-*.tar.gz")
    [wheel] = folder.glob("pushproof-*.whl")
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    subprocess.run([programs / "pip", "install", "--quiet", str(wheel)], check=True, env=clean)
    return programs


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody's project, with `scripts/__init__.py`, `tests/` and `tasks.py` of its own."""
    folder = tmp_path_factory.mktemp("foreign")
    folder.chmod(0o755)
    for name, text in {
        "scripts/__init__.py": "raise RuntimeError('not yours')\n",
        "tests/__init__.py": "",
        "tests/smoke/test_theirs.py": TEST,
        "tasks.py": "from pushproof.tasks import ns\n",
        "supabase/config.toml": 'project_id = "foreign"\n',
        "supabase/migrations/20260101000000_notes.sql": MIGRATION,
        "supabase/checks/notes.sql": CHECK,
    }.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_the_wheel_alone(environment: Path, foreign: Path, project: Project) -> None:
    """`pushproof smoke`, `push`, `rls` and `invoke smoke` are green, from a folder below the project's too."""
    cache = locate(project.settings).folder.parent.parent
    variables = {"PATH": os.environ["PATH"], "HOME": str(foreign), "PUSHPROOF_CACHE_DIR": str(cache)}

    def run(*words: str, where: Path = foreign) -> str:
        done = subprocess.run(
            [environment / words[0], *words[1:]], cwd=where, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stderr + done.stdout

    try:
        written = run("pushproof", "init")
        assert "wrote supabase/access.toml" in written and "tasks.py is there already" in written
        assert "1 tests passed" in run("pushproof", "smoke")
        run("pushproof", "push", where=foreign / "supabase" / "migrations")
        run("pushproof", "push", "--workdir", str(foreign), where=environment)
        assert "0 not as declared" in run("pushproof", "rls", "--no-findings")
        assert "1 tests passed" in run("invoke", "smoke")
    finally:
        run("pushproof", "stop")
