"""`invoke doctor`: looks at everything, starts nothing."""

from __future__ import annotations

from tests.fix_stack import Project, RunningStack
from tests.tasks.answers import document, refuses, succeeds


def test_healthy(project: Project, stack: RunningStack) -> None:
    """Every finding is good, and --json has them all."""
    findings = document(succeeds(project.invoke("doctor", "--json")))
    assert all(finding["ok"] for finding in findings)
    assert [finding["subject"] for finding in findings] == [
        "Python",
        "Node.js",
        "settings",
        "npm parts",
        "disk",
        "strays",
        "CLI",
        "migrations",
        "ports",
        "target",
        "API",
        "API keys",
        "database",
    ]


def test_before_the_first_start(bare: Project) -> None:
    """What is missing is named with the command that mends it; the migrations are looked at; nothing is started."""
    bare.write("migrations/001_a.sql", "commit")
    done = bare.invoke("doctor")
    refuses(done, 1, "2 of 10 need attention: migrations, target", "above")
    assert "✗ target       the embedded stack was never started\n              fix `invoke start`" in done.stdout
    assert not (bare.folder / ".pushproof" / "state.json").exists()


def test_settings_that_cannot_be_read(bare: Project) -> None:
    """Without settings it says so, and stops there; one document all the same."""
    (bare.folder / ".env").write_text("SUPABASE_TARGET=mars")
    done = bare.invoke("doctor", "--json")
    refuses(done, 1, "1 of 3 need attention: settings", "above")
    assert document(done)[-1]["found"] == "unknown target 'mars'"
