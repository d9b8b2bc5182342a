"""Reads and writes rows as `postgres`, whom policies do not bind, with a user's claims for triggers.

The roles of the API, that of the secret key included, are under test: none of them can be relied on to make rows.
"""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pushproof.base.errors import UnreachableError
from pushproof.base.queries import query
from pushproof.proof.catalog import Catalog, Policy, Relation
from pushproof.proof.names import Name, expression, listed, name_of, record, regclass, same
from pushproof.proof.unaskable import UnansweredError, no_sample
from pushproof.target.database import SETTLE, connect
from pushproof.target.overdue import ENDED, overdue

if TYPE_CHECKING:
    import psycopg

    from pushproof.target.targets import Target

Row = dict[str, Any]
LIMIT_SECONDS = 10


def connect_with_limit(target: Target) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect to the target; a statement that takes more than LIMIT_SECONDS raises UnansweredError.

    Functions and triggers of the project may never return.
    """
    connection = connect(target, limit=f"{LIMIT_SECONDS}s")
    connection.cursor_factory = _limited_cursor()
    return connection


@functools.cache
def _limited_cursor() -> type[psycopg.Cursor[Any]]:
    import psycopg

    watch = overdue()

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, *arguments: Any, **options: Any) -> Cursor:
            try:
                with watch.watched(self.connection, LIMIT_SECONDS):
                    return super().execute(*arguments, **options)
            except psycopg.errors.QueryCanceled:
                raise UnansweredError(f"the database did not answer in {LIMIT_SECONDS} s") from None
            except psycopg.Error:
                if self.connection in ENDED:
                    raise UnansweredError(f"the database did not answer in {LIMIT_SECONDS} s") from None
                if self.connection.broken:  # not an answer to the statement
                    info = self.connection.info
                    message = f"{info.host}:{info.port} closed the connection to the database"
                    raise UnreachableError(message, "run this again") from None
                raise

    return Cursor


class Records:
    """Reads and writes rows. Each thread has a connection of its own, from `connect`.

    `users` maps the names of the users for whom it writes to their ids.
    """

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], catalog: Catalog, users: Mapping[str, str]
    ) -> None:
        self._connect = connect
        self._catalog = catalog
        self.users = users
        self._local = threading.local()
        self._connections: list[psycopg.Connection[Any]] = []

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection of this thread, opened on first use."""
        known: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        # Replace a connection that was closed, or ended because a statement took too long, but not a lost one.
        if known is None or (known.closed and (not known.broken or known in ENDED)):
            known = self._local.connection = self._connect()
            self._connections.append(known)
        return known

    def close(self) -> None:
        """Close the connections; the rows stay."""
        for connection in self._connections:
            connection.close()

    def set_user(self, who: str) -> None:
        """Make auth.uid() return this user's id for the rest of the transaction."""
        claims = json.dumps({"sub": self.users.get(who, ""), "role": "authenticated"})
        self.connection.execute("select pg_catalog.set_config('request.jwt.claims', %s, true)", [claims])

    def store(self, relation: Relation, who: str, values: Row, *, keep: bool = True) -> Row:
        """Insert a row with exactly these values, with the claims of `who`, and return it as stored.

        Without `keep` the insert is rolled back. Raises psycopg.Error, and UnaskableError if a trigger drops the row.
        """
        insert = sql.SQL("insert into {} as t default values returning to_jsonb(t.*)").format(name_of(relation))
        if values:
            insert = sql.SQL("insert into {} as t ({}) select {} from {} r returning to_jsonb(t.*)").format(
                name_of(relation), listed(values), listed(values, "r"), record(relation)
            )
        with self.connection.transaction(force_rollback=not keep):
            self.set_user(who)
            stored = self.connection.execute(insert, [json.dumps(values)] if values else []).fetchone()
            self.connection.execute(SETTLE)
        if stored is None:
            raise no_sample(relation, "a trigger keeps its row from being stored")
        row: Row = stored[0]
        return row

    def find(self, relation: Relation, match: Row) -> Row | None:
        """The first row with these values; None if there is none."""
        select = sql.SQL("select to_jsonb(t.*) from {} t, {} r where {} limit 1")
        answer = self._matching(relation, select, match)
        return answer[0] if answer else None

    def current(self, relation: Relation, row: Row) -> Row | None:
        """The row as it is now; None if it is gone."""
        return self.find(relation, self._catalog.key_of(relation, row))

    def count(self, relation: Relation, match: Row) -> int:
        """How many rows have these values."""
        answer = self._matching(relation, sql.SQL("select count(*) from {} t, {} r where {}"), match)
        return int(answer[0]) if answer else 0

    def digest(self, relation: Relation, match: Row) -> str:
        """A hash of all columns of the rows with these values."""
        select = sql.SQL(
            "select md5(string_agg(to_jsonb(t.*)::text, '' order by to_jsonb(t.*)::text)) from {} t, {} r where {}"
        )
        answer = self._matching(relation, select, match)
        return str(answer[0]) if answer else ""

    def shown(self, relation: Relation, who: str, owner: str) -> list[Row]:
        """The rows that a view shows the user; with `owner`, the name of the owner column, only their own rows."""
        where = sql.SQL(" where t.{}::text = %s").format(Name(owner)) if owner else sql.SQL("")
        select = sql.SQL("select to_jsonb(t.*) from {} t{}").format(name_of(relation), where)
        return [
            row for (row,) in self._execute(relation, select, [self.users[who]] if owner else [], who=who).fetchall()
        ]

    def remove(self, relation: Relation, match: Row) -> None:
        """Delete the rows with these values; for a view, from the relation behind it."""
        relation = self._catalog.model(relation)
        match = {n: v for n, v in match.items() if n in relation.by_name}
        delete = sql.SQL("delete from {} t using {} r where {}")
        self._execute(relation, delete.format(name_of(relation), record(relation), same(match)), [json.dumps(match)])

    def changed(self, relation: Relation, row: Row, change: Row, *, keep: bool = False) -> Row | None:
        """The row after this change, or None if the database refuses it. Without `keep` the change is rolled back."""
        import psycopg

        key = self._catalog.key_of(relation, row)
        pairs = sql.SQL(", ").join(sql.SQL("{0} = c.{0}").format(Name(n)) for n in change)
        update = sql.SQL("update {} t set {} from {} r, {} c where {} returning to_jsonb(t.*)").format(
            name_of(relation), pairs, record(relation), record(relation), same(key)
        )
        after = None
        with contextlib.suppress(psycopg.Error), self.connection.transaction(force_rollback=not keep):
            if relation.is_view:
                self.set_user("owner")
            after = self.connection.execute(update, [json.dumps(key), json.dumps(change)]).fetchone()
            self.connection.execute(SETTLE)
        return after[0] if after else None

    def analyze(self, relation: Relation) -> None:
        """Collect statistics: without them the planner guesses the number of rows."""
        if not relation.is_view:
            self.connection.execute(sql.SQL("analyze {}").format(name_of(relation)), [])

    def holds(self, relation: Relation, role: str, verb: str) -> bool:
        """Whether the role holds the privilege now, on the relation or on a column of it."""
        function = "has_table_privilege" if verb in ("delete", "truncate") else "has_any_column_privilege"
        select = sql.SQL("select pg_catalog.{}(%s, %s::pg_catalog.regclass, %s)").format(Name(function))
        answer = self.connection.execute(select, [role, regclass(relation), verb]).fetchone()
        return bool(answer and answer[0])

    def policies(self, relation: Relation) -> list[Policy]:
        """The relation's policies as they are now."""
        from psycopg.rows import class_row

        with self.connection.cursor(row_factory=class_row(Policy)) as cursor:
            policies = cursor.execute(query("proof/policies"), {"schemas": [relation.schema]}).fetchall()
        return [p for p in policies if p.relation == relation.qualified]

    def passes(self, relation: Relation, row: Row, policies: Iterable[Policy], who: str) -> bool:
        """Whether the policies let the user access this row: a permissive one passes it, and all restrictive ones do.

        They are evaluated as `authenticated` on a record, so that RLS applies to their sub-selects and not to the row.
        """
        policies = list(policies)
        permits = " or ".join(f"coalesce(({p.qual}), false)" for p in policies if p.permissive) or "false"
        restricts = " and ".join(f"coalesce(({p.qual}), false)" for p in policies if not p.permissive) or "true"
        select = sql.SQL("select {} from {} as {}").format(
            expression(f"({permits}) and ({restricts})"), record(relation), Name(relation.name)
        )
        with self.connection.transaction(force_rollback=True):
            self.set_user(who)
            self.connection.execute("set local role authenticated")
            answer = self.connection.execute(select, [json.dumps(row)]).fetchone()
        return bool(answer and answer[0])

    def _matching(self, relation: Relation, select: sql.SQL, match: Row) -> tuple[Any, ...] | None:
        """The first row of a query over the relation, `t`, and the record to match, `r`."""
        composed = select.format(name_of(relation), record(relation), same(match))
        answer: tuple[Any, ...] | None = self._execute(relation, composed, [json.dumps(match)]).fetchone()
        return answer

    def _execute(
        self, relation: Relation, statement: sql.Composed, values: Sequence[str], who: str = "owner"
    ) -> psycopg.Cursor[Any]:
        """Run a statement; on a view with the claims of `who`, which the view may use."""
        if not relation.is_view:
            return self.connection.execute(statement, values)
        with self.connection.transaction():
            self.set_user(who)
            return self.connection.execute(statement, values)
