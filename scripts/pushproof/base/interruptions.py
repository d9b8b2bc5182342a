"""Ctrl-C, SIGTERM and SIGHUP, from the first line of a task to its last."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

from pushproof.base.errors import PushproofError

INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
IMPORT_SECONDS = 2  # for which an interruption waits for an import to end
RETRY_SECONDS = 0.01


def leave_at_once() -> None:
    """Until a task has begun, and once it has ended, there is nothing to clean up: end with 128 + the signal's number.

    So does what writes into a pipe that nobody reads any more. A signal that is ignored, as a script's `pushproof … &`
    ignores Ctrl-C, stays ignored.
    """
    for one in _heeded():
        signal.signal(one, _leave)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as of `pushproof --list | head`


class Interruption:
    """What a task does with signals, in a `with` block. The first raises KeyboardInterrupt, and what then cleans up is
    not disturbed by a second; a third ends at once. Once there was one, that holds until `forget`.

    Not amid an import, which would leave its lock taken for good: https://github.com/python/cpython/issues/82272
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
            _say("cleaning up; once more leaves things as they are")
        else:
            _leave(signum, frame)

    def _raise(self, _: int, frame: FrameType | None) -> None:
        if time.monotonic() < self._until and _imports(frame):
            signal.signal(signal.SIGALRM, self._raise)
            signal.setitimer(signal.ITIMER_REAL, RETRY_SECONDS)
        else:
            raise KeyboardInterrupt


def _heeded() -> list[signal.Signals]:
    return [one for one in INTERRUPTIONS if signal.getsignal(one) is not signal.SIG_IGN]


def _imports(frame: FrameType | None) -> bool:
    """Whether the interrupted code is amid an import."""
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _leave(signum: int, _: FrameType | None) -> None:
    _say("interrupted")
    os._exit(128 + signum)


def _say(text: str) -> None:
    """Past Python's streams, whose locks the interrupted code may hold."""
    os.write(2, f"{text}\n".encode())
