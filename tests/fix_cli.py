"""The two majors of the Supabase CLI: the locked one, and the oldest that is driven."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pushproof.base.places import cache_dir
from pushproof.base.waiting import exclusive
from pushproof.tools.parts import NPM_FLAGS, node, platform_name
from tests.fix_stack import Project

MANIFESTS = Path(__file__).parent / "oldest_cli"


@pytest.fixture(scope="session")
def oldest_cli(project: Project) -> str:
    """The binary, installed into the cache folder by its hash."""
    folder = cache_dir(project.settings) / "oldest-cli"
    binary = folder / f"node_modules/@supabase/cli-{platform_name()}/bin/supabase"
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "lock"):
        if not binary.exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(MANIFESTS / name, folder)
            npm = Path(node()).parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
            words: list[str | Path] = [
                node(),
                npm,
                "install",
                *NPM_FLAGS,
                f"--cache={folder / 'npm-cache'}",
                f"--prefix={folder}",
            ]
            subprocess.run(words, check=True, cwd=folder, env=os.environ | {"NO_COLOR": "1"}, capture_output=True)
            shutil.rmtree(folder / "npm-cache", ignore_errors=True)
    return str(binary)


@pytest.fixture(params=["2.122", "3.1"])
def either_cli(request: pytest.FixtureRequest, oldest_cli: str) -> dict[str, str]:
    """The setting that chooses it."""
    return {"SUPABASE_CLI": oldest_cli} if request.param == "2.122" else {}
