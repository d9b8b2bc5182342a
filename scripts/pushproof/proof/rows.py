"""The rows of a run: made for a user, known by whose they are, remade when they are gone, and removed in the end."""

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
from pushproof.proof.unaskable import CrowdedError, SingleError, UnansweredError, UnaskableError, no_sample
from pushproof.proof.values import Values

if TYPE_CHECKING:
    import psycopg


class Rows:
    """`standing` rows serve as parents and are looked at, `fresh` ones are for one cell.

    `users` are the ids of those whose rows these are, by the actor's name.
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
        self.settable: dict[str, str] = {}  # a column that the owner was seen to set, until something is mended
        self.called = False  # functions that may have made rows of their own
        self.crowded = False  # several cases are asked at once: standing rows have to stay

    def standing(self, relation: Relation, who: str) -> Row:
        """The row that stands for `who`'s rows here, made on first use. Raises UnaskableError."""
        if relation.is_view:
            return self._of_view(relation, who)
        key = relation.qualified, who
        with self._lock:
            if key not in self._standing:
                circle = f"rows of {relation.qualified} need one another: foreign keys go in a circle"
                self._standing[key] = no_sample(relation, circle)  # for whoever it refers to
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
        """Whether a row stands for the user there."""
        return isinstance(self._standing.get((relation.qualified, who)), dict)

    def is_standing(self, relation: Relation, row: Row) -> bool:
        """Whether it is, or may show, a standing row, on which others may hang."""
        return relation.is_view or any(
            name == relation.qualified and known == row for (name, _), known in self._standing.items()
        )

    def fresh(self, relation: Relation, who: str, *, standing: bool = False) -> Row:
        """One more row of `who`'s. Raises UnaskableError, also where a user can have only one."""
        row = self._insert(relation, who, self.values.required(relation, who), standing=standing)
        if not standing and not self._intent.of(relation).owner:
            self._join(relation, row, who)
        return row

    def fresh_or_standing(self, relation: Relation, who: str) -> Row:
        """A fresh row, or where a user can have only one, that one."""
        if relation.is_view:
            former = self._shown(relation, who)
            self.fresh_or_standing(self._catalog.model(relation), who)
            new = [row for row in self._shown(relation, who) if row not in former]
            return new[0] if new else self._of_view(relation, who)
        try:
            return self.fresh(relation, who)
        except SingleError:
            self._need_room()
            row = self.standing(relation, who)
            return self.records.current(relation, row) or row  # a call may have changed it

    def _insert(self, relation: Relation, who: str, values: Row, *, standing: bool) -> Row:
        """Insert a row and remember it. Raises UnaskableError."""
        try:
            row = self.values.stored(relation, who, values)
        except SingleError:
            if standing and (there := self._by_trigger(relation, who, values)):
                return there
            raise
        self._made.append((relation.qualified, row))
        return row

    def _by_trigger(self, relation: Relation, who: str, values: Row) -> Row | None:
        """The row that a trigger of the project made first, such as a profile at sign-up."""
        names = [n for n, v in values.items() if v == self._users.get(who)]
        for unique in relation.uniques:
            names = names or [n for n in unique if n in values]
        return self.records.find(relation, {n: values[n] for n in names}) if names else None

    def _join(self, relation: Relation, row: Row, who: str) -> None:
        """Make the user a member of a row that says no owner, where memberships say it."""
        for membership in self._catalog.exposed:
            keys = [k for k in membership.foreign_keys if k.target == relation.qualified]
            if keys and is_membership(membership) and membership is not relation:
                with contextlib.suppress(UnaskableError):
                    values = self.values.required(membership, who)
                    values |= {c: row[t] for k in keys for c, t in zip(k.columns, k.target_columns, strict=True)}
                    self._insert(membership, who, values, standing=False)

    def _of_view(self, relation: Relation, who: str) -> Row:
        """A row of the user's that the view shows. Raises UnaskableError without one, or where nothing says whose."""
        shown = self._shown(relation, who) if self._intent.of(relation).owner else []
        if not shown:
            raise UnaskableError(
                f"{relation.qualified} shows no row of {who}'s; name its `owner` in supabase/access.toml"
            )
        return shown[0]

    def _shown(self, relation: Relation, who: str) -> list[Row]:
        return self.records.shown(relation, who, self._intent.of(relation).owner)

    def _need_room(self) -> None:
        if self.crowded:
            raise CrowdedError

    def remove_of(self, relation: Relation, match: Row, who: str) -> None:
        """Delete what matches and is the user's, if the relation says whose a row is."""
        owner = self._intent.of(relation).owner
        self.records.remove(relation, {**match, owner: self._users[who]} if owner else match)

    def undo(self, relation: Relation, row: Row, change: Row) -> bool:
        """Whether the row took this change, its key perhaps; then it is put back: others may hang on it."""
        now = self.records.current(relation, row) or self.records.current(relation, {**row, **change})
        if now and all(now[n] == row[n] for n in change):
            return False
        if now is None or self.records.changed(relation, now, {n: row[n] for n in change}, keep=True) is None:
            self.refresh()
        return True

    @contextlib.contextmanager
    def room_for(self, relation: Relation, who: str) -> Iterator[Callable[[], bool]]:
        """Make room where a user can have only one row; yields whether `postgres` can insert the body."""
        import psycopg

        fits, removed = True, False
        body = self.values.body(relation, who)
        self.values.mark(relation, body)
        try:
            self.records.store(relation, who, self.values.required(relation, who) | body, keep=False)
        except psycopg.errors.UniqueViolation:
            self._need_room()
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
        yield lambda: fits
        if removed:  # a look at every standing row, which would make each case cost more the more relations there are
            self.refresh()

    def marks(self, who: str) -> set[str]:
        """What tells a user's data in an answer: their id and their rows' keys."""
        marks = {self._users[who]}
        for (name, whose), row in self._standing.items():
            relation = self._catalog.relations[name]
            if whose == who and not isinstance(row, Exception):
                marks |= {str(row[n]) for n in relation.key if relation.by_name[n].base_type == "uuid"}
        return marks

    def populate(self, users: Iterable[str]) -> None:
        """Make every standing row, so that views and functions have something to show."""
        for who in users:
            for relation in self._holding():
                with contextlib.suppress(UnaskableError, UnansweredError):  # the cells that need it say so
                    self.standing(relation, who)

    def add(self, who: str) -> None:
        """One more row for the user wherever they can have several."""
        for relation in self._holding():
            with contextlib.suppress(UnaskableError, UnansweredError):
                self.fresh(relation, who)

    def refresh(self) -> None:
        """Make again what a cell, or a cascade of it, took away."""
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
        """Take over the rows that stood when this database was copied."""
        self._standing = dict(other._standing)
        self.values.learned = dict(other.values.learned)

    def clean(self) -> None:
        """Delete every row of the run that is still there, children first, and end the connections."""
        import psycopg

        silent: set[str] = set()  # relations whose triggers do not return
        for name, row in reversed(self._made):
            relation = self._catalog.relations[name]
            try:
                if name not in silent:
                    self.records.remove(relation, self._catalog.key_of(relation, row))
            except psycopg.Error:  # a restricting key of a row that goes with its user
                continue
            except UnansweredError:
                silent.add(name)
        if self.called:
            self._mop()
        self.records.close()

    def _mop(self) -> None:
        """Delete what functions made of the texts that they were given."""
        import psycopg

        mark = f"%pushproof {self.values.run}%"
        delete = sql.SQL("delete from {} t where concat({}) like %s")
        for relation in self._holding():
            texts = [sql.SQL("t.{}::text").format(Name(c.name)) for c in relation.columns if c.category == "S"]
            if texts:
                with contextlib.suppress(psycopg.Error, UnansweredError):
                    statement = delete.format(name_of(relation), sql.SQL(", ").join(texts))
                    self.records.connection.execute(statement, [mark])
        with contextlib.suppress(psycopg.Error, UnansweredError):
            self.records.connection.execute(query("proof/mop_users"), {"mark": mark})

    def _holding(self) -> list[Relation]:
        """The exposed relations in which rows can be made."""
        return [r for r in self._catalog.exposed if not r.is_view and r.kind != "f"]
