"""Rollback scripts: supabase/rollbacks holds one for each migration, with the same name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pushproof.base.errors import HistoryError, ProjectError, UsageError
from pushproof.base.reading import present
from pushproof.migrations.files import Applied, Migration, check_contents, pair

NOTHING = "0"  # the version before the first


@dataclass(frozen=True)
class Rollback:
    """An applied migration, and the script that undoes it."""

    applied: Applied
    script: Migration


def rollbacks_to(
    version: str, files: Sequence[Migration], history: Sequence[Applied], folder: Path
) -> tuple[Rollback, ...]:
    """The migrations to undo, last first, so that `version` becomes the last applied one.

    Raises UsageError for a version that is not applied, HistoryError for a migration that is not what its file says,
    ProjectError for a script that is missing or that `check_contents` refuses.
    """
    if version != NOTHING and version not in {a.version for a in history}:
        known = ", ".join([NOTHING, *(a.version for a in history)])
        raise UsageError(f"{version} is not applied", f"name the version that is to be the last applied one: {known}")
    undone = [p for p in pair(files, history) if p.applied and (version == NOTHING or p.version > version)]
    rollbacks, missing = [], []
    for p in reversed(undone):
        if not p.local or p.state == "edited" or not p.applied:
            raise HistoryError(
                f"{p.version} is {p.state}: no script here is known to undo what was applied",
                "`pushproof migrations` says what to do first",
            )
        file = folder / p.local.path.name
        if present(file):
            rollbacks.append(Rollback(p.applied, Migration(p.version, p.local.name, file)))
        else:
            missing.append(file.name)
    if missing:
        raise ProjectError(
            f"supabase/rollbacks has no {', '.join(missing)}",
            "write a script of that name that undoes the migration",
        )
    check_contents(r.script for r in rollbacks)
    return tuple(rollbacks)
