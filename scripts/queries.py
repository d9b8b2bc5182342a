"""Named SQL files: `query("history")` is the text of scripts/queries/history.sql."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "queries"


@cache
def query(name: str) -> str:
    """The SQL of scripts/queries/`name`.sql."""
    return (FOLDER / f"{name}.sql").read_text()
