"""Starts services in the order of their needs, says why one is down, stops them in reverse.

It knows services only by services.base.Service, and processes by their identity, so that a
pid file left by a crash or a reboot is never mistaken for a living service.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pushproof.base import process
from pushproof.base.errors import DiskFullError, StackError
from pushproof.base.interruptions import undisturbed
from pushproof.base.places import make
from pushproof.base.waiting import wait_until
from pushproof.stack.services.base import Service

READY_SECONDS = 60
PATIENCE_SECONDS = 5  # after which what is waited for is said
ANSWER_SECONDS = 10  # for a service that answered before
POLL_SECONDS = 0.01
LOG_LIMIT = 10_000_000
STOPPED = "stopped"
MARK = "PUSHPROOF_LOGS"  # in each service's environment, so that it is found again without a state


@dataclass(frozen=True)
class Health:
    """One service as `status` shows it: up, starting or down, and why."""

    name: str
    state: str
    pid: int | None
    why: str = ""


@dataclass
class Supervisor:
    """The services of one stack. `running` is kept in its state by `on_change`; `on_wait` gets the service that
    a start waits for and the last line of its log, once, after PATIENCE_SECONDS.
    """

    services: Sequence[Service]
    logs: Path
    running: dict[str, process.Identity]
    on_change: Callable[[], None]
    on_wait: Callable[[str, str], None] = lambda *_: None

    def start(self, names: Sequence[str] | None = None) -> list[str]:
        """Start what does not run of the named services and what they need, or of all; the names of what was started.

        Raises StackError when a service ends or does not get ready; what this call started is stopped then.
        """
        make(self.logs)
        started: list[str] = []
        try:
            self._start_all(self._with_needs(names), started)
        except BaseException:
            with undisturbed():  # a second Ctrl-C must not leave half of it behind
                self.stop(started)
            raise
        return started

    def _with_needs(self, names: Sequence[str] | None) -> list[Service]:
        if names is None:
            return list(self.services)
        needed = {*names, *(need for one in self.services if one.name in names for need in one.needs)}
        return [one for one in self.services if one.name in needed]

    def _start_all(self, services: Sequence[Service], started: list[str]) -> None:
        pending = {service.name: service for service in services}
        patience, deadline = (time.monotonic() + seconds for seconds in (PATIENCE_SECONDS, READY_SECONDS))
        while pending:
            # One that was up a moment ago may have been dying: those that need it would never get ready.
            pending |= {one.name: one for one in services if not self._alive(one.name)}
            possible = [one for one in pending.values() if not pending.keys() & set(one.needs)]
            for service in possible:
                if self._is_up(service, started):
                    del pending[service.name]
            if pending and time.monotonic() > deadline:
                raise self._failure(next(iter(pending)), f"is not ready after {READY_SECONDS} s")
            if pending and time.monotonic() > patience:
                patience = deadline + 1  # once is enough
                name = next(iter(pending))
                self.on_wait(name, self._last_words(name))
            if pending:
                time.sleep(POLL_SECONDS)

    def _is_up(self, service: Service, started: list[str]) -> bool:
        """Whether it is ready; a first look at one that does not run starts it."""
        if self._alive(service.name):
            return service.ready()
        if service.name in started:
            raise self._failure(service.name, "ended while it started")
        started.append(service.name)
        self._spawn(service)
        return False

    def stop(self, names: Sequence[str] | None = None) -> list[str]:
        """Stop the named services, or all, in reverse; the names of those that ran.

        All is whatever runs, also what is no service of this stack any more.
        """
        signals = {service.name: service.stop_signal for service in self.services}
        order = [*(self.running.keys() - signals.keys()), *reversed(signals)]
        stopped = []
        for name in order if names is None else [one for one in order if one in names]:
            identity = self.running.pop(name, None)
            if identity and identity.process():
                process.stop(identity, how=signals.get(name, signal.SIGTERM))
                stopped.append(name)
        self.on_change()
        return stopped

    def health(self) -> list[Health]:
        """How each service is, asked of the service itself."""
        return [self._health_of(service) for service in self.services]

    def check(self) -> None:
        """Raise StackError for the first service that ended since it was started, or does not answer any more."""
        for service in self.services:
            if service.name in self.running and not self._answers(service):
                raise self.lost(service.name, "does not answer" if self._alive(service.name) else "died")

    def _answers(self, service: Service) -> bool:
        wait_until(lambda: service.ready() or not self._alive(service.name), timeout=ANSWER_SECONDS)
        return self._alive(service.name) and service.ready()

    def lost(self, name: str, how: str) -> StackError | DiskFullError:
        """The error for a service that was up: whatever was seen since says nothing of the database."""
        return self._failure(name, f"{how} while the task ran", hint="`pushproof start`, then run this again")

    def _health_of(self, service: Service) -> Health:
        identity = self.running.get(service.name)
        if identity is None:
            return Health(name=service.name, state="down", pid=None, why=STOPPED)
        if not identity.process():
            return Health(
                name=service.name,
                state="down",
                pid=None,
                why=self._last_words(service.name) or "killed: its log is silent",
            )
        if not service.ready():
            return Health(name=service.name, state="not ready", pid=identity.pid, why=self._last_words(service.name))
        return Health(service.name, "up", identity.pid)

    def _alive(self, name: str) -> bool:
        identity = self.running.get(name)
        return identity is not None and identity.process() is not None

    def _spawn(self, service: Service) -> None:
        service.prepare()
        log = self.logs / f"{service.name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        command = service.command()
        env = {**command.env, MARK: str(self.logs)}
        with undisturbed():
            self.running[service.name] = process.spawn(
                command.argv, log=log, env=env, text_in=command.text_in, user=command.user
            )
            self.on_change()

    def _failure(self, name: str, what: str, *, hint: str = "") -> StackError | DiskFullError:
        words = self._last_words(name, lines=8)
        if "No space left on device" in words:
            return DiskFullError(f"the disk is full: {name} {what}", "free some space, then `pushproof start`")
        error = StackError(f"{name} {what}", hint or f"see `pushproof logs --service {name}`", details=words)
        error.service = name
        return error

    def _last_words(self, name: str, *, lines: int = 1) -> str:
        log = self.logs / f"{name}.log"
        if not log.exists():
            return ""
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4000))
            return "\n".join(file.read().decode(errors="replace").rstrip().splitlines()[-lines:])


def end_strays(logs: Path, running: Mapping[str, process.Identity]) -> list[int]:
    """Stop services of this stack that nobody noted, because the state was lost or a start was killed; their pids."""
    known = {identity.pid for identity in running.values() if identity.process()}
    strays = [one for one in process.marked(MARK, str(logs)) if one.pid not in known]
    process.stop(*strays, how=signal.SIGINT)  # a polite end for each of our services
    return [stray.pid for stray in strays]
