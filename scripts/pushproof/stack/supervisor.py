"""Starts services in the order of their needs, reports why one is down, and stops them in reverse order.

It uses services only by the interface services.base.Service, and processes by their Identity, so that a pid left by a
crash or a reboot never counts as a running service.
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
PATIENCE_SECONDS = 5  # after which a start reports what it waits for
ANSWER_SECONDS = 10  # how long to wait for a service that was up
POLL_SECONDS = 0.01
LOG_LIMIT = 10_000_000
STOPPED = "stopped"
MARK = "PUSHPROOF_LOGS"  # in each service's environment, by which it is found if the state is lost


@dataclass(frozen=True)
class Health:
    """The health of a service: its state (up, not ready or down), and why it is not up."""

    name: str
    state: str
    pid: int | None
    why: str = ""


@dataclass
class Supervisor:
    """The services of one stack. `on_change` is called after `running` changes and saves it.

    `on_wait` is called once, after PATIENCE_SECONDS of a start, with the name of a service that is not ready and the
    last line of its log; `on_up` with the name of each service that this call started, before those that need it.
    """

    services: Sequence[Service]
    logs: Path
    running: dict[str, process.Identity]
    on_change: Callable[[], None]
    on_wait: Callable[[str, str], None] = lambda *_: None
    on_up: Callable[[str], None] = lambda _: None

    def start(self, names: Sequence[str] | None = None) -> list[str]:
        """Start the services that are down: all, or the named ones and their needs. Returns the names of those started.

        Raises StackError if a service ends or does not get ready; the services that this call started are then stopped.
        """
        make(self.logs)
        started: list[str] = []
        try:
            self._start_all(self._with_needs(names), started)
        except BaseException:
            with undisturbed():  # a second Ctrl-C must not leave some of them running
                self.stop(started)
            raise
        return started

    def _with_needs(self, names: Sequence[str] | None) -> list[Service]:
        if names is None:
            return list(self.services)
        needed = {*names, *(need for service in self.services if service.name in names for need in service.needs)}
        return [service for service in self.services if service.name in needed]

    def _start_all(self, services: Sequence[Service], started: list[str]) -> None:
        pending = {service.name: service for service in services}
        report_time, deadline = (time.monotonic() + seconds for seconds in (PATIENCE_SECONDS, READY_SECONDS))
        while pending:
            # A service that was up may have ended since: the services that need it would never get ready.
            pending |= {service.name: service for service in services if not self._alive(service.name)}
            startable = [service for service in pending.values() if not pending.keys() & set(service.needs)]
            for service in startable:
                if self._is_up(service, started):
                    if service.name in started:
                        self.on_up(service.name)
                    del pending[service.name]
            if pending and time.monotonic() > deadline:
                raise self._failure(next(iter(pending)), f"is not ready after {READY_SECONDS} s")
            if pending and time.monotonic() > report_time:
                report_time = deadline + 1  # report once
                name = next(iter(pending))
                self.on_wait(name, self._log_tail(name))
            if pending:
                time.sleep(POLL_SECONDS)

    def _is_up(self, service: Service, started: list[str]) -> bool:
        """Whether the service is ready. If it does not run, the first call starts it."""
        if self._alive(service.name):
            return service.ready()
        if service.name in started:
            raise self._failure(service.name, "ended while it started")
        started.append(service.name)
        self._spawn(service)
        return False

    def stop(self, names: Sequence[str] | None = None) -> list[str]:
        """Stop the named services, or all, in reverse order. Returns the names of those that ran.

        All includes running services that no longer belong to this stack.
        """
        signals = {service.name: service.stop_signal for service in self.services}
        order = [*(self.running.keys() - signals.keys()), *reversed(signals)]
        stopped = []
        for name in order if names is None else [name for name in order if name in names]:
            identity = self.running.pop(name, None)
            if identity and identity.process():
                process.stop(identity, how=signals.get(name, signal.SIGTERM))
                stopped.append(name)
        self.on_change()
        return stopped

    def health(self) -> list[Health]:
        """The health of each service."""
        return [self._health_of(service) for service in self.services]

    def check(self) -> None:
        """Raise StackError for the first service that ended or stopped answering since it was started."""
        for service in self.services:
            if service.name in self.running and not self._answers(service):
                raise self.lost(service.name, "does not answer" if self._alive(service.name) else "died")

    def _answers(self, service: Service) -> bool:
        wait_until(lambda: service.ready() or not self._alive(service.name), timeout=ANSWER_SECONDS)
        return self._alive(service.name) and service.ready()

    def lost(self, name: str, event: str) -> StackError | DiskFullError:
        """The error for a service that was up and failed: what requests showed since does not count."""
        return self._failure(name, f"{event} while the task ran", hint="`pushproof start`, then run this again")

    def _health_of(self, service: Service) -> Health:
        identity = self.running.get(service.name)
        if identity is None:
            return Health(name=service.name, state="down", pid=None, why=STOPPED)
        if not identity.process():
            return Health(
                name=service.name,
                state="down",
                pid=None,
                why=self._log_tail(service.name) or "killed: its log is empty",
            )
        if not service.ready():
            return Health(name=service.name, state="not ready", pid=identity.pid, why=self._log_tail(service.name))
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

    def _failure(self, name: str, event: str, *, hint: str = "") -> StackError | DiskFullError:
        log = self._log_tail(name, lines=8)
        if "No space left on device" in log:
            return DiskFullError(f"the disk is full: {name} {event}", "free some space, then run `pushproof start`")
        error = StackError(f"{name} {event}", hint or f"see `pushproof logs --service {name}`", details=log)
        error.service = name
        return error

    def _log_tail(self, name: str, *, lines: int = 1) -> str:
        log = self.logs / f"{name}.log"
        if not log.exists():
            return ""
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4000))
            return "\n".join(file.read().decode(errors="replace").rstrip().splitlines()[-lines:])


def end_strays(logs: Path, running: Mapping[str, process.Identity]) -> list[int]:
    """Stop services of this stack that are not in its state, which was lost or not yet written. Returns their pids."""
    recorded = {identity.pid for identity in running.values() if identity.process()}
    strays = [identity for identity in process.marked(MARK, str(logs)) if identity.pid not in recorded]
    process.stop(*strays, how=signal.SIGINT)  # on which each service ends in order
    return [stray.pid for stray in strays]
