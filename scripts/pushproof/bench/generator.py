"""Measure how many requests per second a server answers, by a generator that needs little CPU time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pushproof.base import process
from pushproof.base.errors import FailedError
from pushproof.base.resources import resource
from pushproof.stack.services.base import HOST
from pushproof.tools import parts

LOAD = resource(__package__, "load.mjs")
SECONDS = 3.0


def requests_a_second(
    at: int | Path,
    requests: Sequence[dict[str, Any] | Sequence[dict[str, Any]]],
    connections: int,
    seconds: float = SECONDS,
) -> int:
    """The requests per second that a loopback port or a Unix socket answers.

    Each connection repeats one of the requests, or those of one list in turn. Raises FailedError if a request fails.
    """
    address = {"port": at, "host": HOST} if isinstance(at, int) else {"path": str(at)}
    config = {"address": address, "requests": requests, "connections": connections, "seconds": seconds}
    done = process.run([parts.node(), LOAD], text_in=json.dumps(config))
    if done.code:
        raise FailedError(f"the load on {at} failed: {done.stderr.strip()}", "`pushproof logs` may show why")
    return int(done.stdout)
