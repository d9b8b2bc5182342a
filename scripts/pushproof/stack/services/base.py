"""The interface between the supervisor and a service, and helpers for ports."""

from __future__ import annotations

import contextlib
import errno
import http.client
import itertools
import os
import random
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pushproof.base.process import User

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Command:
    """The command that starts a service. Secrets are in `env` and `text_in`, never in `argv`."""

    argv: tuple[str | Path, ...]
    env: dict[str, str] = field(default_factory=dict, repr=False)
    text_in: str = field(default="", repr=False)
    user: User | None = None


class Service(Protocol):
    """A service of the stack. It describes a process; the supervisor starts and stops it."""

    @property
    def name(self) -> str:
        """Its name in the state, in `status` and in `logs`."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The services that must be ready before this one starts."""

    @property
    def stop_signal(self) -> signal.Signals:
        """The polite signal that ends it."""

    def prepare(self) -> None:
        """Prepare the files that the start needs."""

    def command(self) -> Command:
        """The command that starts it."""

    def ready(self) -> bool:
        """Whether the service itself reports that it works."""


def http_status(port: int, path: str, *, timeout: float = 2) -> int:
    """The status of GET `path` on a loopback port; 0 if there is no answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    return not why_not(port)


def why_not(port: int, user: User | None = None) -> str:
    """Why a server of this user cannot listen on this loopback port, as the system's message; empty if it can."""
    if user and user.uid and port < _first_unprivileged():
        return os.strerror(errno.EACCES)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as problem:
            return problem.strerror or str(problem)
    return ""


def _first_unprivileged() -> int:
    """ip_unprivileged_port_start: https://docs.kernel.org/networking/ip-sysctl.html."""
    with contextlib.suppress(OSError, ValueError):
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    return 1024


def free_port() -> int:
    """A free loopback port, a different one each time.

    It is below the ports of outgoing connections on Linux and macOS, which could take it before a service listens:
    https://docs.kernel.org/networking/ip-sysctl.html (ip_local_port_range).
    """
    return next(port for port in _candidates if port_is_free(port))


_candidates = itertools.cycle(random.sample(range(20_000, 32_768), 1_000))
