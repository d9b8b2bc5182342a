"""The rows of a run: made for each user, made again when they are gone, and removed at the end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pushproof.base.queries import query
from pushproof.proof.catalog import Catalog, Relation
from pushproof.proof.intent import Intent
from pushproof.proof.names import Name, name_of
from pushproof.proof.records import Records, Row
from pushproof.proof.samples import is_membership
from pushproof.proof.unaskable import NotAloneError, SingleError, UnansweredError, UnaskableError, no_sample
from pushproof.proof.values import Values

if TYPE_CHECKING:
    import psycopg


class Rows:
    """Makes and removes rows. A standing row serves many cells, as a parent too; a fresh row serves one cell.

    `users` maps the names of the actors who own rows to their ids.
    """

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], catalog: Catalog, intent: Intent, users: Mapping[str, str]
    ) -> None:
        self._catalog = catalog
        self._intent = intent
        self._users = users
        self.records = Records(connect, catalog, users)
        self.values = Values(self.records, catalog, intent, standing=self.standing)
        self._standing: dict[tuple[str, str], Row | UnaskableError | UnansweredError] = {}
        self._made: list[tuple[str, Row]] = []
        self._lock = threading.RLock()
        self.settable: dict[str, str] = {}  # by relation, a column that the owner was able to set; cleared by refresh
        self.called = False  # functions were called that may have made rows
        self.parallel = False  # several cases are asked at once: standing rows must stay

    def standing(self, relation: Relation, who: str) -> Row:
        """The standing row of `who` in this relation, made on first use. Raises UnaskableError."""
        if relation.is_view:
            return self._of_view(relation, who)
        key = relation.qualified, who
        with self._lock:
            if key not in self._standing:
                cycle = f"rows of {relation.qualified} need one another: their foreign keys form a cycle"
                self._standing[key] = no_sample(relation, cycle)  # raised if a parent needs this row
                try:
                    self._standing[key] = self.fresh(relation, who, standing=True)
                except (UnaskableError, UnansweredError) as reason:
                    self._standing[key] = reason
                except BaseException:
                    del self._standing[key]
                    raise
            row = self._standing[key]
        if isinstance(row, Exception):
            raise row
        return row

    def has_standing(self, relation: Relation, who: str) -> bool:
        """Whether the user has a standing row in this relation."""
        return isinstance(self._standing.get((relation.qualified, who)), dict)

    def is_standing(self, relation: Relation, row: Row) -> bool:
        """Whether this is a standing row, to which others may refer; always true for a row of a view."""
        return relation.is_view or any(
            name == relation.qualified and standing == row for (name, _), standing in self._standing.items()
        )

    def fresh(self, relation: Relation, who: str, *, standing: bool = False) -> Row:
        """Make one more row of `who`. Raises UnaskableError, and SingleError if a user can have only one."""
        row = self._insert(relation, who, self.values.required(relation, who), standing=standing)
        if not standing and not self._intent.of(relation).owner:
            self._join(relation, row, who)
        return row

    def fresh_or_standing(self, relation: Relation, who: str) -> Row:
        """A fresh row, or the standing row if a user can have only one."""
        if relation.is_view:
            former = self._shown(relation, who)
            self.fresh_or_standing(self._catalog.model(relation), who)
            new = [row for row in self._shown(relation, who) if row not in former]
            return new[0] if new else self._of_view(relation, who)
        try:
            return self.fresh(relation, who)
        except SingleError:
            self._require_alone()
            row = self.standing(relation, who)
            return self.records.current(relation, row) or row  # a call may have changed it

    def _insert(self, relation: Relation, who: str, values: Row, *, standing: bool) -> Row:
        """Insert a row and record it for `clean`. Raises UnaskableError."""
        try:
            row = self.values.stored(relation, who, values)
        except SingleError:
            if standing and (existing := self._by_trigger(relation, who, values)):
                return existing
            raise
        self._made.append((relation.qualified, row))
        return row

    def _by_trigger(self, relation: Relation, who: str, values: Row) -> Row | None:
        """The row that a trigger of the project has already made, such as a profile at sign-up."""
        names = [n for n, v in values.items() if v == self._users.get(who)]
        for unique in relation.uniques:
            names = names or [n for n in unique if n in values]
        return self.records.find(relation, {n: values[n] for n in names}) if names else None

    def _join(self, relation: Relation, row: Row, who: str) -> None:
        """Make the user a member of a row without an owner column, in each relation that holds memberships."""
        for membership in self._catalog.exposed:
            keys = [k for k in membership.foreign_keys if k.target == relation.qualified]
            if keys and is_membership(membership) and membership is not relation:
                with contextlib.suppress(UnaskableError):
                    values = self.values.required(membership, who)
                    values |= {c: row[t] for k in keys for c, t in zip(k.columns, k.target_columns, strict=True)}
                    self._insert(membership, who, values, standing=False)

    def _of_view(self, relation: Relation, who: str) -> Row:
        """A row of the user that the view shows. Raises UnaskableError if there is none, or no owner column."""
        shown = self._shown(relation, who) if self._intent.of(relation).owner else []
        if not shown:
            raise UnaskableError(
                f"{relation.qualified} shows no row of {who}'s; name its `owner` in supabase/access.toml"
            )
        return shown[0]

    def _shown(self, relation: Relation, who: str) -> list[Row]:
        return self.records.shown(relation, who, self._intent.of(relation).owner)

    def _require_alone(self) -> None:
        if self.parallel:
            raise NotAloneError

    def remove_of(self, relation: Relation, match: Row, who: str) -> None:
        """Delete the rows that match; if the relation has an owner column, only those of the user."""
        owner = self._intent.of(relation).owner
        self.records.remove(relation, {**match, owner: self._users[who]} if owner else match)

    def undo(self, relation: Relation, row: Row, change: Row) -> bool:
        """Whether the row has this change, which is undone: other rows may refer to the row."""
        current = self.records.current(relation, row) or self.records.current(relation, {**row, **change})
        if current and all(current[n] == row[n] for n in change):
            return False
        previous = {n: row[n] for n in change}
        if current is None or self.records.changed(relation, current, previous, keep=True) is None:
            self.refresh()
        return True

    @contextlib.contextmanager
    def room_for(self, relation: Relation, who: str) -> Iterator[Callable[[], bool]]:
        """Remove the user's standing row if they can have only one, and restore it on exit.

        Yields a function that returns whether `postgres` can insert a row.
        """
        import psycopg

        fits, removed = True, False
        body = self.values.body(relation, who)
        self.values.mark(relation, body)
        try:
            self.records.store(relation, who, self.values.required(relation, who) | body, keep=False)
        except psycopg.errors.UniqueViolation:
            self._require_alone()
            try:
                self.records.remove(relation, self._catalog.key_of(relation, self.standing(relation, who)))
            except psycopg.errors.ForeignKeyViolation:
                raise UnaskableError(
                    f"a user can have only one row in {relation.qualified}, "
                    "and others reference it without `on delete cascade`"
                ) from None
            removed = True
        except psycopg.Error:
            fits = False
        try:
            yield lambda: fits
        finally:
            if removed:  # not always: it reads all standing rows, which is slow with many relations
                self.refresh()

    def marks(self, who: str) -> set[str]:
        """The values that identify a user's data in an answer: their id and the uuid keys of their rows."""
        marks = {self._users[who]}
        for (name, owner), row in self._standing.items():
            relation = self._catalog.relations[name]
            if owner == who and not isinstance(row, Exception):
                marks |= {str(row[n]) for n in relation.key if relation.by_name[n].base_type == "uuid"}
        return marks

    def populate(self, users: Iterable[str]) -> None:
        """Make all standing rows of these users, so that views and functions have rows to show."""
        for who in users:
            for relation in self._writable():
                with contextlib.suppress(UnaskableError, UnansweredError):  # reported by the cells that need the row
                    self.standing(relation, who)

    def add(self, who: str) -> None:
        """Make one more row for the user in each relation where they can have several."""
        for relation in self._writable():
            with contextlib.suppress(UnaskableError, UnansweredError):
                self.fresh(relation, who)

    def refresh(self) -> None:
        """Make the standing rows again that a cell, or its cascades, deleted."""
        self.settable.clear()
        missing = []
        with self._lock:
            for (name, who), row in list(self._standing.items()):
                relation = self._catalog.relations[name]
                if not isinstance(row, Exception) and not self.records.current(relation, row):
                    missing.append((name, who))
                    del self._standing[name, who]
            for name, who in missing:
                self.standing(self._catalog.relations[name], who)

    def adopt(self, other: Rows) -> None:
        """Take over the standing rows of the database from which this one was copied."""
        self._standing = dict(other._standing)
        self.values.learned = dict(other.values.learned)

    def clean(self) -> None:
        """Delete all remaining rows of the run, children first, and close the connections."""
        import psycopg

        unanswered: set[str] = set()  # relations whose triggers do not return
        for name, row in reversed(self._made):
            relation = self._catalog.relations[name]
            try:
                if name not in unanswered:
                    self.records.remove(relation, self._catalog.key_of(relation, row))
            except psycopg.Error:  # such as a restricting foreign key; the row goes with its user
                continue
            except UnansweredError:
                unanswered.add(name)
        if self.called:
            self._remove_by_text()
        self.records.close()

    def _remove_by_text(self) -> None:
        """Delete the rows that functions made from the texts of this run."""
        import psycopg

        mark = f"%pushproof {self.values.run}%"
        delete = sql.SQL("delete from {} t where concat({}) like %s")
        for relation in self._writable():
            texts = [sql.SQL("t.{}::text").format(Name(c.name)) for c in relation.columns if c.category == "S"]
            if texts:
                with contextlib.suppress(psycopg.Error, UnansweredError):
                    statement = delete.format(name_of(relation), sql.SQL(", ").join(texts))
                    self.records.connection.execute(statement, [mark])
        with contextlib.suppress(psycopg.Error, UnansweredError):
            self.records.connection.execute(query("proof/mop_users"), {"mark": mark})

    def _writable(self) -> list[Relation]:
        """The exposed relations in which rows can be made."""
        return [r for r in self._catalog.exposed if not r.is_view and r.kind != "f"]
