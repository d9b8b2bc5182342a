"""A copy of a config.toml of an earlier CLI with the section names of the current CLI. The original is not changed."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from pushproof.base.places import make

# Sections that the CLI renamed; it rejects the former names: https://github.com/supabase/cli (3.0).
RENAMED = {"inbucket": "local_smtp"}


def renamed(config: Path) -> dict[str, str]:
    """The sections of this config.toml that have a new name: former name to new name; empty if there is no file."""
    text = config.read_text(encoding="utf-8") if config.is_file() else ""
    return {old: new for old, new in RENAMED.items() if _header(old).search(text) and not _header(new).search(text)}


def workdir_of(project: Path, state_dir: Path) -> Path:
    """The folder that the CLI works in: the project, or a copy in the state folder if config.toml has former names.

    In the copy, config.toml has the new names, and all other entries are links to the project.
    """
    config = project / "supabase" / "config.toml"
    sections = renamed(config)
    if not sections:
        return project
    text = config.read_text(encoding="utf-8")
    for old, new in sections.items():
        text = _header(old).sub(rf"\g<1>{new}\g<2>", text)
    entries = sorted(file for file in (project / "supabase").iterdir() if file.name not in ("config.toml", ".temp"))
    env_files = sorted(project.glob(".env*"))
    content = "\n".join([text, *map(str, (*entries, *env_files))])
    folder = state_dir / "cli" / hashlib.sha256(content.encode()).hexdigest()[:16]
    if not folder.exists():
        make(folder.parent)
        _fill(folder, text, entries, env_files=env_files)
    return folder


def _fill(folder: Path, text: str, entries: list[Path], env_files: list[Path]) -> None:
    """Make the copy, whole or not at all. Another task may make the same one at the same time."""
    with contextlib.ExitStack() as cleanup:
        scratch = Path(tempfile.mkdtemp(dir=folder.parent))
        cleanup.callback(shutil.rmtree, scratch, ignore_errors=True)
        (scratch / "supabase").mkdir()
        (scratch / "supabase" / "config.toml").write_text(text, encoding="utf-8")
        for entry in entries:
            (scratch / "supabase" / entry.name).symlink_to(entry)
        for file in env_files:
            (scratch / file.name).symlink_to(file)
        with contextlib.suppress(OSError):  # another task was first
            scratch.rename(folder)


def _header(section: str) -> re.Pattern[str]:
    """Matches the header of the table `section`, or of a table in it."""
    return re.compile(rf"^(\s*\[\s*){section}(\s*[\].])", re.MULTILINE)
