"""Copies of one migrated database, each with a REST server of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import ProjectError, StackError
from pushproof.base.queries import query
from pushproof.base.reading import sql_files
from pushproof.checks.promises import CheckResult, result_of
from pushproof.proof.asking import Actor, RestApi
from pushproof.proof.cells import Probe
from pushproof.proof.records import impatient
from pushproof.proof.rows import Rows
from pushproof.stack.embedded import Stack, api_of, takes_anonymous
from pushproof.stack.services.base import HOST, Service, free_port
from pushproof.stack.services.origin import Origin
from pushproof.stack.services.postgres import DATABASE
from pushproof.stack.services.postgrest import Postgrest
from pushproof.stack.supervisor import Supervisor
from pushproof.target.database import connect
from pushproof.target.targets import Target

if TYPE_CHECKING:
    import psycopg


@dataclass
class Clone:
    """One copy: how to ask it, and how to get it back to what it was."""

    name: str
    target: Target
    admin: Target
    probe: Probe
    model: Rows
    checks: Sequence[Path]
    project: Path
    tests: Path
    check: Callable[[], None]  # raises StackError where a service died on which an answer of the copy rests
    baseline: str = ""
    _open: list[psycopg.Connection[Any]] = field(default_factory=list)

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """As `postgres`, who owns what the migrations made."""
        if not self._open:
            self._open.append(connect(self.target))
        return self._open[0]

    def fingerprint(self) -> str:
        """Of everything that a mutant can touch."""
        found = self.connection.execute(
            query("proof/fingerprint"), {"schemas": [*self.probe.catalog.schemas]}
        ).fetchone()
        return str(found[0]) if found else ""

    def verdicts(self) -> Iterator[CheckResult]:
        """The project's checks, one by one."""
        return map(self.verdict, self.checks)

    def verdict(self, file: Path) -> CheckResult:
        """That of one check."""
        return result_of(self.connection, file)

    def mend(self, script: str) -> None:
        """Undo a mutant; where that does not lead back to the baseline, copy the database anew."""
        import psycopg

        with contextlib.suppress(psycopg.Error), self.connection.transaction():
            self.connection.execute(script.encode())
        if self.fingerprint() != self.baseline:
            self.renew()
        self.probe.rows.refresh()

    def renew(self) -> None:
        """Replace the database by a new copy; the REST server connects again by itself."""
        self.close()
        with connect(self.admin) as admin:
            admin.execute(f"drop database if exists {self.name} with (force)".encode())
            admin.execute(f"create database {self.name} template {DATABASE} owner postgres".encode())
        self.probe.rows.adopt(self.model)

    def close(self) -> None:
        """End our connections to it."""
        self.probe.rows.records.close()
        while self._open:
            self._open.pop().close()


@contextlib.contextmanager
def clones(stack: Stack, probe: Probe, count: int, *, with_auth: bool = False) -> Iterator[list[Clone]]:
    """Copies of the stack's database; its own REST server and Auth are stopped, for nobody may be connected to it.

    `with_auth` puts a gateway with Auth in front of each, which makes it a target of its own.
    Raises StackError where there is no PostgREST for the platform.
    """
    from pushproof.tools import parts as npm

    parts = npm.locate(stack.settings)
    if not parts.postgrest:
        raise StackError(f"there is no PostgREST for {npm.platform_name()}", "run mutate on a platform that has one")
    probe.rows.records.close()
    stack.stop(("origin", "postgrest"))
    base, state, admin = stack.target(), stack.state, stack.admin()
    checks = sql_files(stack.settings.supabase_dir / "checks", ProjectError)
    api = api_of(stack.settings.supabase_dir / "config.toml")
    made: list[Clone] = []
    services: list[Service] = []
    # Logs of their own: whatever else writes to the stack's is ended as a stray when it starts.
    supervisor = Supervisor(services=services, logs=stack.folder / "copies", running={}, on_change=lambda: None)

    def check() -> None:
        stack.check()
        supervisor.check()

    for number in range(count):
        name, socket, api_port = f"mutant_{number}", stack.rest_socket.with_name(f"mutant_{number}"), free_port()
        target = replace(base, url=f"http://{HOST}:{api_port}", database=replace(base.database, name=name))
        rest = Postgrest(
            binary=parts.postgrest,
            socket=socket,
            admin_port=free_port(),
            public_url=target.url,
            database_port=base.database.port,
            api=api,
            password=state.passwords["authenticator"],
            jwt_secret=state.secrets["jwt_secret"],
            database=name,
            name=f"postgrest_{number}",
            needs=(),
        )
        services.append(rest)
        if with_auth:
            known = (parts, api_port, socket, base.database.port, api.schemas, state.passwords, state.secrets)
            anonymous = takes_anonymous(stack.settings.supabase_dir / "config.toml")
            services.append(Origin(*known, anonymous, database=name, name=f"origin_{number}", needs=(rest.name,)))
        asking = _probe(probe, target, RestApi.at(socket, target, check), secrets=state.secrets)
        made.append(
            Clone(
                name=name,
                target=target,
                admin=admin,
                probe=asking,
                model=probe.rows,
                checks=checks,
                project=stack.settings.project,
                tests=stack.settings.tests_dir,
                check=check,
            )
        )
    try:
        for clone in made:
            clone.renew()
        supervisor.start()
        yield made
    finally:
        for clone in made:
            clone.close()
        supervisor.stop()


def _probe(probe: Probe, target: Target, api: RestApi, secrets: dict[str, str]) -> Probe:
    """The same questions to a copy, whose REST server has no gateway: the key's role travels as a token."""
    actors = {name: _direct(actor, secrets) for name, actor in probe.actors.items()}
    users = {a.name: a.id for a in actors.values() if a.id}
    rows = Rows(lambda: impatient(target), probe.catalog, probe.intent, users=users)
    return replace(probe, rows=rows, actors=actors, api=api)


def _direct(actor: Actor, secrets: dict[str, str]) -> Actor:
    if actor.name == "anon":
        return replace(actor, headers={})
    if actor.name == "service":
        return replace(actor, headers={"Authorization": f"Bearer {secrets['service_role_key']}"})
    return replace(actor, headers={"Authorization": actor.headers["Authorization"]})
