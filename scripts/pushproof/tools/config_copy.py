"""config.toml of an earlier CLI, as the CLI of today reads it: in a copy, for the project's own file is its owner's."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from pushproof.base.places import make

# Sections that the CLI renamed, and refuses by their former name: https://github.com/supabase/cli (3.0).
RENAMED = {"inbucket": "local_smtp"}


def renamed(config: Path) -> dict[str, str]:
    """The sections of this config.toml that have another name today; none where the file cannot be read."""
    text = config.read_text(encoding="utf-8") if config.is_file() else ""
    return {old: new for old, new in RENAMED.items() if _header(old).search(text) and not _header(new).search(text)}


def workdir_of(project: Path, state_dir: Path) -> Path:
    """The folder that the CLI is to work in: the project, or one in the state folder that links to all of it but
    config.toml, whose sections have the names of today.
    """
    config = project / "supabase" / "config.toml"
    names = renamed(config)
    if not names:
        return project
    text = config.read_text(encoding="utf-8")
    for old, new in names.items():
        text = _header(old).sub(rf"\g<1>{new}\g<2>", text)
    links = sorted(one for one in (project / "supabase").iterdir() if one.name not in ("config.toml", ".temp"))
    beside = sorted(project.glob(".env*"))
    known = "\n".join([text, *map(str, (*links, *beside))])
    folder = state_dir / "cli" / hashlib.sha256(known.encode()).hexdigest()[:16]
    if not folder.exists():
        make(folder.parent)
        _fill(folder, text, links, beside=beside)
    return folder


def _fill(folder: Path, text: str, links: list[Path], beside: list[Path]) -> None:
    """Whole or not at all: another task may make the same one."""
    with contextlib.ExitStack() as cleanup:
        scratch = Path(tempfile.mkdtemp(dir=folder.parent))
        cleanup.callback(shutil.rmtree, scratch, ignore_errors=True)
        (scratch / "supabase").mkdir()
        (scratch / "supabase" / "config.toml").write_text(text, encoding="utf-8")
        for one in links:
            (scratch / "supabase" / one.name).symlink_to(one)
        for one in beside:
            (scratch / one.name).symlink_to(one)
        with contextlib.suppress(OSError):  # the other one was first
            scratch.rename(folder)


def _header(section: str) -> re.Pattern[str]:
    """Of a table of this name, or of one below it."""
    return re.compile(rf"^(\s*\[\s*){section}(\s*[\].])", re.MULTILINE)
