"""Copies of a migrated database, each with a REST server of its own."""

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
from pushproof.proof.records import connect_with_limit
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
    """One copy of the database: asks it and restores it."""

    name: str
    target: Target
    admin: Target
    probe: Probe
    model: Rows
    checks: Sequence[Path]
    project: Path
    tests: Path
    check: Callable[[], None]  # raises StackError if a service that the copy needs has died
    baseline: str = ""
    _open: list[psycopg.Connection[Any]] = field(default_factory=list)

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """A connection as `postgres`, who owns what the migrations made."""
        if not self._open:
            self._open.append(connect(self.target))
        return self._open[0]

    def fingerprint(self) -> str:
        """A digest of everything that a mutant can change."""
        row = self.connection.execute(query("proof/fingerprint"), {"schemas": [*self.probe.catalog.schemas]}).fetchone()
        return str(row[0]) if row else ""

    def verdicts(self) -> Iterator[CheckResult]:
        """The results of the project's checks, one by one."""
        return map(self.verdict, self.checks)

    def verdict(self, file: Path) -> CheckResult:
        """The result of one check."""
        return result_of(self.connection, file)

    def mend(self, script: str) -> None:
        """Undo a mutant; if that does not restore the baseline, copy the database again."""
        import psycopg

        with contextlib.suppress(psycopg.Error), self.connection.transaction():
            self.connection.execute(script.encode())
        if self.fingerprint() != self.baseline:
            self.renew()
        self.probe.rows.refresh()

    def renew(self) -> None:
        """Replace the database with a new copy; the REST server reconnects by itself."""
        self.close()
        with connect(self.admin) as admin:
            admin.execute(f"drop database if exists {self.name} with (force)".encode())
            admin.execute(f"create database {self.name} template {DATABASE} owner postgres".encode())
        self.probe.rows.adopt(self.model)

    def close(self) -> None:
        """Close our connections to it."""
        self.probe.rows.records.close()
        while self._open:
            self._open.pop().close()


@contextlib.contextmanager
def clones(stack: Stack, probe: Probe, count: int, *, with_auth: bool = False) -> Iterator[list[Clone]]:
    """Make `count` copies of the stack's database. Its REST server and Auth are stopped: a template has no connections.

    `with_auth` puts a gateway with Auth in front of each copy, which makes it a target of its own.
    Raises StackError if there is no PostgREST for the platform.
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
    copies: list[Clone] = []
    services: list[Service] = []
    # A log folder of their own: a starting stack ends other processes that write to its logs.
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
            numbered=with_auth,
            name=f"postgrest_{number}",
            needs=(),
        )
        services.append(rest)
        if with_auth:
            shared = (parts, api_port, socket, base.database.port, api.schemas, state.passwords, state.secrets)
            anonymous = takes_anonymous(stack.settings.supabase_dir / "config.toml")
            services.append(Origin(*shared, anonymous, database=name, name=f"origin_{number}", needs=(rest.name,)))
        copy_probe = _probe(probe, target, RestApi.at(socket, target, check), secrets=state.secrets)
        copies.append(
            Clone(
                name=name,
                target=target,
                admin=admin,
                probe=copy_probe,
                model=probe.rows,
                checks=checks,
                project=stack.settings.project,
                tests=stack.settings.tests_dir,
                check=check,
            )
        )
    try:
        for clone in copies:
            clone.renew()
        supervisor.start()
        yield copies
    finally:
        for clone in copies:
            clone.close()
        supervisor.stop()


def _probe(probe: Probe, target: Target, api: RestApi, secrets: dict[str, str]) -> Probe:
    """A probe of the copy. Its REST server has no gateway, so the service key's role is sent as a token."""
    actors = {name: _direct(actor, secrets) for name, actor in probe.actors.items()}
    users = {a.name: a.id for a in actors.values() if a.id}
    rows = Rows(lambda: connect_with_limit(target), probe.catalog, probe.intent, users=users)
    return replace(probe, rows=rows, actors=actors, api=api)


def _direct(actor: Actor, secrets: dict[str, str]) -> Actor:
    if actor.name == "anon":
        return replace(actor, headers={})
    if actor.name == "service":
        return replace(actor, headers={"Authorization": f"Bearer {secrets['service_role_key']}"})
    return replace(actor, headers={"Authorization": actor.headers["Authorization"]})
