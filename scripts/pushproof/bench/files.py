"""The files of supabase/bench: data/ fills the tables, samples/ say whom and what to ask about, queries/ are measured.

After its title a query's header may say `as` which role it is asked (authenticated), which `sample` fills its
parameters, each `index` it is meant to use (`a, b | c`: a, and b or c), its bar as `p95` in ms, why its time `grows`
with the table, the same question by `rest`, and that it `writes`.
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

KEYS = ("as", "sample", "index", "p95", "grows", "rest", "writes")
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
OF_ROW = re.compile(r"\{(\w+)\}")
FILL = "docs/bench.md shows the form"
Row = Mapping[str, Any]
ENOUGH, SECONDS = 20, 10  # executions of a query, and how long more of them may take


@dataclass(frozen=True)
class Query:
    """One named query. `bar` is what its p95 may take, in ms; None where nothing is promised.

    `indexes` are those it must use, each with the others that would do.
    """

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
        """Its parameters, in the order of their first use."""
        return tuple(dict.fromkeys(PLACEHOLDER.findall(self.sql)))

    @property
    def prepared(self) -> str:
        """Its text with $1, $2, … for the parameters."""
        return PLACEHOLDER.sub(lambda found: f"${self.names.index(found[1]) + 1}", self.sql)

    def request(self, row: Row) -> Request:
        """The same by REST, about this row."""
        method, _, rest = OF_ROW.sub(lambda found: str(row[found[1]]), self.rest).partition(" ")
        path, _, body = rest.partition(" ")
        return Request(method, path, body=json.loads(body) if body else None, prefer="return=minimal")

    def check(self, row: Row) -> None:
        """Raises ProjectError where a row of its sample lacks what it asks for, or its body by REST is no JSON."""
        wanted = {*self.names, *OF_ROW.findall(self.rest), *(["caller"] if self.rest else [])}
        if lacking := sorted(wanted - row.keys()):
            raise ProjectError(f"{self.name}.sql: its sample {self.sample} has no {', '.join(lacking)}", FILL)
        try:
            self.request(row)
        except ValueError as problem:
            raise ProjectError(f"{self.name}.sql: the body of its `rest` is not JSON: {problem}", FILL) from None


def queries_of(folder: Path) -> tuple[Query, ...]:
    """Those of supabase/bench, by name. Raises ProjectError where there is none, or one says nothing useful."""
    found = tuple(_read(file) for file in sorted((folder / "queries").glob("*.sql")))
    if not found:
        raise ProjectError("there is no query in supabase/bench/queries: nothing would be measured", FILL)
    if len(writing := [one.name for one in found if one.writes]) > 1:
        raise ProjectError(f"{' and '.join(writing)} both say `writes`: one is measured", FILL)
    return found


def _read(file: Path) -> Query:
    sql = file.read_text(encoding="utf-8")
    title, odd, said = header_of(sql, KEYS)
    if odd:
        raise ProjectError(f"{file.name}: its header says `{odd}`, which means nothing", FILL)
    if not said["sample"] and (PLACEHOLDER.search(sql) or said["rest"]):
        raise ProjectError(f"{file.name} has parameters and no sample", FILL)
    if said["writes"] and not said["rest"]:
        raise ProjectError(f"{file.name} says `writes` and not by which `rest`", FILL)
    try:
        bar = float(said["p95"].removesuffix("ms")) if said["p95"] else None
    except ValueError:
        raise ProjectError(
            f"{file.name}: p95 is not a number of ms: {said['p95']}", "write it as `-- p95: 0.4 ms`"
        ) from None
    indexes = tuple(tuple(re.findall(r"\w+", either)) for either in said["index"].split(",") if either.strip())
    role = said["as"] or "authenticated"
    return Query(
        name=file.stem,
        title=title,
        role=role,
        sample=said["sample"],
        indexes=indexes,
        bar=bar,
        grows=said["grows"],
        rest=said["rest"],
        writes=said["writes"],
        sql=sql,
    )


class Budget:
    """ENOUGH executions of a query, each within a `with`, and more of them until SECONDS of them are over."""

    def __init__(self) -> None:
        self._executions, self._seconds, self._began = 0, 0.0, 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._executions, self._seconds = self._executions + 1, self._seconds + time.monotonic() - self._began

    @property
    def spent(self) -> bool:
        """Whether it was executed often enough."""
        return self._executions >= ENOUGH and self._seconds > SECONDS


def data_of(folder: Path) -> list[Path]:
    """What fills the tables, in the order of its numbers. Raises ProjectError where there is nothing."""
    if not (found := sorted((folder / "data").glob("*.sql"))):
        raise ProjectError(
            "there is no supabase/bench/data: empty tables prove no index", "docs/bench.md shows the form"
        )
    return found


def sampled(
    connection: psycopg.Connection[Any],
    folder: Path,
    name: str,
    *,
    count: int,
    seed: int,
    callers: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """As many rows of a sample, of these callers where they are given; they repeat where it has fewer.

    Raises ProjectError where it has none.
    """
    import itertools

    import psycopg

    if not name:
        return [{}] * count
    file = folder / "samples" / f"{name}.sql"
    if not file.exists():
        raise ProjectError(f"there is no supabase/bench/samples/{name}.sql, which a query asks for", "write it")
    with psycopg.ClientCursor(connection, row_factory=psycopg.rows.dict_row) as cursor:
        cursor.execute(file.read_bytes(), {"count": count, "seed": str(seed), "callers": callers})
        found = cursor.fetchall()
    if not found:
        raise ProjectError(f"supabase/bench/samples/{name}.sql finds no row: nothing would be measured", "mend it")
    return list(itertools.islice(itertools.cycle(found), count))
