"""Handling of Ctrl-C, SIGTERM and SIGHUP, from the start of a task to its end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from types import FrameType

from pushproof.base.errors import PushproofError

INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
IMPORT_SECONDS = 2  # how long an interruption waits for an import or a log line to finish
RETRY_SECONDS = 0.01


def leave_at_once() -> None:
    """End the process at once on a signal, with exit code 128 + the signal's number.

    This holds before a task begins and after it ends, when there is nothing to clean up. A write to a closed pipe ends
    the process too. An ignored signal, such as Ctrl-C in a script's `pushproof … &`, stays ignored.
    """
    for handled in _not_ignored():
        signal.signal(handled, leave)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as in `pushproof --list | head`


class Interruption:
    """Handles a task's signals in a `with` block.

    The first raises KeyboardInterrupt, the second lets the cleanup go on, the third ends the process. After a first
    signal the handlers stay until `forget`.

    KeyboardInterrupt is not raised during an import or in the module `logging`, where it could leave a lock taken:
    https://github.com/python/cpython/issues/82272
    """

    def __init__(self) -> None:
        self.signal = signal.SIGINT
        self._handlers: dict[int, signal._HANDLER] = {}
        self._count = 0
        self._deadline = 0.0

    def __enter__(self) -> Interruption:
        handled = _not_ignored()
        self._handlers = {each: signal.getsignal(each) for each in (*handled, signal.SIGALRM, signal.SIGPIPE)}
        for each in handled:
            signal.signal(each, self._interrupt)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # raises BrokenPipeError instead, so that the task can clean up
        return self

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> None:
        if not self._count:
            self.forget()
        elif isinstance(problem, Exception) and not isinstance(problem, PushproofError):  # the interruption caused it
            raise KeyboardInterrupt from problem

    def forget(self) -> None:
        """Restore the former handlers, and drop a signal that still waits for an import."""
        if self._deadline:
            signal.setitimer(signal.ITIMER_REAL, 0)
        while self._handlers:
            signal.signal(*self._handlers.popitem())

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count == 1:
            self.signal = signal.Signals(signum)
            self._deadline = time.monotonic() + IMPORT_SECONDS
            self._raise(signum, frame)
        elif self._count == 2:
            say("cleaning up; press Ctrl-C again to exit without cleanup")
        else:
            leave(signum, frame)

    def _raise(self, _: int, frame: FrameType | None) -> None:
        if time.monotonic() < self._deadline and _holds_a_lock(frame):
            signal.signal(signal.SIGALRM, self._raise)
            signal.setitimer(signal.ITIMER_REAL, RETRY_SECONDS)
        else:
            raise KeyboardInterrupt


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Delay interruptions until the end of the block; a third one within it ends the process at once.

    For the time between a process' start and the record of it, without which nobody could stop it, and for cleanup.
    An interruption that waits for an import arrives as SIGALRM.
    """
    if threading.current_thread() is not threading.main_thread():  # signals arrive in the main thread only
        yield
        return
    delayed: list[int] = []
    with contextlib.ExitStack() as afterwards:  # runs all callbacks, also after one raises
        afterwards.callback(lambda: signal.raise_signal(delayed[0]) if delayed else None)
        for handled in (*INTERRUPTIONS, signal.SIGALRM):
            handler = signal.getsignal(handled)
            if handler not in (signal.SIG_IGN, None):  # a child inherits "ignored", but no handler
                afterwards.callback(signal.signal, handled, handler)
                signal.signal(handled, partial(_delay, delayed))
        yield


def _delay(delayed: list[int], signum: int, frame: FrameType | None) -> None:
    delayed.append(signum)
    if len(delayed) == 2:
        say("cleaning up; press Ctrl-C again to exit without cleanup")
    elif len(delayed) > 2:
        leave(signum, frame)


def _not_ignored() -> list[signal.Signals]:
    return [each for each in INTERRUPTIONS if signal.getsignal(each) is not signal.SIG_IGN]


def _holds_a_lock(frame: FrameType | None) -> bool:
    """Whether the interrupted code runs in an import or in the module `logging`."""
    logging = getattr(sys.modules.get("logging"), "__file__", "no such module")
    while frame:
        if frame.f_code.co_filename.startswith(("<frozen importlib", logging)):
            return True
        frame = frame.f_back
    return False


def leave(signum: int, _: FrameType | None) -> None:
    """Handle a signal by ending the process at once, without cleanup."""
    say("interrupted")
    os._exit(128 + signum)


def say(text: str) -> None:
    """Write a line to standard error without Python's streams, whose locks the interrupted code may hold."""
    os.write(2, f"{text}\n".encode())
