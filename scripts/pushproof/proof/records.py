"""Rows read and written as `postgres`, whom policies do not bind, in the name of a user where triggers ask for one.

What is asked about are the API's roles, the secret key's among them: none of them can be trusted to make rows.
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


def impatient(target: Target) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection on which a statement of more than LIMIT_SECONDS raises UnansweredError: code of the project's may
    never return.
    """
    connection = connect(target, limit=f"{LIMIT_SECONDS}s")
    connection.cursor_factory = _impatient_cursor()
    return connection


@functools.cache
def _impatient_cursor() -> type[psycopg.Cursor[Any]]:
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
                if self.connection.broken:  # which is not the database's word on what was asked
                    info = self.connection.info
                    words = f"{info.host}:{info.port} cut the connection to the database"
                    raise UnreachableError(words, "run this again") from None
                raise

    return Cursor


class Records:
    """Reads and writes rows. Each thread works on a connection of its own, from `connect`.

    `users` are the ids of those in whose name it writes.
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
        """This thread's."""
        known: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        # One that was closed, or ended because a statement took too long; one that was lost is not replaced.
        if known is None or (known.closed and (not known.broken or known in ENDED)):
            known = self._local.connection = self._connect()
            self._connections.append(known)
        return known

    def close(self) -> None:
        """End the connections; the rows stay."""
        for connection in self._connections:
            connection.close()

    def speak_as(self, who: str) -> None:
        """Let auth.uid() answer with the user's id for the rest of the transaction."""
        claims = json.dumps({"sub": self.users.get(who, ""), "role": "authenticated"})
        self.connection.execute("select pg_catalog.set_config('request.jwt.claims', %s, true)", [claims])

    def store(self, relation: Relation, who: str, values: Row, *, keep: bool = True) -> Row:
        """Insert exactly these values in `who`'s name, for defaults and triggers; the row that came of them.

        Raises psycopg.Error, and UnaskableError where a trigger drops the row.
        """
        insert = sql.SQL("insert into {} as t default values returning to_jsonb(t.*)").format(name_of(relation))
        if values:
            insert = sql.SQL("insert into {} as t ({}) select {} from {} r returning to_jsonb(t.*)").format(
                name_of(relation), listed(values), listed(values, "r"), record(relation)
            )
        with self.connection.transaction(force_rollback=not keep):
            self.speak_as(who)
            stored = self.connection.execute(insert, [json.dumps(values)] if values else []).fetchone()
            self.connection.execute(SETTLE)
        if stored is None:
            raise no_sample(relation, "a trigger keeps its row from being stored")
        row: Row = stored[0]
        return row

    def find(self, relation: Relation, match: Row) -> Row | None:
        """The first row with these values, as it really is."""
        select = sql.SQL("select to_jsonb(t.*) from {} t, {} r where {} limit 1")
        answer = self._matching(relation, select, match)
        return answer[0] if answer else None

    def current(self, relation: Relation, row: Row) -> Row | None:
        """The row as it is now; None when it is gone."""
        return self.find(relation, self._catalog.key_of(relation, row))

    def count(self, relation: Relation, match: Row) -> int:
        """How many rows have these values."""
        answer = self._matching(relation, sql.SQL("select count(*) from {} t, {} r where {}"), match)
        return int(answer[0]) if answer else 0

    def digest(self, relation: Relation, match: Row) -> str:
        """A hash of the rows with these values, all columns of them."""
        select = sql.SQL(
            "select md5(string_agg(to_jsonb(t.*)::text, '' order by to_jsonb(t.*)::text)) from {} t, {} r where {}"
        )
        answer = self._matching(relation, select, match)
        return str(answer[0]) if answer else ""

    def shown(self, relation: Relation, who: str, owner: str) -> list[Row]:
        """What a view shows the user; with `owner`, the column that says whose a row is, their own rows only."""
        where = sql.SQL(" where t.{}::text = %s").format(Name(owner)) if owner else sql.SQL("")
        select = sql.SQL("select to_jsonb(t.*) from {} t{}").format(name_of(relation), where)
        return [
            row for (row,) in self._execute(relation, select, [self.users[who]] if owner else [], who=who).fetchall()
        ]

    def remove(self, relation: Relation, match: Row) -> None:
        """Delete the rows with these values; those of a view from where they are."""
        relation = self._catalog.model(relation)
        match = {n: v for n, v in match.items() if n in relation.by_name}
        delete = sql.SQL("delete from {} t using {} r where {}")
        self._execute(relation, delete.format(name_of(relation), record(relation), same(match)), [json.dumps(match)])

    def changed(self, relation: Relation, row: Row, change: Row, *, keep: bool = False) -> Row | None:
        """The row after this change, undone at once unless kept; None where the database does not take it."""
        import psycopg

        key = self._catalog.key_of(relation, row)
        pairs = sql.SQL(", ").join(sql.SQL("{0} = c.{0}").format(Name(n)) for n in change)
        update = sql.SQL("update {} t set {} from {} r, {} c where {} returning to_jsonb(t.*)").format(
            name_of(relation), pairs, record(relation), record(relation), same(key)
        )
        after = None
        with contextlib.suppress(psycopg.Error), self.connection.transaction(force_rollback=not keep):
            if relation.is_view:
                self.speak_as("owner")
            after = self.connection.execute(update, [json.dumps(key), json.dumps(change)]).fetchone()
            self.connection.execute(SETTLE)
        return after[0] if after else None

    def analyze(self, relation: Relation) -> None:
        """Let the planner know the relation as it is: without statistics it guesses a number of rows."""
        if not relation.is_view:
            self.connection.execute(sql.SQL("analyze {}").format(name_of(relation)), [])

    def holds(self, relation: Relation, role: str, verb: str) -> bool:
        """Whether the role holds the privilege now, on the relation or on a column of it."""
        function = "has_table_privilege" if verb in ("delete", "truncate") else "has_any_column_privilege"
        ask = sql.SQL("select pg_catalog.{}(%s, %s::pg_catalog.regclass, %s)").format(Name(function))
        answer = self.connection.execute(ask, [role, regclass(relation), verb]).fetchone()
        return bool(answer and answer[0])

    def policies(self, relation: Relation) -> list[Policy]:
        """The relation's policies as they are now."""
        from psycopg.rows import class_row

        with self.connection.cursor(row_factory=class_row(Policy)) as cursor:
            every = cursor.execute(query("proof/policies"), {"schemas": [relation.schema]}).fetchall()
        return [p for p in every if p.relation == relation.qualified]

    def passes(self, relation: Relation, row: Row, policies: Iterable[Policy], who: str) -> bool:
        """Whether the policies let the user through to this row: one that permits, and none that restricts.

        Asked as `authenticated`, of a record, so that row level security binds their sub-selects and not the row.
        """
        known = list(policies)
        permits = " or ".join(f"coalesce(({p.qual}), false)" for p in known if p.permissive) or "false"
        restricts = " and ".join(f"coalesce(({p.qual}), false)" for p in known if not p.permissive) or "true"
        select = sql.SQL("select {} from {} as {}").format(
            expression(f"({permits}) and ({restricts})"), record(relation), Name(relation.name)
        )
        with self.connection.transaction(force_rollback=True):
            self.speak_as(who)
            self.connection.execute("set local role authenticated")
            answer = self.connection.execute(select, [json.dumps(row)]).fetchone()
        return bool(answer and answer[0])

    def _matching(self, relation: Relation, select: sql.SQL, match: Row) -> tuple[Any, ...] | None:
        """The first row of a query over the relation `t` and what is looked for, `r`."""
        composed = select.format(name_of(relation), record(relation), same(match))
        answer: tuple[Any, ...] | None = self._execute(relation, composed, [json.dumps(match)]).fetchone()
        return answer

    def _execute(
        self, relation: Relation, statement: sql.Composed, values: Sequence[str], who: str = "owner"
    ) -> psycopg.Cursor[Any]:
        """Run it; in the name of `who` on a view, which may ask who reads."""
        if not relation.is_view:
            return self.connection.execute(statement, values)
        with self.connection.transaction():
            self.speak_as(who)
            return self.connection.execute(statement, values)
