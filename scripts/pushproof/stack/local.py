"""The target `local`: a stack that `supabase start` runs, found by `supabase status`."""

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

WARNED: set[Path] = set()  # projects


def cli(settings: Settings, console: Console) -> Cli:
    """The CLI to use: SUPABASE_CLI's, or else the pinned one. It reads a config.toml of an earlier one in a copy."""
    workdir = workdir_of(settings.project, settings.state_dir)
    if workdir != settings.project:
        _warn_of_names(settings, console)
    if settings.cli:
        return Cli(Path(shutil.which(settings.cli) or settings.cli), workdir)
    locked = parts.ensure(settings, console)
    version = locked.version("@supabase/cli-{platform}")
    return Cli(binary=locked.cli, workdir=workdir, known_version=version, mend=partial(parts.mend, settings, console))


def _warn_of_names(settings: Settings, console: Console) -> None:
    """Once a task."""
    if settings.project not in WARNED:
        WARNED.add(settings.project)
        names = renamed(settings.supabase_dir / "config.toml").items()
        words = ", ".join(f"[{old}] is called [{new}] now" for old, new in names)
        console.status(f"{words}: rename it; until then the CLI is given a copy", head="config.toml", style="yellow")


def local(settings: Settings, console: Console) -> Target:
    """The stack of `supabase start`. Raises UnreachableError where none runs."""
    found = cli(settings, console).status()
    if not found:
        raise UnreachableError(
            "no local Supabase stack runs for this project",
            "run `supabase start` first, or leave out --target local: the embedded stack needs no Docker",
        )
    return Target(
        kind="local",
        url=found["API_URL"].rstrip("/"),
        publishable_key=found.get("PUBLISHABLE_KEY") or found["ANON_KEY"],
        secret_key=found.get("SECRET_KEY") or found["SERVICE_ROLE_KEY"],
        database=parse_db_url(replace(settings, db_url=found["DB_URL"], db_password="", db_ca="")),
    )
