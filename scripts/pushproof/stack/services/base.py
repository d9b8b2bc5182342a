"""What the supervisor knows of a service."""

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
    """How a service is started. Secrets are in `env` and `text_in`, never in `argv`."""

    argv: tuple[str | Path, ...]
    env: dict[str, str] = field(default_factory=dict, repr=False)
    text_in: str = field(default="", repr=False)
    user: User | None = None


class Service(Protocol):
    """One process of the stack. It describes; the supervisor acts."""

    @property
    def name(self) -> str: ...

    @property
    def needs(self) -> tuple[str, ...]:
        """The services that must be ready before this one starts."""

    @property
    def stop_signal(self) -> signal.Signals: ...

    def prepare(self) -> None:
        """Whatever must be true on disk before the start."""

    def command(self) -> Command:
        """How it is started."""

    def ready(self) -> bool:
        """Whether it does its work, asked of the service itself."""


def http_status(port: int, path: str, *, timeout: float = 2) -> int:
    """The status of GET `path` on a loopback port; 0 without an answer."""
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
    """What keeps a server, run by this user, from listening on this loopback port, in the system's words."""
    if user and user.uid and port < _first_free_to_all():
        return os.strerror(errno.EACCES)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as problem:
            return problem.strerror or str(problem)
    return ""


def _first_free_to_all() -> int:
    """https://docs.kernel.org/networking/ip-sysctl.html (ip_unprivileged_port_start)."""
    with contextlib.suppress(OSError, ValueError):
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    return 1024


def free_port() -> int:
    """A loopback port nobody listens on, another one each time.

    Below those that Linux and macOS give to outgoing connections, any of which could take it before it is listened on:
    https://docs.kernel.org/networking/ip-sysctl.html (ip_local_port_range).
    """
    return next(port for port in _candidates if port_is_free(port))


_candidates = itertools.cycle(random.sample(range(20_000, 32_768), 1_000))
