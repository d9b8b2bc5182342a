"""`pushproof lint`: the migrations, held against squawk and our own rules, without a database."""

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
    """Lint every file, each as a push of its own; with `since` those after that version, as one push.

    No target is asked. `github`: print annotations too; None where the environment is that of GitHub Actions. Raises
    FailedError where there is an error, UsageError for a version that no file has, ProjectError, PartsError.
    """
    every = local_migrations(run.settings.migrations_dir)
    refuse_none(run.settings.migrations_dir, every)
    earlier, files = _parted(every, since)
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
            "each line says what to do instead; docs/lint.md says how one is ignored, with its reason",
        )
    return problems


def report(run: Run, problems: Sequence[Problem], files: int, *, sarif: str = "", github: bool | None = None) -> None:
    """Lines for people, and what else is asked for."""
    project = run.settings.project
    reports.lines(run.console, problems, files)
    if os.environ.get("GITHUB_ACTIONS") == "true" if github is None else github:
        for one in problems:
            run.console.line(reports.annotation(one, project))
    if sarif:
        reports.write_sarif(Path(sarif), problems, project)
    run.console.data(reports.document(problems, files, project))


def _parted(files: Sequence[Migration], since: str) -> tuple[Sequence[Migration], Sequence[Migration]]:
    """What is before and what is to be linted."""
    if not since:
        return (), files
    versions = [one.version for one in files]
    if since not in versions:
        raise UsageError(f"no migration has version {since}", f"the last is {max(versions, default='none')}")
    place = versions.index(since) + 1
    return files[:place], files[place:]
