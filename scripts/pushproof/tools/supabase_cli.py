"""The Supabase CLI, v2 and v3. Only this module knows its commands, flags and errors.

https://supabase.com/docs/reference/cli. It writes messages to standard error and its result as JSON to standard output.
Exit code 0 does not prove success: callers check the result on the target.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pushproof.base import process
from pushproof.base.errors import HistoryError, PartsError, ProjectError, PushproofError, SqlError
from pushproof.target.database import (
    LIMIT,
    REFUSALS,
    SHUT_DOWN,
    connection_error,
    lost,
    options_of,
    outlived,
    sql_error,
)
from pushproof.target.overdue import sessions_watched
from pushproof.target.targets import Target

OLDEST = (2, 122)
KNOWN_MAJORS = (2, 3)
STARTED = re.compile(r"(?:Applying migration|Seeding data from) (\S+?)\.\.\.")
SQLSTATE = re.compile(r"^(?:ERROR|FATAL): (?P<message>.*?) \(SQLSTATE (?P<state>\w{5})\)$", re.MULTILINE | re.DOTALL)
STATEMENT = re.compile(r"^At statement: (?P<number>\d+)$", re.MULTILINE)
CONNECTION_LOST = ("Connection terminated unexpectedly", *SHUT_DOWN)
UNREACHABLE = ("failed to connect", "ECONNREFUSED", "ENOTFOUND", "ETIMEDOUT", "ENETUNREACH", "EAI_AGAIN")
BAD_CONFIG = ("CliConfigValueError", "DbConfigLoadError")
REINSTALLED = "the Supabase CLI was damaged and has been reinstalled", "run this again"
QUERY_FAILED = "failed to execute query: error: "
# `db query` reports the server's message without its SQLSTATE.
SQLSTATE_OF = {
    r"^relation .* does not exist": "42P01",
    r"^column .* does not exist": "42703",
    r"^(function|operator) .* does not exist": "42883",
    r"^permission denied|^must be owner": "42501",
    r"^syntax error": "42601",
    r"^function .* already exists": "42723",
    r"^relation .* already exists": "42P07",
    r"already exists$": "42710",
    r"^extension .* is not available": "0A000",
    r"^division by zero$": "22012",
    r"^invalid input syntax": "22P02",
    r"^value too long for type": "22001",
    r"out of range$": "22003",
    r"violates unique constraint": "23505",
    r"violates foreign key constraint": "23503",
    r"violates check constraint": "23514",
    r"violates not-null constraint": "23502",
    r"^canceling statement due to statement timeout": "57014",
    r"^canceling statement due to lock timeout": "55P03",
}


@dataclass(frozen=True)
class Cli:
    """The CLI for the project in `workdir`."""

    binary: Path
    workdir: Path
    known_version: str = ""  # of the locked CLI: to ask the binary takes half a second
    mend: Callable[[], bool] = bool  # reinstalls the locked CLI if it is damaged; returns whether it was

    @cached_property
    def version(self) -> tuple[int, int]:
        """(major, minor). Raises PartsError for a version that is not supported."""
        match = re.search(r"(\d+)\.(\d+)\.\d+", self.known_version or self._run(["--version"], {}).stdout)
        if not match:
            raise PartsError(f"{self.binary} is not the Supabase CLI", "unset SUPABASE_CLI to use the pinned one")
        version = int(match[1]), int(match[2])
        if version < OLDEST or version[0] not in KNOWN_MAJORS:
            raise PartsError(
                f"the Supabase CLI {match[0]} is not supported",
                "use 2.122 or later, or 3.x; unset SUPABASE_CLI to use the pinned one",
            )
        return version

    def push(
        self,
        target: Target,
        *,
        dry_run: bool = False,
        include_all: bool = False,
        limits: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> list[str]:
        """`supabase db push`; returns the file names that it reports as applied, or that `dry_run` would apply.

        `limits` are settings of the session, such as lock_timeout. `on_line` gets its progress. Raises SqlError,
        HistoryError, or the error of a failed connection.
        """
        flags = [*(["--dry-run"] if dry_run else []), *(["--include-all"] if include_all else [])]
        answer = self._ask(target, "db", "push", *flags, on_line=on_line, limits=limits)
        return list(answer.get("migrations", [])) if isinstance(answer, dict) else []

    def query(self, target: Target, file: Path, *, where: str, limit: str = LIMIT) -> list[dict[str, Any]] | str:
        """`supabase db query` with a file of one statement, which runs at most `limit`: returns its rows or its tag.

        Raises SqlError, or the error of a failed connection.
        """
        answer = self._ask(target, "db", "query", "-f", str(file), where=where, limits={"statement_timeout": limit})
        return answer if isinstance(answer, list) else str(answer)

    def reset(self, target: Target, *, on_line: Callable[[str], None] | None = None) -> None:
        """`supabase db reset` by URL: drops what does not belong to Supabase, pushes, seeds. Raises SqlError."""
        self._ask(target, "db", "reset", on_line=on_line)

    def repair(self, target: Target, version: str, status: str) -> None:
        """`supabase migration repair` of one version, `applied` (with its file's statements) or `reverted`.

        Raises SqlError, or the error of a failed connection.
        """
        self._ask(target, "migration", "repair", version, "--status", status)

    def advisors(self, target: Target) -> list[dict[str, Any]]:
        """`supabase db advisors`: findings of all levels with name, level, detail, metadata. Raises SqlError."""
        answer = self._ask(target, "db", "advisors", "--level", "info")
        return list(answer["results"]) if isinstance(answer, dict) else []

    def types(self, target: Target, schemas: Sequence[str]) -> str:
        """`supabase gen types`: the source of a Python module. Raises SqlError, or the error of a failed connection."""
        return str(self._ask(target, "gen", "types", "--lang", "python", "--schema", ",".join(schemas)))

    def status(self) -> dict[str, str]:
        """`supabase status -o json`: the settings of the local stack by name; empty if none runs."""
        result = self._run(["status", "-o", "json"], {})
        try:
            answer = json.loads(result.stdout)
        except ValueError:
            return {}
        return answer if isinstance(answer, dict) and "API_URL" in answer else {}

    def _ask(
        self,
        target: Target,
        *command: str,
        on_line: Callable[[str], None] | None = None,
        where: str = "the statement",
        limits: Mapping[str, str] | None = None,
    ) -> Any:
        """Run a command on the target and decode its JSON; `where` names the SQL in an error."""
        flag = "--remote" if self.version[0] >= 3 else "--db-url"
        # 3.1 does not read PGOPTIONS; both major versions read the options of the URL.
        # If an interruption ends the CLI, the server must notice it before the statement ends.
        defaults = {"statement_timeout": LIMIT, "client_connection_check_interval": "1s"}
        settings = {**defaults, **(limits or {})}
        options = quote(options_of(settings))
        flags = [f"{flag}={target.database.url}?options={options}", "--yes", "--output-format", "json"]
        with sessions_watched(target, settings["statement_timeout"], self._sets_limits) as overdue:
            result = self._run([*command, *flags], target.database.environment, on_line)
        try:
            answer = json.loads(result.stdout)
        except ValueError:
            answer = result.stdout.strip()
        if result.code and not isinstance(answer, dict) and self.mend():
            raise PartsError(*REINSTALLED)
        if not result.code and not result.stdout.strip():
            raise PartsError(
                f"the Supabase CLI {self.binary} exited with code 0 and printed nothing",
                "unset SUPABASE_CLI to use the pinned one; if it is not set, delete the folder of the CLI in the cache",
            )
        if result.code < 0:
            cause = f"the Supabase CLI was ended by {signal.Signals(-result.code).name}"
            raise SqlError(cause, "run this again; `pushproof migrations` shows what was applied")
        if result.code or (isinstance(answer, dict) and answer.get("_tag") == "Error"):
            if overdue.is_set():
                raise outlived((STARTED.findall(result.stderr) or [where])[-1])
            raise _explain(target, answer, result, where=where)
        return answer

    def _sets_limits(self) -> bool:
        """Whether the project's SQL may set its own time limit, which must then not be enforced here."""
        folder = self.workdir / "supabase"
        files = (file for pattern in ("*.sql", "*/*.sql") for file in folder.glob(pattern) if file.is_file())
        try:
            return any(b"statement_timeout" in file.read_bytes().lower() for file in files)
        except OSError:  # a file that cannot be read may set one
            return True

    def _run(
        self, arguments: list[str], environment: dict[str, str], on_line: Callable[[str], None] | None = None
    ) -> process.Completed:
        try:
            return process.run(
                [self.binary, *arguments, "--workdir", self.workdir, "--agent", "no"],
                env=self._environment(environment),
                cwd=self.workdir,
                on_stderr=on_line,
            )
        except (FileNotFoundError, PermissionError) as problem:
            if self.mend():
                raise PartsError(*REINSTALLED) from None
            raise PartsError(
                f"cannot run the Supabase CLI {self.binary}: {problem.strerror}",
                "name an executable in SUPABASE_CLI, or unset it to use the pinned one",
            ) from None

    @staticmethod
    def _environment(extra: dict[str, str]) -> dict[str, str]:
        return process.inherited(
            NO_COLOR="1",
            SUPABASE_TELEMETRY_DISABLED="1",
            SUPABASE_NO_UPDATE_NOTIFIER="1",
            # JavaScriptCore's optimizing compiler takes a third of the CPU time of a short command:
            # https://github.com/oven-sh/bun/pull/42002. v2 is a Go program and does not read this variable.
            BUN_JSC_useDFGJIT="0",
            **extra,
        )


def _explain(target: Target, answer: Any, result: process.Completed, where: str) -> PushproofError:
    """The error for a failure of the CLI. It names no file; the last one that it started is on standard error."""
    error = answer.get("error", {}) if isinstance(answer, dict) else {}
    code, message = error.get("code", ""), error.get("message") or result.stderr.strip() or result.stdout.strip()
    started = STARTED.findall(result.stderr)
    if code == "DbPushMissingRemoteError":
        return HistoryError(
            "a local migration sorts before the last applied migration",
            "give it a later version, or push with --include-all",
            details=message,
        )
    if code == "DbPushMissingLocalError":
        return HistoryError(
            "the target's history holds versions that are not in supabase/migrations",
            "`pushproof migrations` names them: fetch the missing files (`git pull`), then push again",
            details=message,
        )
    if match := SQLSTATE.search(message):
        number = STATEMENT.search(message)
        if started:
            where = started[-1] + (f", statement {int(number['number']) + 1}" if number else "")
        return sql_error(
            match["state"], match["message"], where=where, details=STATEMENT.sub("", message[match.end() :]).strip()
        )
    if any(part in message for part in (*UNREACHABLE, *REFUSALS)):
        return connection_error(target, message)
    return _without_sqlstate(code, message, where) or SqlError(
        f"the Supabase CLI failed: {message.splitlines()[0] if message else f'no output, exit code {result.code}'}",
        "`pushproof doctor` checks what it needs",
        details=f"{code} {message}".strip(),
    )


def _without_sqlstate(code: str, message: str, where: str) -> PushproofError | None:
    cause = message.removeprefix(QUERY_FAILED)
    if any(part in message for part in CONNECTION_LOST):
        return lost(where, cause)
    if code == "DbQueryExecError":
        return sql_error(_sqlstate_of(cause), cause, where=where)
    if code in BAD_CONFIG:
        return ProjectError(f"the Supabase CLI: {message.splitlines()[0]}", "fix supabase/config.toml")
    return None


def _sqlstate_of(message: str) -> str:
    return next(
        (state for pattern, state in SQLSTATE_OF.items() if re.search(pattern, message)), "not reported by the CLI"
    )
