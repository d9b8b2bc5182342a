"""The files of supabase/bench: data/ fills the tables, samples/ select parameters, queries/ are measured.

A query's header begins with its title. These keys may follow: `as`, its role (default: authenticated); `sample`, which
fills its parameters; `index`, those it must use (`a, b | c`: a, and b or c); `p95`, its bar in ms; `grows`, why its
time grows with the table; `rest`, the same request by REST; `writes`, what it writes.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import ProjectError
from pushproof.base.queries import header_of
from pushproof.proof.asking import Request

if TYPE_CHECKING:
    import psycopg

HEADER_KEYS = ("as", "sample", "index", "p95", "grows", "rest", "writes")
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
COLUMN = re.compile(r"\{(\w+)\}")
FORM = "docs/bench.md shows the form"
Row = Mapping[str, Any]
ENOUGH, SECONDS = 20, 10  # a query is executed so often at least, and again for so long


@dataclass(frozen=True)
class Query:
    """One named query. `bar`: the most that its p95 may take, in ms, or None. `indexes`: it must use one of each."""

    name: str
    title: str
    role: str
    sample: str
    indexes: tuple[tuple[str, ...], ...]
    bar: float | None
    grows: str
    rest: str
    writes: str
    sql: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its parameters, in the order of their first use."""
        return tuple(dict.fromkeys(PLACEHOLDER.findall(self.sql)))

    @property
    def prepared(self) -> str:
        """Its SQL with $1, $2, … for the parameters."""
        return PLACEHOLDER.sub(lambda match: f"${self.names.index(match[1]) + 1}", self.sql)

    def request(self, row: Row) -> Request:
        """The same by REST, with the values of this row."""
        method, _, rest = COLUMN.sub(lambda match: str(row[match[1]]), self.rest).partition(" ")
        path, _, body = rest.partition(" ")
        return Request(method, path, body=json.loads(body) if body else None, prefer="return=minimal")

    def check(self, row: Row) -> None:
        """Raises ProjectError if a row of its sample lacks a column, or its REST body is not JSON."""
        columns = {*self.names, *COLUMN.findall(self.rest), *(["caller"] if self.rest else [])}
        if missing := sorted(columns - row.keys()):
            raise ProjectError(f"{self.name}.sql: its sample {self.sample} has no {', '.join(missing)}", FORM)
        try:
            self.request(row)
        except ValueError as problem:
            raise ProjectError(f"{self.name}.sql: the body of its `rest` is not JSON: {problem}", FORM) from None


def queries_of(folder: Path) -> tuple[Query, ...]:
    """The queries of supabase/bench, by name. Raises ProjectError if there is none, or for a bad header."""
    queries = tuple(_read(file) for file in sorted((folder / "queries").glob("*.sql")))
    if not queries:
        raise ProjectError("there is no query in supabase/bench/queries: nothing would be measured", FORM)
    if len(writing := [query.name for query in queries if query.writes]) > 1:
        raise ProjectError(f"{' and '.join(writing)} say `writes`, but only one query may", FORM)
    return queries


def _read(file: Path) -> Query:
    sql = file.read_text(encoding="utf-8")
    title, unknown, header = header_of(sql, HEADER_KEYS)
    if unknown:
        raise ProjectError(f"{file.name}: its header says `{unknown}`, which is not a known key", FORM)
    if not header["sample"] and (PLACEHOLDER.search(sql) or header["rest"]):
        raise ProjectError(f"{file.name} has parameters and no sample", FORM)
    if header["writes"] and not header["rest"]:
        raise ProjectError(f"{file.name} says `writes`, but has no `rest`", FORM)
    try:
        bar = float(header["p95"].removesuffix("ms")) if header["p95"] else None
    except ValueError:
        raise ProjectError(
            f"{file.name}: p95 is not a number of ms: {header['p95']}", "write it as `-- p95: 0.4 ms`"
        ) from None
    indexes = tuple(tuple(re.findall(r"\w+", either)) for either in header["index"].split(",") if either.strip())
    role = header["as"] or "authenticated"
    return Query(
        name=file.stem,
        title=title,
        role=role,
        sample=header["sample"],
        indexes=indexes,
        bar=bar,
        grows=header["grows"],
        rest=header["rest"],
        writes=header["writes"],
        sql=sql,
    )


class Budget:
    """Counts and times the executions of a query, each in a `with` block."""

    def __init__(self) -> None:
        self._executions, self._seconds, self._began = 0, 0.0, 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._executions, self._seconds = self._executions + 1, self._seconds + time.monotonic() - self._began

    @property
    def spent(self) -> bool:
        """Whether it was executed ENOUGH times, and for longer than SECONDS."""
        return self._executions >= ENOUGH and self._seconds > SECONDS


def data_of(folder: Path) -> list[Path]:
    """The files that fill the tables, in order. Raises ProjectError if there is none."""
    if not (files := sorted((folder / "data").glob("*.sql"))):
        raise ProjectError("there is no file in supabase/bench/data: the tables would be empty", FORM)
    return files


def sampled(
    connection: psycopg.Connection[Any],
    folder: Path,
    name: str,
    *,
    count: int,
    seed: int,
    callers: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """`count` rows of a sample, of these callers if they are given; rows repeat if it has fewer.

    Without a name, `count` empty rows. Raises ProjectError if the sample has no row or does not exist.
    """
    import itertools

    import psycopg

    if not name:
        return [{}] * count
    file = folder / "samples" / f"{name}.sql"
    if not file.exists():
        raise ProjectError(f"there is no supabase/bench/samples/{name}.sql, which a query names as its sample", FORM)
    with psycopg.ClientCursor(connection, row_factory=psycopg.rows.dict_row) as cursor:
        cursor.execute(file.read_bytes(), {"count": count, "seed": str(seed), "callers": callers})
        rows = cursor.fetchall()
    if not rows:
        raise ProjectError(
            f"supabase/bench/samples/{name}.sql selects no row: nothing would be measured", "fix its query"
        )
    return list(itertools.islice(itertools.cycle(rows), count))
