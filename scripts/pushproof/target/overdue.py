"""Statements that outlive their time limit: code of a project may catch its end, and then its connection is ended."""

from __future__ import annotations

import contextlib
import functools
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import PushproofError
from pushproof.base.queries import query
from pushproof.target.database import connect
from pushproof.target.targets import Target

if TYPE_CHECKING:
    import psycopg

GRACE_SECONDS = 2  # after the server's own limit
POLL_SECONDS = 0.5
SESSION_POLL_SECONDS = 5  # each a connection of its own; short commands make none
ENDED: weakref.WeakSet[psycopg.Connection[Any]] = weakref.WeakSet()  # connections whose statement took too long


class Overdue:
    """Watches connections, in a thread of its own: one that waits for the server cannot."""

    def __init__(self) -> None:
        self._deadlines: dict[psycopg.Connection[Any], float] = {}
        threading.Thread(target=self._watch, daemon=True, name="overdue statements").start()

    @contextlib.contextmanager
    def watched(self, connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
        """End the connection where the block takes longer than this and a little: whoever waits gets an error."""
        self._deadlines[connection] = time.monotonic() + seconds + GRACE_SECONDS
        try:
            yield
        finally:
            self._deadlines.pop(connection, None)

    def _watch(self) -> None:
        import psycopg

        while True:
            time.sleep(POLL_SECONDS)
            now = time.monotonic()
            for connection in [one for one, deadline in [*self._deadlines.items()] if deadline < now]:
                self._deadlines.pop(connection, None)
                ENDED.add(connection)
                own = connection.info
                with (
                    contextlib.suppress(psycopg.Error),
                    psycopg.connect(own.dsn, password=own.password, autocommit=True) as apart,
                ):
                    apart.execute("select pg_catalog.pg_terminate_backend(%s)", [own.backend_pid])


@functools.cache
def overdue() -> Overdue:
    """The one that watches this process's connections."""
    return Overdue()


def limit_statements(connection: psycopg.Connection[Any], limit: str, texts: Iterable[str]) -> float:
    """Set the session's time limit, as PostgreSQL writes it; the seconds that one of these statements may take.

    Infinite where there is no limit, or one of them may set its own.
    """
    row = connection.execute(query("target/statement_limit"), {"limit": limit}).fetchone()
    return math.inf if row is None or any("statement_timeout" in text.lower() for text in texts) else float(row[0])


@contextlib.contextmanager
def sessions_watched(target: Target, limit: str, unless: Callable[[], bool]) -> Iterator[threading.Event]:
    """End sessions that another program opens meanwhile and whose statement outlives `limit`, as PostgreSQL writes it,
    and a little. The event is set once one was ended.

    `unless` says that they are left alone; it is asked once the block has taken some seconds.
    """
    import psycopg

    over, ended, began = threading.Event(), threading.Event(), time.monotonic()

    def watch() -> None:
        if over.wait(SESSION_POLL_SECONDS) or unless():
            return
        while not over.wait(SESSION_POLL_SECONDS):
            with contextlib.suppress(PushproofError, psycopg.Error), connect(target) as apart:
                asked = {"limit": limit, "grace": GRACE_SECONDS, "elapsed": time.monotonic() - began}
                if apart.execute(query("target/end_overdue"), asked).fetchall():
                    ended.set()

    watcher = threading.Thread(target=watch, daemon=True, name="overdue sessions")
    watcher.start()
    try:
        yield ended
    finally:
        over.set()
        watcher.join(GRACE_SECONDS)  # what it has just ended is known to the caller then
