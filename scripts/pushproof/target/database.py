"""Connections to a target's database, and the errors for their failures."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import (
    CredentialsError,
    DiskFullError,
    PushproofError,
    SettingsError,
    SqlError,
    UnreachableError,
)
from pushproof.base.queries import query
from pushproof.target.api import PAUSED, RESTART, check_answer, check_keys, http_status, paused, service_headers

if TYPE_CHECKING:
    import psycopg

    from pushproof.target.targets import Target

CONNECT_SECONDS = 10
LIMIT = "15min"  # time limit of a statement, in PostgreSQL's notation
LOCK_LIMIT = "30s"  # time limit of a wait for a lock
KEEPALIVE_SECONDS = 60  # routers may drop an idle connection after some minutes, and with it the push lock
NO_DATABASE = re.compile(r'database ("[^"]*") does not exist')
FATAL = re.compile(r"FATAL:\s+(.*)")  # a message of the server, so it does answer
NO_LOGIN = "is not permitted to log in"
REFUSALS = (NO_LOGIN, "password authentication failed", "Tenant or user not found", "no password supplied", "SASL")
# Runs the deferred triggers before COMMIT, which PostgreSQL's time limits do not end.
SETTLE = "set constraints all immediate"
SHUT_DOWN = ("57P01", "57P02", "57P03")  # the server was stopped, crashed, or does not accept connections yet
ADVICE = {
    "42P01": "does an earlier migration create the relation, and is it pushed (`pushproof migrations`)? "
    "qualify its name with the schema",
    "42501": "postgres is no superuser on a hosted project: a migration cannot alter what belongs to "
    "auth, storage or supabase_admin",
    "42723": "write `create or replace function`, or drop it first when its arguments or result change",
    "42P07": "was it made in the dashboard? adopt it with `create … if not exists`, or drop what is there",
    "42710": "write `drop … if exists` before it, or leave it out",
    "2BP01": "drop its dependent objects first, by name: `cascade` may drop more than you expect",
    "0A000": "is an extension missing? the embedded PostgreSQL has only contrib's: try --target local, "
    "or a staging project with --target remote",
    "23": "rows violate the constraint: find them, fix them in this or an earlier migration, then add the constraint",
    "42601": "fix the syntax where the server stopped reading",
    "25001": "it cannot run in a transaction: give it a file, or a `pushproof execute`, of its own",
    "25006": "the session is read-only: a role or the database has default_transaction_read_only; reset it",
    "40": "another session changed or locked the same rows: run this again",
    "58": "a file of the server is missing or damaged: `pushproof doctor` names it",
    "57P01": "the connection was cut: run this again; `pushproof migrations` shows what was applied",
    "57014": "it ran into its time limit: split it, or raise statement_timeout for this session",
    "55P03": "another session holds the lock: `pushproof monitor` shows which",
    "P0001": "the SQL itself raised this: its message says why",
}
APPENDIX = "fix the SQL; https://www.postgresql.org/docs/current/errcodes-appendix.html lists every SQLSTATE"
logging.getLogger("psycopg").addHandler(logging.NullHandler())  # it would warn of connections that an interruption ends


def connect(
    target: Target, *, autocommit: bool = True, options: str = "", limit: str = LIMIT, lock: str | None = LOCK_LIMIT
) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection to the target's database; `options` are session settings in libpq's notation.

    A statement runs at most `limit` and waits at most `lock` for a lock. Raises UnreachableError, CredentialsError,
    PausedError, SettingsError or DiskFullError.
    """
    import psycopg

    database = target.database
    if target.kind != "remote":  # a role's own limit may be too short for the statement that sets ours
        options = f"{options} {options_of({'statement_timeout': limit})}"
    try:
        connection = psycopg.connect(
            psycopg.conninfo.make_conninfo(**database.tls),
            host=database.host,
            port=database.port,
            dbname=database.name,
            user=database.user,
            password=database.password,
            connect_timeout=CONNECT_SECONDS,
            keepalives_idle=KEEPALIVE_SECONDS,
            application_name="pushproof",
            options=options,
            autocommit=True,
        )
        # Not in `options`, because poolers may drop them.
        connection.execute(query("target/session_limits"), {"statement": limit, "lock": lock})
    except psycopg.OperationalError as problem:
        raise connection_error(target, str(problem)) from None
    connection.autocommit = autocommit
    return connection


def check_target(target: Target) -> None:
    """Raise an error that names the address if the database, the API or its REST server does not answer."""
    connect(target).close()
    check_keys(target)
    path = "/rest/v1/"
    check_answer(target, http_status(target.url, path, service_headers(target), method="HEAD"), path)


def options_of(settings: Mapping[str, str]) -> str:
    """Session settings as the value of libpq's `options`, for a connection or a URL."""
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def connection_error(target: Target, message: str) -> PushproofError:
    """The error for a failed connection. `message` is libpq's or the CLI's and holds no password."""
    database = target.database
    if target.kind == "remote" and http_status(target.url) == PAUSED:
        return paused()
    if any(refusal in message for refusal in REFUSALS):
        refused = "refuses the login" if NO_LOGIN in message else "refuses the password"
        return CredentialsError(
            f"{database.label} {refused} of {database.user}",
            "check SUPABASE_DB_URL (percent-encoding!), or reset the database password in the dashboard"
            if target.kind == "remote"
            else RESTART[target.kind],
        )
    if "No space left on device" in message:
        return DiskFullError(f"the disk of {database.host} is full", "free some space on it")
    if missing := NO_DATABASE.search(message):
        hint = "put its name at the end of SUPABASE_DB_URL; a hosted project's database is postgres"
        return SettingsError(
            f"there is no database {missing[1]} on {database.host}:{database.port}",
            hint if target.kind == "remote" else RESTART[target.kind],
        )
    if fatal := FATAL.search(message):
        hint = "its message says why" if target.kind == "remote" else RESTART[target.kind]
        return UnreachableError(f"{database.label} refuses the connection: {fatal[1]}", hint)
    if target.kind != "remote":
        return UnreachableError(f"{database.label} does not answer", RESTART[target.kind])
    hint = "check the host in SUPABASE_DB_URL and your network"
    if direct := re.fullmatch(r"db\.(\w+)\.supabase\.co", database.host):
        hint = (
            "the direct host is IPv6 only: from an IPv4 network use the session pooler's URL (Dashboard > Connect), "
            f"postgresql://{database.user}.{direct[1]}:…@aws-0-<region>.pooler.supabase.com:5432/{database.name}"
        )
    return UnreachableError(f"{database.label} does not answer", hint, details=message.strip())


def sql_error(sqlstate: str, message: str, *, where: str, details: str = "") -> PushproofError:
    """The error for a failed statement: `where`, the first line of the message, the SQLSTATE and the advice for it."""
    if sqlstate in SHUT_DOWN:
        return lost(where, message)
    if sqlstate == "53100" or "No space left on device" in message:
        return DiskFullError("the disk of the database server is full", "free some space, then run this again")
    hint = ADVICE.get(sqlstate) or ADVICE.get(sqlstate[:2], APPENDIX)
    cause, _, rest = message.partition("\n")
    error = SqlError(f"{where}: {cause} (SQLSTATE {sqlstate})", hint, details=f"{rest}\n{details}".strip())
    error.sqlstate, error.where = sqlstate, where
    return error


def outlived(where: str) -> SqlError:
    """The error for a statement that ran on after its time limit, until its connection was closed."""
    cause = f"{where}: a statement kept running after its time limit, so its connection was closed"
    error = SqlError(cause, "it catches query_canceled, so the server cannot cancel it: remove that handler")
    error.sqlstate, error.where = "57014", where
    return error


def lost(where: str, message: str) -> UnreachableError:
    """The error for a connection that was lost while a statement ran, by the message of libpq, server or CLI."""
    cause, _, rest = message.strip().partition("\n")
    return UnreachableError(
        f"{where}: the connection to the database was lost: {cause}",
        "check what took effect (`pushproof migrations`), then run this again",
        details=rest,
    )


def psycopg_error(problem: psycopg.Error, *, where: str, sql: str = "") -> PushproofError:
    """The error for a failed statement on our own connection; with `sql`, it names the line that the server reports.

    UnreachableError if the connection was lost, else as `sql_error`.
    """
    from psycopg import OperationalError

    diag = problem.diag
    if isinstance(problem, OperationalError) and (problem.sqlstate or SHUT_DOWN[0]) in SHUT_DOWN:
        return lost(where, diag.message_primary or str(problem))
    if sql and diag.statement_position:
        where += f" line {sql[: int(diag.statement_position)].count(chr(10)) + 1}"
    details = (diag.message_detail, diag.message_hint, diag.context)
    return sql_error(
        problem.sqlstate or "-----",
        diag.message_primary or str(problem),
        where=where,
        details="\n".join(line for line in details if line),
    )
