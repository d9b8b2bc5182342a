"""`invoke reset-local`: back to an empty project, migrations pushed, seed applied. Never on a remote target."""

from __future__ import annotations

from scripts import local
from scripts.boundary import Run, import_meanwhile
from scripts.commands.push import read_back
from scripts.errors import RefusedError
from scripts.migrations import check_transactions, local_migrations
from scripts.stack import section_of


def reset_local(run: Run) -> None:
    """The CLI's own reset: it removes users and whatever migrations made, then pushes and seeds.

    Raises RefusedError for a remote target, or one whose database is not on this machine, before
    anything is touched; HistoryError when the history is not what the files promise.
    """
    kind = run.settings.target
    if kind == "remote":
        raise RefusedError(
            "reset-local never touches a remote target",
            "use --target embedded or local; a hosted project stays",
        )
    files = local_migrations(run.settings.migrations_dir)
    check_transactions(files)
    target = run.target
    if not target.database.loopback:
        raise RefusedError(
            f"the {kind} target's database is on {target.database.host}, not on this machine",
            "reset-local acts on loopback only; check DB_URL of `supabase status`",
        )
    import_meanwhile("psycopg")
    with run.console.doing("supabase db reset"):
        local.cli(run.settings, run.console).reset(
            target,
            on_line=lambda line: run.console.status(f"  {line}") if "migration" in line else None,
        )
    names = [m.path.name for m in files]
    read_back(target, files, names, names)
    seed = section_of(run.settings.supabase_dir / "config.toml", "db").get("seed", {})
    seeded = seed.get("enabled", True) and (run.settings.supabase_dir / "seed.sql").exists()
    run.console.line(f"empty project, {len(files)} migrations pushed{', seed.sql run' if seeded else ''}", ok=True)
    run.console.data({"migrations": names})
