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
from pushproof.tools.supabase_cli import Cli


def cli(settings: Settings, console: Console) -> Cli:
    """The CLI to use: SUPABASE_CLI's, or else the locked one."""
    if settings.cli:
        return Cli(Path(shutil.which(settings.cli) or settings.cli), settings.project)
    locked = parts.ensure(settings, console)
    version = locked.version("@supabase/cli-{platform}")
    return Cli(
        binary=locked.cli, workdir=settings.project, known_version=version, mend=partial(parts.mend, settings, console)
    )


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
