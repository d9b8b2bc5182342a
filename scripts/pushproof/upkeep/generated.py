"""Files that are generated from the target's catalog and committed: write them, or check that they are current."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pushproof.base.errors import FailedError, ProjectError
from pushproof.base.reading import present, text_of
from pushproof.stack.run import Run

if TYPE_CHECKING:
    from pushproof.base import documents

SHOWN = 40  # lines of the difference


def keep(run: Run, task: str, texts: Mapping[Path, str], *, check: bool) -> None:
    """Write the files whose text has changed. With `check`, write nothing and raise FailedError if a file is stale.

    The details of the error are the difference. Raises ProjectError for a file that is not text.
    """
    formers = {file: text_of(file, ProjectError) if present(file) else "" for file in texts}
    stale = [file for file, text in texts.items() if formers[file] != text]
    document: documents.Generated = {"files": [str(file) for file in texts], "stale": [str(file) for file in stale]}
    run.console.data(document)
    if check and stale:
        lines = [line for file in stale for line in _difference(file, formers[file], texts[file])]
        raise FailedError(
            f"stale: {', '.join(str(file) for file in stale)}",
            f"`pushproof {task}` updates it: review the change, and commit it",
            details="\n".join(lines[:SHOWN] + [f"… and {len(lines) - SHOWN} lines more"] * (len(lines) > SHOWN)),
        )
    for file, text in texts.items():
        if file in stale:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        run.console.line(str(file), ok=True, head="wrote" if file in stale else "up to date")


def _difference(file: Path, former: str, text: str) -> list[str]:
    return list(difflib.unified_diff(former.splitlines(), text.splitlines(), str(file), "the target", n=1, lineterm=""))
