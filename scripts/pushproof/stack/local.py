"""The target `local`: a stack of `supabase start`, whose addresses `supabase status` reports."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

from pushproof.base.console import Console
from pushproof.base.errors import UnreachableError
from pushproof.base.settings import Settings
from pushproof.target.targets import Target, parse_db_url
from pushproof.tools import parts
from pushproof.tools.config_copy import renamed, workdir_of
from pushproof.tools.supabase_cli import Cli

WARNED: set[Path] = set()  # projects with a warning in this process


def cli(settings: Settings, console: Console) -> Cli:
    """The CLI of SUPABASE_CLI, else the pinned one. It uses a copy of the project if config.toml has former names."""
    workdir = workdir_of(settings.project, settings.state_dir)
    if workdir != settings.project:
        _warn_of_former_names(settings, console)
    if settings.cli:
        return Cli(Path(shutil.which(settings.cli) or settings.cli), workdir)
    locked = parts.ensure(settings, console)
    version = locked.version("@supabase/cli-{platform}")
    return Cli(binary=locked.cli, workdir=workdir, known_version=version, mend=partial(parts.mend, settings, console))


def _warn_of_former_names(settings: Settings, console: Console) -> None:
    """Show one warning per task."""
    if settings.project not in WARNED:
        WARNED.add(settings.project)
        sections = renamed(settings.supabase_dir / "config.toml").items()
        changes = ", ".join(f"[{old}] is called [{new}] now" for old, new in sections)
        console.status(f"{changes}: rename it; until then the CLI uses a copy", head="config.toml", style="yellow")


def local(settings: Settings, console: Console) -> Target:
    """The stack of `supabase start` as a target. Raises UnreachableError if none runs."""
    status = cli(settings, console).status()
    if not status:
        raise UnreachableError(
            "no local Supabase stack runs for this project",
            "run `supabase start` first, or omit --target local: the embedded stack needs no Docker",
        )
    return Target(
        kind="local",
        url=status["API_URL"].rstrip("/"),
        publishable_key=status.get("PUBLISHABLE_KEY") or status["ANON_KEY"],
        secret_key=status.get("SECRET_KEY") or status["SERVICE_ROLE_KEY"],
        database=parse_db_url(replace(settings, db_url=status["DB_URL"], db_password="", db_ca="")),
    )
