"""Ctrl-C, SIGTERM and SIGHUP, from the first line of a task to its last."""

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
IMPORT_SECONDS = 2  # for which an interruption waits for an import, or a line of a log, to end
RETRY_SECONDS = 0.01


def leave_at_once() -> None:
    """Until a task has begun, and once it has ended, there is nothing to clean up: end with 128 + the signal's number.

    So does what writes into a pipe that nobody reads any more. A signal that is ignored, as a script's `pushproof … &`
    ignores Ctrl-C, stays ignored.
    """
    for one in _heeded():
        signal.signal(one, leave)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as of `pushproof --list | head`


class Interruption:
    """What a task does with signals, in a `with` block. The first raises KeyboardInterrupt, and what then cleans up is
    not disturbed by a second; a third ends at once. Once there was one, that holds until `forget`.

    Not amid an import, which would leave its lock taken for good, nor in the module `logging`, for its lock alike:
    https://github.com/python/cpython/issues/82272
    """

    def __init__(self) -> None:
        self.signal = signal.SIGINT
        self._former: dict[int, signal._HANDLER] = {}
        self._count = 0
        self._until = 0.0

    def __enter__(self) -> Interruption:
        self._former = {one: signal.getsignal(one) for one in (*_heeded(), signal.SIGALRM, signal.SIGPIPE)}
        for one in _heeded():
            signal.signal(one, self._interrupt)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # a BrokenPipeError, for there may be something to clean up
        return self

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> None:
        if not self._count:
            self.forget()
        elif isinstance(problem, Exception) and not isinstance(problem, PushproofError):  # it was interrupted amid work
            raise KeyboardInterrupt from problem

    def forget(self) -> None:
        """Let others handle signals again; one that still waits for an import came too late."""
        if self._until:
            signal.setitimer(signal.ITIMER_REAL, 0)
        while self._former:
            signal.signal(*self._former.popitem())

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count == 1:
            self.signal = signal.Signals(signum)
            self._until = time.monotonic() + IMPORT_SECONDS
            self._raise(signum, frame)
        elif self._count == 2:
            say("cleaning up; press Ctrl-C once more to leave things as they are")
        else:
            leave(signum, frame)

    def _raise(self, _: int, frame: FrameType | None) -> None:
        if time.monotonic() < self._until and _holds_a_lock(frame):
            signal.signal(signal.SIGALRM, self._raise)
            signal.setitimer(signal.ITIMER_REAL, RETRY_SECONDS)
        else:
            raise KeyboardInterrupt


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Put interruptions off to the end of the block, where they then arrive; a third within it ends the task at once.

    For the moment between a process' start and the note of it, which nobody would stop otherwise, and for what cleans
    up. An interruption that still waits for an import comes by SIGALRM.
    """
    if threading.current_thread() is not threading.main_thread():  # Python tells the main thread alone
        yield
        return
    late: list[int] = []
    with contextlib.ExitStack() as afterwards:  # goes on with the others where one of these raises
        afterwards.callback(lambda: signal.raise_signal(late[0]) if late else None)
        for one in (*INTERRUPTIONS, signal.SIGALRM):
            handler = signal.getsignal(one)
            if handler not in (signal.SIG_IGN, None):  # a child inherits "ignored", but no handler
                afterwards.callback(signal.signal, one, handler)
                signal.signal(one, partial(_put_off, late))
        yield


def _put_off(late: list[int], signum: int, frame: FrameType | None) -> None:
    late.append(signum)
    if len(late) == 2:
        say("cleaning up; press Ctrl-C once more to leave things as they are")
    elif len(late) > 2:
        leave(signum, frame)


def _heeded() -> list[signal.Signals]:
    return [one for one in INTERRUPTIONS if signal.getsignal(one) is not signal.SIG_IGN]


def _holds_a_lock(frame: FrameType | None) -> bool:
    """Whether the interrupted code is amid an import, or in the module `logging`."""
    logging = getattr(sys.modules.get("logging"), "__file__", "no such module")
    while frame:
        if frame.f_code.co_filename.startswith(("<frozen importlib", logging)):
            return True
        frame = frame.f_back
    return False


def leave(signum: int, _: FrameType | None) -> None:
    """Handle a signal by ending at once, whatever is left behind."""
    say("interrupted")
    os._exit(128 + signum)


def say(text: str) -> None:
    """Write a line to standard error past Python's streams, whose locks the interrupted code may hold."""
    os.write(2, f"{text}\n".encode())
