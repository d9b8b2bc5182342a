"""`pushproof types`: write Python models of the target's tables, views and functions, by the CLI."""

from __future__ import annotations

from pathlib import Path

from pushproof.proof.probing import catalog_of
from pushproof.stack import local
from pushproof.stack.run import Run
from pushproof.upkeep import generated

FILE = "database_types.py"
HEADER = '"""Models of the database, as it answers over REST. Written by `pushproof types`: do not edit."""\n\n'


def types(run: Run, *, check: bool, out: str = "") -> None:
    """Write supabase/database_types.py, or `out`; with `check`, write nothing and raise FailedError for a stale file.

    Raises FailedError also if there is no table.
    """
    catalog = catalog_of(run.settings, run.target)
    with run.console.doing("supabase gen types"):
        models = local.cli(run.settings, run.console).types(run.target, catalog.schemas)
    text = "\n".join(line.rstrip() for line in models.splitlines())
    file = Path(out) if out else run.settings.supabase_dir / FILE
    generated.keep(run, "types", {file: f"{HEADER}{text}\n"}, check=check)
