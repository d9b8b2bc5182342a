"""`pushproof reset-local`: empty the project, push the migrations and run the seeds. Never on a remote target."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING

from pushproof.base.console import Console
from pushproof.base.errors import ProjectError, RefusedError
from pushproof.base.preload import import_meanwhile
from pushproof.base.queries import query
from pushproof.base.reading import text_of
from pushproof.base.settings import Settings
from pushproof.migrations.applying import check_enabled, read_back
from pushproof.migrations.files import check_contents, local_migrations
from pushproof.migrations.gate import alone, in_turn
from pushproof.stack import local, snapshots
from pushproof.stack.embedded import api_of, section_of
from pushproof.stack.run import Run
from pushproof.target.database import connect

if TYPE_CHECKING:
    from pushproof.base import documents


@in_turn("reset-local")
def reset_local(run: Run) -> None:
    """Run the CLI's reset, which removes users and all that migrations made, then pushes and seeds.

    On the embedded stack the result is kept, and the next reset of the same files copies it. Raises RefusedError for a
    remote target, or if the database is not on this machine, before any change; ProjectError for bad files;
    HistoryError if the history then does not match the files.
    """
    kind = run.settings.target
    if kind == "remote":
        raise RefusedError(
            "reset-local never touches a remote target",
            "use --target embedded or local",
        )
    files = local_migrations(run.settings.migrations_dir)
    check_contents(files)
    check_enabled(run.settings)
    seeds = seeds_of(run.settings, run.console)
    target = run.target
    if not target.database.loopback:
        raise RefusedError(
            f"the {kind} target's database is on {target.database.host}, not on this machine",
            "reset-local acts on loopback only; check DB_URL of `supabase status`",
        )
    import_meanwhile("psycopg")
    if kind == "embedded":
        stack = run.stack
        if stack.is_outdated() or not (stack.has_new_roles() or snapshots.exists(stack)):
            stack.renew()
    names = [m.path.name for m in files]
    with connect(target) as connection, alone(connection, run.console):  # a push may know only this address
        copied = kind == "embedded" and snapshots.restore(run.stack)
        if not copied:
            _by_cli(run)
    with connect(target) as connection:
        read_back(connection, files, names, reported=names)
    if kind == "embedded" and not copied:
        snapshots.keep(run.stack)
    how = " (copied: the same files as at the last reset)" if copied else ""
    ran = f", {', '.join(seeds)} run" if seeds else ""
    run.console.line(f"empty project, {len(files)} migrations pushed{ran}{how}", ok=True)
    document: documents.Reset = {"migrations": names, "seeds": seeds, "copied": copied}
    run.console.data(document)


def seeds_of(settings: Settings, console: Console) -> list[str]:
    """The files that the CLI seeds from, relative to supabase/: `[db.seed]` of config.toml; paths may be patterns.

    Warns of a path that matches no file. Raises ProjectError for a bad list or an unreadable file.
    """
    seed = section_of(settings.supabase_dir / "config.toml", "db").get("seed", {})
    if not isinstance(seed, dict) or not seed.get("enabled", True):
        return []
    given = seed.get("sql_paths", ["./seed.sql"])
    paths = [given] if isinstance(given, str) else given
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise ProjectError(
            "db.seed.sql_paths of supabase/config.toml is not a list of paths", 'write it as ["./seed.sql"]'
        )
    folder, seeds = settings.supabase_dir, dict[str, None]()
    for path in paths:
        # Path.glob raises for a pattern that is empty or not relative.
        names = sorted(glob.glob(path, root_dir=folder))  # noqa: PTH207
        files = [os.path.normpath(name) for name in names if not (folder / name).is_dir()]
        for file in files:
            text_of(folder / file, ProjectError)  # the CLI would block on a pipe
        if not files and "sql_paths" in seed:
            console.status(f"{path} of db.seed.sql_paths matches no file", head="seed", style="yellow")
        seeds |= dict.fromkeys(files)
    return [*seeds]


def _by_cli(run: Run) -> None:
    exposes = api_of(run.settings.supabase_dir / "config.toml").auto_expose_new_tables
    with connect(run.target) as connection:
        connection.execute(query("commands/empty_storage"))
        if run.settings.target == "embedded" and exposes:
            connection.execute(query("migrations/auto_expose"))
    with run.console.doing("supabase db reset"):
        local.cli(run.settings, run.console).reset(
            run.target,
            on_line=lambda line: run.console.status(f"  {line}") if "migration" in line else None,
        )
