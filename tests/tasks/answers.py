"""What every answer of a task must be like, good or bad."""

from __future__ import annotations

import json
from typing import IO, Any

from pushproof.migrations.files import local_migrations, pair, read_history
from pushproof.target.database import connect
from tests.fix_stack import Completed, Project


def refuses(done: Completed, code: int, cause: str, remedy: str) -> None:
    """One line of cause, one of remedy, its own exit code, and no traceback."""
    lines = done.stderr.splitlines()
    errors = [line for line in lines if line.startswith("ERROR ")]
    fixes = [line for line in lines if line.startswith("FIX ")]
    assert (done.code, len(errors), len(fixes)) == (code, 1, 1), done.output
    assert cause in errors[0], done.output
    assert remedy in fixes[0], done.output
    assert "Traceback" not in done.output


def succeeds(done: Completed) -> Completed:
    """It went well, and says nothing of an error."""
    assert done.code == 0, done.output
    assert "ERROR" not in done.stderr
    return done


def says(stream: IO[str] | None, *words: str) -> bool:
    """Wait for a line with one of these texts; False when the process has ended without."""
    return stream is not None and any(text in line for line in iter(stream.readline, "") for text in words)


def document(done: Completed) -> Any:
    """The one JSON document that standard output is."""
    return json.loads(done.stdout)


def secrets_of(project: Project) -> list[str]:
    """Every secret of the project's stack."""
    state = project.stack.state
    assert state.secrets
    return [*state.secrets.values(), *state.passwords.values()]


def states(project: Project) -> dict[str, str]:
    """The state of each version on the project's stack."""
    with connect(project.stack.target()) as connection:
        history = read_history(connection)
    return {p.version: p.state for p in pair(local_migrations(project.settings.migrations_dir), history)}


def remote_settings(project: Project) -> dict[str, str]:
    """The settings that make a running stack somebody else's target remote."""
    target = project.stack.target()
    database = target.database
    return {
        "SUPABASE_TARGET": "remote",
        "SUPABASE_URL": target.url,
        "SUPABASE_PUBLISHABLE_KEY": target.publishable_key,
        "SUPABASE_SECRET_KEY": target.secret_key,
        "SUPABASE_DB_URL": database.url.replace("@", f":{database.password}@", 1),
    }
