"""The one way out of a task: expected errors, interruptions and bugs become a message and an exit code."""

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

CONNECTION_ERRORS = (
    ("psycopg", "OperationalError"),
    ("httpx", "TransportError"),
    ("supabase_auth.errors", "AuthRetryableError"),
)
UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)
OTHER_FOLDERS = "choose other folders with PUSHPROOF_STATE_DIR and PUSHPROOF_CACHE_DIR"
OF_ANOTHER_KIND = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)  # a file where a folder should be, or the reverse


@contextlib.contextmanager
def boundary(target: str = "", *, json: bool = False) -> Iterator[Run]:
    """Give a task its Run; leave with the exit code of what went wrong.

    An interrupted run leaves things as it found them: a stack that it started is stopped again.
    """
    for name in [one for one in os.environ if one.startswith("PG")]:
        del os.environ[name]  # libpq would follow PGHOSTADDR, PGSSLMODE or PGOPTIONS past the target that we name
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
    except BrokenPipeError:  # whoever read our output has gone, as `| head` does
        discard(sys.stdout)
        raise SystemExit(128 + signal.SIGPIPE) from None
    except Exception as problem:
        explained = _explain(run, problem)
        run.console.error(explained)
        raise SystemExit(explained.code) from None
    finally:
        await_imports(IMPORT_SECONDS)  # a library that is being loaded does not bear the end of the interpreter
        interruption.forget()


def _explain(run: Run, problem: Exception) -> PushproofError:
    """Map failures of the machine, refusals, time limits and lost connections to errors; anything else is a bug."""
    if explained := _of_the_machine(problem, run) or _auth_refusal(problem) or _out_of_time(problem):
        return explained
    if any(_is(problem, *one) for one in CONNECTION_ERRORS):
        return UnreachableError(f"the connection{_where(run, problem)} was lost", "run this again")
    return PushproofError(
        f"unexpected {problem.__class__.__name__}",
        f"this is a bug in pushproof: please report it with {_keep(run, problem)}",
    )


def _of_the_machine(problem: Exception, run: Run) -> PushproofError | None:
    if not isinstance(problem, OSError):
        return None
    # shutil tells of many files in one text.
    full, limited = (problem.errno == n or f"[Errno {n}]" in str(problem) for n in (errno.ENOSPC, errno.EFBIG))
    if full:
        return DiskFullError("the disk is full", "free some space, then run this again")
    if limited:
        return DiskFullError("the size of files is limited", "`ulimit -f unlimited`, then run this again")
    if problem.errno == errno.ENOEXEC:
        return PartsError(
            f"{problem.filename} is damaged: {problem.strerror}",
            "delete the folder that holds it in the cache folder, or, where pip put it, install it with "
            "--force-reinstall; then run this again",
        )
    return _of_a_file(Path(str(problem.filename)), problem, run) if problem.filename else None


def _of_a_file(file: Path, problem: OSError, run: Run) -> PushproofError | None:
    if option := _option_of(str(file)):
        return UsageError(f"cannot write {file}: {problem.strerror}", f"choose another place for {option}")
    cause = f"cannot use {file}: {problem.strerror}"
    if problem.errno in (*UNUSABLE, *OF_ANOTHER_KIND) and _of_the_project(run, file):
        owner = "its owner has to let you read it, and write it where the task writes"
        return ProjectError(cause, owner if problem.errno in UNUSABLE else "move it away: the task needs its place")
    if problem.errno in UNUSABLE:
        return SettingsError(cause, f"make it writable, or {OTHER_FOLDERS}")
    return SettingsError(cause, f"move it away, or {OTHER_FOLDERS}") if problem.errno in OF_ANOTHER_KIND else None


def _of_the_project(run: Run, file: Path) -> bool:
    """Whether it is one of the project's own files, which no setting moves."""
    with contextlib.suppress(PushproofError):
        project, state = run.settings.project, run.settings.state_dir
        return file.is_relative_to(project) and not file.is_relative_to(state) and file != state.parent
    return False


def _out_of_time(problem: Exception) -> PushproofError | None:
    if _is(problem, "psycopg.errors", "LockNotAvailable"):
        return SqlError(
            "a lock could not be acquired in time: another session holds it",
            "`pushproof monitor` shows which; end it, or wait, then run this again",
        )
    if _is(problem, "psycopg.errors", "QueryCanceled"):
        return SqlError("a statement did not end within its time limit", "`pushproof monitor` shows what it waits for")
    if _is(problem, "httpx", "TimeoutException"):
        hint = "does a trigger on auth.users, or an Auth hook, not return? `pushproof monitor` shows what waits"
        return UnreachableError("Auth or the API did not answer in time", hint)
    return None


def _option_of(filename: str) -> str:
    """The option of the command line that names this file, or a folder above it."""
    file = Path(filename).absolute()
    for former, word in itertools.pairwise(["", *sys.argv]):
        option, _, value = word.partition("=") if word.startswith("--") else (former, "", word)
        if option.startswith("-") and value and Path(value).absolute() in (file, *file.parents):
            return option
    return ""


def _where(run: Run, problem: Exception) -> str:
    if "target" not in vars(run):
        return ""
    by_sql = type(problem).__module__.startswith("psycopg")
    return f" to {run.target.database.label if by_sql else run.target.url}"


def _auth_refusal(problem: Exception) -> PushproofError | None:
    """What Auth said no to, beyond what its callers expect."""
    library = sys.modules.get("supabase_auth.errors")
    if library is None or not isinstance(problem, library.AuthApiError):
        return None
    if problem.status == TOO_MANY:
        return UnreachableError(
            "Auth's rate limit is used up, and was not restored within a minute",
            "raise it (Dashboard > Authentication > Rate Limits), or run this again later",
        )
    return CredentialsError(f"Auth refuses: {problem.message}", "look at the project's Auth settings")


def _is(problem: Exception, module: str, name: str) -> bool:
    """Whether it is of this class of a library, which this run may not have imported."""
    return module in sys.modules and isinstance(problem, getattr(sys.modules[module], name, ()))


def _secrets(run: Run) -> Iterator[str]:
    """What a library may quote, of the settings and of the stack."""
    with contextlib.suppress(Exception):  # what could not be read once is no cause of its own
        settings = run.settings
        yield from (settings.secret_key, settings.publishable_key, settings.db_password, settings.db_url)
        state = states.load(settings.state_dir)
        yield from (*state.secrets.values(), *state.passwords.values())
    if "target" in vars(run):
        yield run.target.database.password


def _keep(run: Run, problem: Exception) -> Path:
    """Write the traceback, without secrets, to a file for its owner alone, in the state folder if there is one."""
    words = "".join(traceback.format_exception(problem))
    for secret in filter(None, _secrets(run)):
        words = words.replace(secret, "…")
    try:
        where = run.settings.state_dir / "error.log"
        where.parent.mkdir(parents=True, exist_ok=True)
        where.touch(mode=0o600)
        where.write_text(words)
    except Exception:  # the settings may be what is wrong
        handle, name = tempfile.mkstemp(prefix="pushproof-", suffix=".log")
        where = Path(name)
        with contextlib.suppress(OSError), os.fdopen(handle, "w") as file:
            file.write(words)
    return where
