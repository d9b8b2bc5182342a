"""End connections whose statement exceeds its time limit, because SQL of the project may catch the cancellation."""

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

GRACE_SECONDS = 2  # beyond the server's time limit
POLL_SECONDS = 0.5
SESSION_POLL_SECONDS = 5  # each poll opens a connection; short commands open none
ENDED: weakref.WeakSet[psycopg.Connection[Any]] = weakref.WeakSet()  # connections that were ended here


class Overdue:
    """Watches connections in a background thread, because the thread of a connection waits for the server."""

    def __init__(self) -> None:
        self._deadlines: dict[psycopg.Connection[Any], float] = {}
        threading.Thread(target=self._watch, daemon=True, name="overdue statements").start()

    @contextlib.contextmanager
    def watched(self, connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
        """End the connection if the block takes longer than `seconds` plus GRACE_SECONDS; its statement then fails."""
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
            for connection in [key for key, deadline in [*self._deadlines.items()] if deadline < now]:
                self._deadlines.pop(connection, None)
                ENDED.add(connection)
                info = connection.info
                with (
                    contextlib.suppress(psycopg.Error),
                    psycopg.connect(info.dsn, password=info.password, autocommit=True) as other,
                ):
                    other.execute("select pg_catalog.pg_terminate_backend(%s)", [info.backend_pid])


@functools.cache
def overdue() -> Overdue:
    """The watcher of this process' connections."""
    return Overdue()


def limit_statements(connection: psycopg.Connection[Any], limit: str, texts: Iterable[str]) -> float:
    """Set the session's time limit, in PostgreSQL's notation; returns the seconds that a statement may take.

    Infinity if there is no limit, or if one of the statements `texts` may set its own.
    """
    row = connection.execute(query("target/statement_limit"), {"limit": limit}).fetchone()
    return math.inf if row is None or any("statement_timeout" in text.lower() for text in texts) else float(row[0])


@contextlib.contextmanager
def sessions_watched(target: Target, limit: str, unless: Callable[[], bool]) -> Iterator[threading.Event]:
    """While the block runs, end sessions of another program whose statement exceeds `limit` plus GRACE_SECONDS.

    `limit` is in PostgreSQL's notation. The event is set once a session was ended. No session is ended if `unless`
    returns true; it is called after SESSION_POLL_SECONDS.
    """
    import psycopg

    finished, ended, start = threading.Event(), threading.Event(), time.monotonic()

    def watch() -> None:
        if finished.wait(SESSION_POLL_SECONDS) or unless():
            return
        while not finished.wait(SESSION_POLL_SECONDS):
            with contextlib.suppress(PushproofError, psycopg.Error), connect(target) as connection:
                parameters = {"limit": limit, "grace": GRACE_SECONDS, "elapsed": time.monotonic() - start}
                if connection.execute(query("target/end_overdue"), parameters).fetchall():
                    ended.set()

    watcher = threading.Thread(target=watch, daemon=True, name="overdue sessions")
    watcher.start()
    try:
        yield ended
    finally:
        finished.set()
        watcher.join(GRACE_SECONDS)  # so that `ended` is set if it has just ended a session
