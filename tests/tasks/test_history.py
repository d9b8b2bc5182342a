"""`invoke migrations`: where files and history disagree, the next step, and the repair."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fix_stack import Project
from tests.tasks.answers import document, refuses, states, succeeds

Ask = Callable[..., list[tuple[object, ...]]]


def apply(project: Project, **files: str) -> dict[str, Path]:
    """Write migrations and push them."""
    written = {name: project.write(f"migrations/{name}.sql", text) for name, text in files.items()}
    succeeds(project.invoke("push"))
    return written


def test_late_file(blank: Project) -> None:
    """A file that sorts before the last applied one needs --include-all."""
    apply(blank, **{"002_b": "select 2"})
    blank.write("migrations/001_a.sql", "select 1")
    refuses(blank.invoke("push"), 19, "001_a.sql would come before 002, which is applied", "--include-all")
    assert states(blank) == {"001": "late", "002": "applied"}
    succeeds(blank.invoke("push", "--include-all"))
    assert states(blank) == {"001": "applied", "002": "applied"}


def test_edited_and_foreign(blank: Project) -> None:
    """White space and comments are no edit; other statements are, and are warned of; a version without a file stops."""
    files = apply(blank, **{"001_a": "create table public.a (id int);\nselect 'é';", "002_b": "select 2"})
    first = files["001_a"]
    first.write_text("-- made for äöü\ncreate table public.a\n  (id int); select /* 1 */ 'é'")
    assert states(blank) == {"001": "applied", "002": "applied"}
    first.write_text("create table public.a (id bigint);\nselect 'é';")
    assert states(blank) == {"001": "edited", "002": "applied"}
    pushed = succeeds(blank.invoke("push"))
    assert "edited 001_a.sql was edited since it was applied" in pushed.stderr
    assert "nothing pending" in pushed.stdout
    files["002_b"].unlink()
    shown = succeeds(blank.invoke("migrations")).stdout
    assert "edited 001_a.sql was edited since it was applied" in shown
    assert "foreign 002 was applied, and supabase/migrations has no file of it" in shown
    assert [tuple(row.values()) for row in document(blank.invoke("migrations", "--json"))] == [
        ("001", "001_a.sql", "a", "edited", None),
        ("002", None, "b", "foreign", None),
    ]
    blank.write("migrations/003_c.sql", "select 3")
    refuses(blank.invoke("push", "--include-all"), 19, "002 was applied, and supabase/migrations has no", "git pull")
    assert states(blank) == {"001": "edited", "002": "foreign", "003": "pending"}


def test_moved(blank: Project) -> None:
    """A file that was applied under another version is told from one that is missing and one that is new."""
    file = apply(blank, **{"001_a": "create table public.a (id int)"})["001_a"]
    file.rename(file.with_name("005_a.sql"))
    done = blank.invoke("push")
    refuses(done, 19, "005_a.sql was applied as 001", "`invoke migrations --repair` gives the file that version: 001_a")
    assert states(blank) == {"001": "moved", "005": "moved"}


@pytest.mark.parametrize("keep", ["history", "files"])
def test_repair(blank: Project, sql: Ask, keep: str) -> None:
    """Shown first, done only when it is meant; afterwards both sides agree, whichever was right, and a push goes on."""
    texts = {"001_a": "create table public.a (id int);", "002_b": "select 2", "003_c": "select 3; select 'three'"}
    files = apply(blank, **texts)
    files["001_a"].write_text("create table public.a (id bigint)")
    files["002_b"].unlink()
    files["003_c"].rename(files["003_c"].with_name("004_c.sql"))
    before = sql("select * from supabase_migrations.schema_migrations order by 1")
    refused = blank.invoke("migrations", "--repair", "--keep", keep)
    refuses(refused, 21, "a repair changes files or the history", "--yes")
    assert refused.stdout.count("would ") == 4
    assert sql("select * from supabase_migrations.schema_migrations order by 1") == before
    done = document(blank.invoke("migrations", "--repair", "--keep", keep, "--yes", "--json"))
    assert len(done["repairs"]) == 4
    assert set(states(blank).values()) == {"applied"}
    folder = blank.folder / "supabase" / "migrations"
    if keep == "history":
        assert sql("select * from supabase_migrations.schema_migrations order by 1") == before
        assert sorted(f.name for f in folder.glob("*.sql")) == ["001_a.sql", "002_b.sql", "003_c.sql"]
        assert (folder / "001_a.sql.edited").read_text() == "create table public.a (id bigint)"
    else:
        rows = sql("select version, statements from supabase_migrations.schema_migrations order by 1")
        assert rows == [
            ("001", ["create table public.a (id bigint)"]),
            ("004", ["select 3", "select 'three'"]),
        ]
    assert "nothing to repair" in succeeds(blank.invoke("migrations", "--repair", "--yes")).stdout
    blank.write("migrations/010_next.sql", "select 10")
    assert document(blank.invoke("push", "--json"))["migrations"] == ["010_next.sql"]


def test_repair_of_what_was_not_recorded(blank: Project, sql: Ask) -> None:
    """A row without statements cannot become a file; nothing is done to the others either."""
    files = apply(blank, **{"001_a": "select 1", "002_b": "select 2"})
    shutil.rmtree(blank.settings.migrations_dir)
    blank.settings.migrations_dir.mkdir()
    sql("update supabase_migrations.schema_migrations set statements = null where version = '002'")
    done = blank.invoke("migrations", "--repair", "--yes")
    refuses(done, 19, "002 was applied, and its text was not recorded", "--keep files")
    assert not files["001_a"].exists()
    refuses(blank.invoke("migrations", "--repair", "--keep", "both"), 2, "--keep both", "name the side")


def test_production_history_is_repaired_by_its_name(blank: Project) -> None:
    """Files may follow the history of production, the history follows files only where that is confirmed."""
    apply(blank, **{"001_a": "select 1"})["001_a"].write_text("select 2")
    words = ("migrations", "--repair", "--yes", "--keep", "files")
    refuses(blank.invoke(*words, SUPABASE_PRODUCTION="true"), 21, "marked as production", "--confirm")
    assert states(blank) == {"001": "edited"}
    reference = blank.stack.target().reference
    assert json.loads(blank.invoke(*words, "--confirm", reference, "--json", SUPABASE_PRODUCTION="true").stdout)
    assert states(blank) == {"001": "applied"}
