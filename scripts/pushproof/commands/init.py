"""`pushproof init`: write the files that a project lacks; access.toml from what the API answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pushproof.base.reading import present
from pushproof.deploy.pushing import push
from pushproof.migrations.files import local_migrations
from pushproof.migrations.gate import refuse_production
from pushproof.proof.intent import FILE
from pushproof.proof.probing import MAKES_ROWS
from pushproof.proof.proposing import propose
from pushproof.stack.run import Run
from pushproof.upkeep.scaffold import write_missing

if TYPE_CHECKING:
    from pushproof.base import documents

IMPORT = "from pushproof.tasks import ns"


def init(run: Run) -> None:
    """Write the files that the project lacks, leave the others unchanged, then push and propose an access.toml.

    Raises OSError for a folder that is not writable, and what `push` and `propose` raise; RefusedError on production
    before it pushes.
    """
    console, access = run.console, run.settings.supabase_dir / FILE
    written = []
    for path, is_new in write_missing(run.settings.project):
        console.line(f"wrote {path}" if is_new else f"{path} is there already, and stays", ok=is_new or None)
        written += [path] if is_new else []
    if not _has_tasks(run.settings.project / "tasks.py"):
        console.line(f"with `{IMPORT}` in it, `invoke TASK` does what `pushproof TASK` does", head="tasks.py:")
    if present(access):
        console.line(f"supabase/{FILE} is there already, and stays")
    elif not local_migrations(run.settings.migrations_dir):
        console.line("once there are migrations, `pushproof rls --init` proposes it", head=f"supabase/{FILE}:")
    else:
        refuse_production(run.settings, MAKES_ROWS)
        push(run)
        propose(run)
        written.append(f"supabase/{FILE}")
    console.line("`pushproof smoke` runs checks and tests, `pushproof rls` proves who can do what", head="next:")
    document: documents.Init = {"written": written}
    console.data(document)


def _has_tasks(file: Path) -> bool:
    return "pushproof.tasks" in file.read_text(encoding="utf-8", errors="replace")
