"""A target put to the question: its catalog read, actors signed in with rows of their own, cells asked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from pushproof.base.errors import FailedError
from pushproof.base.interruptions import undisturbed
from pushproof.proof.actors import USERS, Actors, signed_in
from pushproof.proof.asking import RestApi
from pushproof.proof.catalog import Catalog, read_catalog
from pushproof.proof.cells import Case, Cell, Probe
from pushproof.proof.engine import Engine
from pushproof.proof.intent import Intent
from pushproof.proof.records import impatient
from pushproof.proof.rows import Rows
from pushproof.stack.embedded import api_of
from pushproof.stack.run import Run
from pushproof.target.database import connect

MAKES_ROWS = "the proof makes users and rows"


def catalog_of(run: Run) -> Catalog:
    """The target's catalog. Raises FailedError where there is nothing to ask about."""
    schemas = api_of(run.settings.supabase_dir / "config.toml").schemas
    with connect(run.target) as connection:
        catalog = read_catalog(connection, schemas)
    if not catalog.exposed:
        raise FailedError(
            f"no relation in {', '.join(schemas)}: nothing would be proved",
            "`pushproof push` the migrations first; [api] schemas of config.toml names other schemas than public",
        )
    return catalog


@contextlib.contextmanager
def probing(run: Run, catalog: Catalog, intent: Intent, *, keep: bool = False) -> Iterator[tuple[Probe, Actors]]:
    """Signed-in actors with rows of their own; whatever happens, all of it is removed in the end.

    `keep` leaves them: the whole target is about to go.
    """
    target = run.target
    with signed_in(target, run.settings.state_dir, intent.actors, keep=keep) as actors:
        rows = Rows(lambda: impatient(target), catalog, intent, {a.name: a.id for a in actors.by_name.values() if a.id})
        try:
            rows.populate(USERS)
            yield Probe(catalog, intent, rows, actors.by_name, RestApi.of(target, run.check)), actors
        finally:
            with undisturbed():
                rows.records.close() if keep else rows.clean()


def ask(run: Run, engine: Engine, cases: Sequence[Case]) -> list[Cell]:
    """The cells of these cases; progress on a terminal."""
    total = sum(len(c.expected) for c in cases)
    cells: list[Cell] = []
    with run.console.progress("Asking", total=total, unit="cells") as advance:
        for cell in engine.run(cases):
            cells.append(cell)
            advance(len(cells))
    return cells
