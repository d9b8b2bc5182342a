"""Fill the tables from supabase/bench/data: the same rows for the same seed, with times relative to today."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from pushproof.target.database import connect, psycopg_error
from pushproof.target.targets import Target

BLOCK = 10_000  # rows of the largest table: the smallest size, and the step
PART = 50_000  # rows of one statement
PARALLEL = 2  # statements at once


def fill(target: Target, files: list[Path], seed: int, former: int, rows: int, advance: Callable[[int], None]) -> None:
    """Grow the largest table from `former` to `rows` rows. `advance` gets the number of rows so far.

    Each file runs once; a file with %(part)s runs once a part, PARALLEL at a time. Constraints, triggers and indexes
    are in force. Raises SqlError.
    """
    parts = -(-(rows - former) // PART)
    values = {"seed": seed, "first": former // BLOCK, "last": rows // BLOCK - 1, "part": 0, "parts": parts}
    done = former
    with ThreadPoolExecutor(PARALLEL) as pool:
        for file in files:
            run = partial(_run, target, file)
            if "%(part)s" not in file.read_text(encoding="utf-8"):
                run(values)
                continue
            for _ in pool.map(run, [values | {"part": part} for part in range(parts)]):
                done += (rows - former) // parts
                advance(done)
    with connect(target, limit="0") as connection:
        connection.execute("vacuum (analyze)")


def _run(target: Target, file: Path, values: dict[str, Any]) -> None:
    import psycopg

    try:
        with connect(target, limit="0") as connection, psycopg.ClientCursor(connection) as cursor:
            cursor.execute(file.read_bytes(), values)
    except psycopg.Error as problem:
        raise psycopg_error(problem, where=f"bench/data/{file.name}") from None
