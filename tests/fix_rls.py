"""A laboratory for schemas: a database with two signed-in users, emptied for each, with the real REST server."""

from __future__ import annotations

import contextlib
import secrets
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pushproof.base.waiting import wait_until
from pushproof.proof.actors import USERS, Actors, signed_in
from pushproof.proof.asking import UNKNOWN, Actor, Request, RestApi
from pushproof.proof.catalog import Catalog, read_catalog
from pushproof.proof.cells import Cell, Kind, Probe
from pushproof.proof.clones import Clone, clones
from pushproof.proof.engine import Engine
from pushproof.proof.findings import Context, Finding, collect, triage
from pushproof.proof.intent import ActorIntent, Intent, load
from pushproof.proof.kinds import kinds
from pushproof.proof.records import connect_with_limit
from pushproof.proof.rows import Rows
from pushproof.stack import local
from pushproof.stack.run import Run
from pushproof.target.database import connect
from pushproof.tools import pgrls
from pushproof.tools.supabase_cli import Cli
from tests.fix_stack import Project

REPOSITORY = Path(__file__).parent.parent
EMPTY = REPOSITORY / "tests" / "rls" / "empty.sql"
NOTHING_YET = Catalog(("public",), {}, {}, ())
SETTLE_SECONDS = 20


def settle(connection: Any, api: RestApi, service: Actor) -> None:
    """Wait until PostgREST knows the schema as it is now, and reads it no more.

    A function that was not there before tells, and then its absence: PostgREST takes over a schema as a whole.
    """
    marker = f"pushproof_{secrets.token_hex(4)}"
    made = f"function public.{marker}()"
    request = Request("POST", f"rpc/{marker}", body={})
    steps = (
        (f"create {made} returns void language sql return null; grant execute on {made} to service_role", False),
        (f"drop {made}", True),
    )
    for sql, gone in steps:
        connection.execute(f"{sql}; notify pgrst, 'reload schema'".encode())
        assert wait_until(lambda: (api.ask(service, request).code == UNKNOWN) == gone, timeout=SETTLE_SECONDS)  # noqa: B023


@dataclass(frozen=True)
class Laboratory:
    """Builds a schema and proves it."""

    clone: Clone
    actors: Actors
    cli: Cli
    linter: Path
    folder: Path

    def build(self, *scripts: str) -> Catalog:
        """An empty project with these scripts run as `postgres`, known to the REST server."""
        admin = self.clone.admin
        with connect(replace(admin, database=replace(admin.database, name=self.clone.name))) as connection:
            connection.execute(EMPTY.read_bytes())
        for script in scripts:
            self.clone.connection.execute(script.encode())
        catalog = read_catalog(self.clone.connection, ["public"])
        settle(self.clone.connection, self.clone.probe.api, self.clone.probe.actors["service"])
        return catalog

    @contextlib.contextmanager
    def probe(self, catalog: Catalog, access: str) -> Iterator[Probe]:
        """What asks about it, with the intent in `access`."""
        file = self.folder / "access.toml"
        file.write_text(access)
        intent = load(file, catalog)
        users = {a.name: a.id for a in self.clone.probe.actors.values() if a.id}
        rows = Rows(lambda: connect_with_limit(self.clone.target), catalog, intent, users)
        rows.populate(USERS)
        try:
            yield replace(self.clone.probe, catalog=catalog, intent=intent, rows=rows)
        finally:
            rows.records.close()

    def prove(self, schema: str, access: str, *, of: dict[str, Kind] | None = None) -> list[Cell]:
        """Every cell of the schema."""
        with self.probe(self.build(schema), access) as probe:
            engine = Engine(of or kinds(), probe)
            return list(engine.run(engine.cases()))

    def cells(self, probe: Probe) -> list[Cell]:
        """Every cell, asked."""
        engine = Engine(kinds(), probe)
        return list(engine.run(engine.cases()))

    def findings(self, schema: str, access: str) -> list[Finding]:
        """What linters, our own checks and the cells say of the schema, each tried."""
        with self.probe(self.build(schema), access) as probe:
            cells = self.cells(probe)
            lint = partial(pgrls.lint, self.linter, lambda: self.clone.target, probe.catalog.schemas)
            reports = collect(self.cli, lint, self.clone.target, probe.catalog, self.clone.connection)
            return triage(Context(probe, self.actors, cells), reports)


@pytest.fixture(scope="session")
def laboratory(projects: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """One for all tests: users sign in once."""
    project = projects(empty=True)
    run = Run("", as_json=True, settings=project.settings)
    target = run.target
    files = (REPOSITORY / "tests" / "rls" / "pitfalls").glob("*.toml")
    defined = {
        name: ActorIntent(name, **table)
        for file in files
        for name, table in tomllib.loads(file.read_text()).get("actors", {}).items()
    }
    with signed_in(target, project.settings.state_dir, defined, keep=True) as actors:
        nobody = Rows(lambda: connect_with_limit(target), NOTHING_YET, Intent({}, {}), {})
        probe = Probe(NOTHING_YET, Intent({}, {}), nobody, actors.by_name, RestApi.of(target))
        cli, linter = local.cli(project.settings, run.console), pgrls.ensure(project.settings, run.console)
        with clones(run.stack, probe, 1) as made:
            run.stack.start()  # copying it stopped Auth, which claims ask
            yield Laboratory(made[0], actors, cli, linter, tmp_path_factory.mktemp("laboratory"))
