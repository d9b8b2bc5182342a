"""`pushproof init`: a project that has nothing but migrations gets all that it needs, and keeps what it has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pushproof.target.database import connect
from tests.fix_stack import REPOSITORY, Project
from tests.release.test_wheel import MIGRATION
from tests.tasks.answers import document, refuses, succeeds

WRITTEN = {
    "tasks.py",
    "supabase/checks/rls_enabled.sql",
    "tests/smoke/test_users.py",
    ".env.example",
    ".github/workflows/access.yml",
    "supabase/access.toml",
}


@pytest.fixture
def theirs(blank: Project) -> Project:
    """A project with one migration."""
    for name in ("tests", ".github", "tasks.py", "supabase/checks"):
        shutil.rmtree(blank.folder / name, ignore_errors=True)
    for name in ("tasks.py", ".env.example", "supabase/checks"):
        (blank.folder / name).unlink(missing_ok=True)
    blank.write("migrations/001_notes.sql", MIGRATION)
    return blank


def texts(project: Project) -> dict[str, str]:
    """What the files say."""
    return {name: (project.folder / name).read_text() for name in WRITTEN}


def test_a_project_begins(theirs: Project) -> None:
    """Everything is written, `smoke` and `rls` are green with it, and a second time nothing changes."""
    done = document(succeeds(theirs.invoke("init", "--json")))
    assert {*done["written"]} == WRITTEN
    assert "3 tests passed" in succeeds(theirs.invoke("smoke")).stdout
    assert "0 not as declared" in succeeds(theirs.invoke("rls", "--no-findings")).stdout
    before = texts(theirs)
    again = succeeds(theirs.invoke("init"))
    assert again.stdout.count("is there already, and stays") == len(WRITTEN)
    assert texts(theirs) == before


def test_a_profile_that_holds_its_user(theirs: Project) -> None:
    """A trigger makes a row for each new user, whose key has no cascade: the tests remove both."""
    theirs.write(
        "migrations/002_profiles.sql",
        """
        create table public.profiles (id uuid primary key references auth.users (id));
        alter table public.profiles enable row level security;
        create policy own on public.profiles for select to authenticated using (id = (select auth.uid()));
        grant select on public.profiles to authenticated, service_role;
        create function public.welcome() returns trigger language plpgsql security definer set search_path = ''
          as $$ begin insert into public.profiles (id) values (new.id); return new; end $$;
        create trigger welcome after insert on auth.users for each row execute function public.welcome();
        """,
    )
    succeeds(theirs.invoke("init"))
    assert "3 tests passed" in succeeds(theirs.invoke("smoke")).stdout
    assert "nothing was left behind" in succeeds(theirs.invoke("sweep")).stdout


def test_no_grant_is_said(theirs: Project) -> None:
    """A project whose tables were exposed without one gets the setting's name, and no silent list of refusals."""
    file = theirs.folder / "supabase/migrations/001_notes.sql"
    file.write_text("\n".join(line for line in file.read_text().splitlines() if not line.startswith("grant")))
    assert "auto_expose_new_tables = true" in succeeds(theirs.invoke("init")).stderr


def test_what_is_there_stays(theirs: Project) -> None:
    """A project's own tasks.py, check, test and workflow: none is touched, none is put beside them."""
    kept = {
        "tasks.py": "# mine\n",
        "supabase/checks/mine.sql": "-- Mine.\nselect 'a' as expected, 'a' as found\n",
        "tests/smoke/deep/test_mine.py": "def test_mine():\n    pass\n",
        ".env.example": "MINE=\n",
        ".github/workflows/access.yaml": "name: mine\n",
    }
    for name, text in kept.items():
        file = theirs.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    done = succeeds(theirs.invoke("init"))
    assert {name: (theirs.folder / name).read_text() for name in kept} == kept
    assert not any((theirs.folder / name).exists() for name in WRITTEN - {*kept, "supabase/access.toml"})
    assert "`from pushproof.tasks import ns`" in done.stdout


def test_before_there_is_a_migration(theirs: Project) -> None:
    """access.toml waits; there is nothing to observe."""
    (theirs.folder / "supabase/migrations/001_notes.sql").unlink()
    done = document(succeeds(theirs.invoke("init", "--json")))
    assert {*done["written"]} == WRITTEN - {"supabase/access.toml"}


def test_a_migration_that_fails(theirs: Project) -> None:
    """Its error is said as `push` says it; the other files are written."""
    theirs.write("migrations/001_notes.sql", "create table public.notes (id nonsense);\n")
    refuses(theirs.invoke("init"), 18, 'type "nonsense" does not exist', "")
    assert (theirs.folder / "tasks.py").exists()


def test_production_is_refused_before_anything_is_pushed(theirs: Project) -> None:
    """access.toml is what users who sign up see: none does there."""
    refuses(theirs.invoke("init", SUPABASE_PRODUCTION="true"), 21, "the proof makes users", "staging project")
    with connect(theirs.stack.target()) as connection:
        assert connection.execute("select pg_catalog.to_regclass('public.notes')").fetchone() == (None,)


@pytest.mark.parametrize("name", ["supabase/checks", "tasks.py"])
def test_a_file_in_place_of_a_folder(theirs: Project, name: str) -> None:
    """And the reverse: said as that."""
    place = theirs.folder / name
    if name == "tasks.py":
        place.mkdir()
    else:
        place.write_text("")
    refuses(theirs.invoke("init"), 10, str(place), "")


def test_the_settings_are_explained_once() -> None:
    """`.env.example` of this repository is the one that `init` writes."""
    template = REPOSITORY / "scripts/pushproof/upkeep/scaffold/env.txt"
    assert template.read_text() == Path(REPOSITORY / ".env.example").read_text()
