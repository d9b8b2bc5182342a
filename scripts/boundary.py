"""The one way out of a task: expected errors, interruptions and bugs become a message and an exit code."""

from __future__ import annotations

import contextlib
import errno
import signal
import traceback
from collections.abc import Iterator
from functools import cached_property
from types import FrameType

from scripts import settings as settings_module
from scripts.console import Console
from scripts.errors import INTERRUPTED, DiskFullError, PushproofError
from scripts.settings import Settings
from scripts.stack import Stack
from scripts.targets import Target


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: unwinds like Ctrl-C, so that the same cleaning up runs."""

    def __init__(self, signum: int) -> None:
        super().__init__()
        self.signum = signum


class Run:
    """One task's run: its settings, its console, and its target once it is asked for."""

    def __init__(self, target: str, *, as_json: bool) -> None:
        self.console = Console(as_json=as_json)
        self._asked = target
        self.started: list[str] = []

    @cached_property
    def settings(self) -> Settings:
        return settings_module.load(self._asked)

    @cached_property
    def stack(self) -> Stack:
        return Stack(self.settings, self.console)

    @cached_property
    def target(self) -> Target:
        """The target, said at the top of the run; the embedded stack is started for it."""
        from scripts import targets

        if self.settings.target == "embedded":
            self.started = self.stack.start()
            found = self.stack.target()
        elif self.settings.target == "local":
            from scripts.local import local

            found = local(self.settings, self.console)
        else:
            found = targets.remote(self.settings)
        self.console.status(f"[bold]target[/] {found.label}")
        return found


@contextlib.contextmanager
def boundary(target: str = "", *, json: bool = False) -> Iterator[Run]:
    """Give a task its Run; leave with the exit code of what went wrong.

    An interrupted run leaves things as it found them: a stack that it started is stopped again.
    """
    run = Run(target, as_json=json)
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _terminate)
    try:
        yield run
    except PushproofError as error:
        run.console.error(error)
        raise SystemExit(error.code) from None
    except KeyboardInterrupt as stop:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if run.started:
            run.stack.stop()
        run.console.status("interrupted")
        code = 128 + stop.signum if isinstance(stop, Terminated) else INTERRUPTED
        raise SystemExit(code) from None
    except OSError as problem:
        if problem.errno != errno.ENOSPC:
            _bug(run, problem)
        full = DiskFullError("the disk is full", "free some space, then run this again")
        run.console.error(full)
        raise SystemExit(full.code) from None
    except Exception as problem:
        _bug(run, problem)


def _terminate(signum: int, _frame: FrameType | None) -> None:
    raise Terminated(signum)


def _bug(run: Run, problem: Exception) -> None:
    """Something we did not foresee: the traceback goes to a file its owner alone can read."""
    where = run.settings.state_dir / "error.log"
    where.parent.mkdir(parents=True, exist_ok=True)
    where.touch(mode=0o600)
    where.write_text("".join(traceback.format_exception(problem)))
    error = PushproofError(
        f"unexpected {problem.__class__.__name__}",
        f"this is a bug in pushproof: please report it with {where}",
    )
    run.console.error(error)
    raise SystemExit(error.code) from None
