"""`pushproof bundle`: write the pending migrations as one file for the SQL editor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pushproof.base.errors import HistoryError, ProjectError, UsageError
from pushproof.base.reading import sql_files
from pushproof.migrations.bundles import bundle_of
from pushproof.migrations.files import Migration, local_migrations, pair, read_history
from pushproof.migrations.history import troubles_of
from pushproof.stack.run import Run
from pushproof.target.database import connect

if TYPE_CHECKING:
    from pushproof.base import documents


def bundle(run: Run, *, after: str = "", out: str = "") -> str:
    """Write the bundle to the file `out`, or to standard output if that is empty. Returns its text.

    It holds the migrations after the version `after` ("0": all of them), or, if that is empty, those that are not in
    the target's history. Raises UsageError, ProjectError, HistoryError.
    """
    files = local_migrations(run.settings.migrations_dir)
    applied, pending = _split(files, after) if after else _ask(run, files)
    if not pending:
        raise UsageError("nothing is pending", "`pushproof migrations` shows what is applied")
    text = bundle_of(pending, applied, sql_files(run.settings.supabase_dir / "checks", ProjectError))
    names = [m.path.name for m in pending]
    if out:
        Path(out).write_text(text, encoding="utf-8")
        run.console.line(f"{out}: {', '.join(names)}", ok=True, head="bundled")
    elif not run.console.as_json:
        sys.stdout.write(text)
    document: documents.Bundle = {
        "after": applied[-1] if applied else None,
        "migrations": names,
        "file": out or None,
        "sql": text,
    }
    run.console.data(document)
    return text


def _split(files: tuple[Migration, ...], after: str) -> tuple[list[str], list[Migration]]:
    if after != "0" and after not in {m.version for m in files}:
        raise UsageError(
            f"there is no migration {after}", "--from names the last applied version, or 0 if there is none"
        )
    applied = [] if after == "0" else [m.version for m in files if m.version <= after]
    return applied, [m for m in files if m.version not in applied]


def _ask(run: Run, files: tuple[Migration, ...]) -> tuple[list[str], list[Migration]]:
    with connect(run.target) as connection:
        history = read_history(connection)
    pairs = pair(files, history)
    if troubles := [t for t in troubles_of(pairs) if t.pairing.state != "edited"]:
        raise HistoryError(troubles[0].cause, troubles[0].step)
    return [a.version for a in history], [p.local for p in pairs if p.local and p.state == "pending"]
