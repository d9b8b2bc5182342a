"""Prepares a target for the proof (catalog, signed-in actors with rows of their own) and asks its cells."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from pushproof.base.console import Console
from pushproof.base.errors import FailedError
from pushproof.base.interruptions import undisturbed
from pushproof.base.settings import Settings
from pushproof.proof.actors import USERS, Actors, signed_in
from pushproof.proof.asking import RestApi
from pushproof.proof.catalog import Catalog, read_catalog
from pushproof.proof.cells import Case, Cell, Probe
from pushproof.proof.engine import Engine
from pushproof.proof.intent import Intent
from pushproof.proof.records import connect_with_limit
from pushproof.proof.rows import Rows
from pushproof.stack.embedded import api_of
from pushproof.target.database import connect
from pushproof.target.targets import Target

MAKES_ROWS = "the proof makes users and rows"


def catalog_of(settings: Settings, target: Target) -> Catalog:
    """The catalog of the target. Raises FailedError if it has no exposed relation."""
    schemas = api_of(settings.supabase_dir / "config.toml").schemas
    with connect(target) as connection:
        catalog = read_catalog(connection, schemas)
    if not catalog.exposed:
        raise FailedError(
            f"no relation in {', '.join(schemas)}: nothing would be proved",
            "`pushproof push` the migrations first; [api] schemas of config.toml names other schemas than public",
        )
    return catalog


@contextlib.contextmanager
def probing(
    settings: Settings,
    target: Target,
    catalog: Catalog,
    intent: Intent,
    *,
    keep: bool = False,
    check: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Probe, Actors]]:
    """A probe with signed-in actors who have rows of their own; they are removed on exit, also after an error.

    `keep` leaves them, for a target that is deleted afterwards. `check` raises if a service of the target has died.
    """
    with signed_in(target, settings.state_dir, intent.actors, keep=keep) as actors:
        rows = Rows(
            lambda: connect_with_limit(target),
            catalog,
            intent,
            users={a.name: a.id for a in actors.by_name.values() if a.id},
        )
        try:
            rows.populate(USERS)
            yield (
                Probe(catalog=catalog, intent=intent, rows=rows, actors=actors.by_name, api=RestApi.of(target, check)),
                actors,
            )
        finally:
            with undisturbed():
                rows.records.close() if keep else rows.clean()


def ask(console: Console, engine: Engine, cases: Sequence[Case]) -> list[Cell]:
    """Ask these cases, with progress on a terminal, and return their cells."""
    total = sum(len(c.expected) for c in cases)
    cells: list[Cell] = []
    with console.progress("Asking", total=total, unit="cells") as advance:
        for cell in engine.run(cases):
            cells.append(cell)
            advance(len(cells))
    return cells
