"""The boundary of a task: it turns errors, interruptions and bugs into a message and an exit code."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from pushproof.base.console import discard
from pushproof.base.errors import (
    CredentialsError,
    DiskFullError,
    PartsError,
    ProjectError,
    PushproofError,
    SettingsError,
    SqlError,
    UnreachableError,
    UsageError,
)
from pushproof.base.interruptions import IMPORT_SECONDS, Interruption
from pushproof.base.preload import await_imports
from pushproof.stack import state as states
from pushproof.stack.run import Run, doubting
from pushproof.target.api import TOO_MANY
from pushproof.target.database import psycopg_error

CONNECTION_ERRORS = (
    ("psycopg", "OperationalError"),
    ("httpx", "TransportError"),
    ("supabase_auth.errors", "AuthRetryableError"),
)
NO_PRIVILEGE = "42501"
# SQLSTATEs that are no mistake in our SQL: a read-only session, a conflict, no privilege, a role that was renamed,
# exhausted resources, damaged files.
REFUSING = ("25", "40", NO_PRIVILEGE, "42704", "53", "54", "55", "58")
NOT_POSTGRES = "connect as postgres, who owns what migrations make: pushproof needs its privileges"
UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)
OTHER_FOLDERS = "choose other folders with PUSHPROOF_STATE_DIR and PUSHPROOF_CACHE_DIR"
WRONG_KIND = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)  # a file where a folder should be, or the reverse


@contextlib.contextmanager
def boundary(target: str = "", *, json: bool = False) -> Iterator[Run]:
    """Give a task its Run. Raises SystemExit with the exit code of an error or interruption, after its message.

    If the run is interrupted, a stack that it started is stopped again.
    """
    for name in [variable for variable in os.environ if variable.startswith("PG")]:
        del os.environ[name]  # libpq would apply PGHOSTADDR, PGSSLMODE or PGOPTIONS to our connections
    run = Run(target, as_json=json)
    interruption = Interruption()
    try:
        with interruption, doubting(run.check):
            yield run
    except PushproofError as error:
        run.console.error(error)
        raise SystemExit(error.code) from None
    except KeyboardInterrupt:
        if run.started:
            run.stack.stop(run.started)
        run.console.status("interrupted")
        code = 128 + interruption.signal
        run.console.data({"error": {"code": code, "message": "interrupted", "hint": "", "details": ""}})
        raise SystemExit(code) from None
    except BrokenPipeError:  # the reader of our output has ended, as in `| head`
        discard(sys.stdout)
        raise SystemExit(128 + signal.SIGPIPE) from None
    except Exception as problem:
        explained = _explain(run, problem)
        run.console.error(explained)
        raise SystemExit(explained.code) from None
    finally:
        await_imports(IMPORT_SECONDS)  # the interpreter must not end during an import
        interruption.forget()


def _explain(run: Run, problem: Exception) -> PushproofError:
    """Map disk and permission failures, refusals, time limits, lost connections to errors; anything else is a bug."""
    if error := _machine_error(problem, run) or _auth_refusal(problem) or _time_limit(problem):
        return error
    sqlstate = str(getattr(problem, "sqlstate", None) or "")
    if sqlstate.startswith(REFUSING):
        error = psycopg_error(cast("Any", problem), where="a statement of pushproof")
        error.hint = NOT_POSTGRES if sqlstate == NO_PRIVILEGE else error.hint
        return error
    if any(_is(problem, *names) for names in CONNECTION_ERRORS):
        return UnreachableError(f"the connection{_address(run, problem)} was lost", "run this again")
    return PushproofError(
        f"unexpected {problem.__class__.__name__}",
        f"this is a bug in pushproof: please report it with {_save_traceback(run, problem)}",
    )


def _machine_error(problem: Exception, run: Run) -> PushproofError | None:
    if not isinstance(problem, OSError):
        return None
    # shutil reports the errors of many files in one text.
    full, limited = (problem.errno == n or f"[Errno {n}]" in str(problem) for n in (errno.ENOSPC, errno.EFBIG))
    if full:
        return DiskFullError("the disk is full", "free some space, then run this again")
    if limited:
        return DiskFullError("the size of files is limited", "`ulimit -f unlimited`, then run this again")
    if problem.errno in (errno.EMFILE, errno.ENFILE):
        return SettingsError("too many files are open", "raise the limit (`ulimit -n 1024`), then run this again")
    if problem.errno == errno.ENOEXEC:
        return PartsError(
            f"{problem.filename} is damaged: {problem.strerror}",
            "delete its folder in the cache folder, or, if pip installed it, reinstall it with "
            "--force-reinstall; then run this again",
        )
    return _file_error(Path(str(problem.filename)), problem, run) if problem.filename else None


def _file_error(file: Path, problem: OSError, run: Run) -> PushproofError | None:
    if option := _option_of(str(file)):
        return UsageError(f"cannot write {file}: {problem.strerror}", f"choose another place for {option}")
    cause = f"cannot use {file}: {problem.strerror}"
    if problem.errno in (*UNUSABLE, *WRONG_KIND) and _is_of_project(run, file):
        hint = "its owner must let you read it, and write it if the task writes to it"
        return ProjectError(cause, hint if problem.errno in UNUSABLE else "move it away: the task needs its place")
    if problem.errno in UNUSABLE:
        return SettingsError(cause, f"make it writable, or {OTHER_FOLDERS}")
    return SettingsError(cause, f"move it away, or {OTHER_FOLDERS}") if problem.errno in WRONG_KIND else None


def _is_of_project(run: Run, file: Path) -> bool:
    """Whether a file belongs to the project itself, so that no setting can move it."""
    with contextlib.suppress(PushproofError):
        project, state = run.settings.project, run.settings.state_dir
        return file.is_relative_to(project) and not file.is_relative_to(state) and file != state.parent
    return False


def _time_limit(problem: Exception) -> PushproofError | None:
    if _is(problem, "psycopg.errors", "LockNotAvailable"):
        return SqlError(
            "a lock could not be acquired in time: another session holds it",
            "`pushproof monitor` shows which; end it, or wait, then run this again",
        )
    if _is(problem, "psycopg.errors", "QueryCanceled"):
        return SqlError("a statement did not end within its time limit", "`pushproof monitor` shows what it waits for")
    if _is(problem, "httpx", "TimeoutException"):
        hint = "does a trigger on auth.users or an Auth hook hang? `pushproof monitor` shows what waits"
        return UnreachableError("Auth or the API did not answer in time", hint)
    return None


def _option_of(filename: str) -> str:
    """The option of the command line that names this file or a folder above it; empty if none does."""
    file = Path(filename).absolute()
    for previous, argument in itertools.pairwise(["", *sys.argv]):
        option, _, value = argument.partition("=") if argument.startswith("--") else (previous, "", argument)
        if option.startswith("-") and value and Path(value).absolute() in (file, *file.parents):
            return option
    return ""


def _address(run: Run, problem: Exception) -> str:
    if "target" not in vars(run):
        return ""
    by_sql = type(problem).__module__.startswith("psycopg")
    return f" to {run.target.database.label if by_sql else run.target.url}"


def _auth_refusal(problem: Exception) -> PushproofError | None:
    """The error for a refusal by Auth that its callers do not handle."""
    library = sys.modules.get("supabase_auth.errors")
    if library is None or not isinstance(problem, library.AuthApiError):
        return None
    if problem.status == TOO_MANY:
        return UnreachableError(
            "Auth's rate limit is used up, and was not restored within a minute",
            "raise it (Dashboard > Authentication > Rate Limits), or run this again later",
        )
    return CredentialsError(f"Auth refuses: {problem.message}", "check the project's Auth settings")


def _is(problem: Exception, module: str, name: str) -> bool:
    """Whether an exception is of this class of a library, which this run may not have imported."""
    return module in sys.modules and isinstance(problem, getattr(sys.modules[module], name, ()))


def _secrets(run: Run) -> Iterator[str]:
    """The secrets of the settings and of the stack, which a traceback may quote."""
    with contextlib.suppress(Exception):  # an error while reading them must not hide the first one
        settings = run.settings
        yield from (settings.secret_key, settings.publishable_key, settings.db_password, settings.db_url)
        state = states.load(settings.state_dir)
        yield from (*state.secrets.values(), *state.passwords.values())
    if "target" in vars(run):
        yield run.target.database.password


def _save_traceback(run: Run, problem: Exception) -> Path:
    """Write the traceback without secrets to a file that only its owner can read; in the state folder if possible."""
    text = "".join(traceback.format_exception(problem))
    for secret in filter(None, _secrets(run)):
        text = text.replace(secret, "…")
    try:
        log = run.settings.state_dir / "error.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch(mode=0o600)
        log.write_text(text)
    except Exception:  # the settings may be the cause
        handle, name = tempfile.mkstemp(prefix="pushproof-", suffix=".log")
        log = Path(name)
        with contextlib.suppress(OSError), os.fdopen(handle, "w") as file:
            file.write(text)
    return log
