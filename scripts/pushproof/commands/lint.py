"""`pushproof lint`: check the migrations by squawk and our own rules, without a database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pushproof.base.console import counted
from pushproof.base.errors import FailedError, UsageError
from pushproof.lint import reports
from pushproof.lint.engine import lint as problems_of
from pushproof.lint.files import Problem
from pushproof.migrations.files import Migration, local_migrations, refuse_none
from pushproof.stack.embedded import api_of
from pushproof.stack.run import Run


def lint(run: Run, *, since: str = "", sarif: str = "", github: bool | None = None) -> list[Problem]:
    """Lint every file as a separate push; with `since`, the files after that version as one push.

    No target is needed. `github`: print annotations too; None means only in GitHub Actions. Raises FailedError if there
    is a problem of level error, UsageError for an unknown version, ProjectError, PartsError.
    """
    migrations = local_migrations(run.settings.migrations_dir)
    refuse_none(run.settings.migrations_dir, migrations)
    earlier, files = _split(migrations, since)
    api = api_of(run.settings.supabase_dir / "config.toml")
    problems = problems_of(
        files, earlier, schemas=api.schemas, auto_expose=api.auto_expose_new_tables, together=bool(since)
    )
    report(run, problems, len(files), sarif=sarif, github=github)
    errors, _ = reports.count(problems)
    if errors:
        first = next(p for p in problems if p.level == "error")
        raise FailedError(
            f"{counted(errors, 'error')} in the migrations, the first in {first.file.name} line {first.line}",
            "each line says what to do instead; docs/lint.md says how to ignore a problem with a reason",
        )
    return problems


def report(run: Run, problems: Sequence[Problem], files: int, *, sarif: str = "", github: bool | None = None) -> None:
    """Print the problems of `files` linted files; write annotations and SARIF if asked for."""
    project = run.settings.project
    reports.lines(run.console, problems, files)
    if os.environ.get("GITHUB_ACTIONS") == "true" if github is None else github:
        for problem in problems:
            run.console.line(reports.annotation(problem, project))
    if sarif:
        reports.write_sarif(Path(sarif), problems, project)
    run.console.data(reports.document(problems, files, project))


def _split(files: Sequence[Migration], since: str) -> tuple[Sequence[Migration], Sequence[Migration]]:
    """The files up to the version `since`, and those to lint."""
    if not since:
        return (), files
    versions = [file.version for file in files]
    if since not in versions:
        raise UsageError(f"no migration has version {since}", f"the last is {max(versions, default='none')}")
    start = versions.index(since) + 1
    return files[:start], files[start:]
