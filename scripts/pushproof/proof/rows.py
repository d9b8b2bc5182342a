"""Sample rows: each belonging to one user, made of values that the database takes.

They are made and read back through the database connection as `postgres`, whom policies do not bind:
what is asked about are the API's roles, the secret key's among them.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import UnreachableError
from pushproof.base.queries import query
from pushproof.proof.catalog import USERS, Catalog, Column, ForeignKey, Policy, Relation, ident, plain, quoted
from pushproof.proof.intent import Intent, RelationIntent
from pushproof.proof.samples import (
    argument_column,
    candidates,
    is_membership,
    leading_role,
    mark_column,
    of_type,
    user_columns,
)
from pushproof.target.database import connect
from pushproof.target.overdue import ENDED, overdue

if TYPE_CHECKING:
    import psycopg

    from pushproof.target.targets import Target

Row = dict[str, Any]
LIMIT_SECONDS = 10
TRIES = 200  # combinations of values that are tried against the checks of one row


class UnaskableError(Exception):
    """A cell that could not be asked, in one sentence with what to do about it."""


class UnansweredError(Exception):
    """A statement that the server did not end in time: whoever tries values stops at it."""


class SingleError(UnaskableError):
    """A second row of the same user's is not possible."""


class CrowdedError(Exception):
    """The case needs a standing row for itself, while others are asked that may look at it."""


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


class Rows:
    """The rows of a run. `standing` ones serve as parents and are looked at, `fresh` ones are for one cell.

    Each thread works on a connection of its own, from `connect`.
    """

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], catalog: Catalog, intent: Intent, users: Mapping[str, str]
    ) -> None:
        self._connect = connect
        self._catalog = catalog
        self._intent = intent
        self._users = users
        self._standing: dict[tuple[str, str], Row | UnaskableError | UnansweredError] = {}
        self._made: list[tuple[str, Row]] = []
        self._learned: dict[str, Row] = {}  # values that satisfied the checks of a relation
        self._local = threading.local()
        self._connections: list[psycopg.Connection[Any]] = []
        self._lock = threading.RLock()
        self._counter = itertools.count(1)
        self._run = uuid.uuid4().hex[:8]
        self.settable: dict[str, str] = {}  # a column that the owner was seen to set, until something is mended
        self.called = False  # functions that may have made rows of their own
        self.crowded = False  # several cases are asked at once: standing rows have to stay

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """This thread's."""
        known: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        # One that was closed, or ended because a statement took too long; one that was lost is not replaced.
        if known is None or (known.closed and (not known.broken or known in ENDED)):
            self._local.connection = self._connect()
            self._connections.append(self._local.connection)
        found: psycopg.Connection[Any] = self._local.connection
        return found

    def intent_of(self, relation: Relation) -> RelationIntent:
        return self._intent.relations.get(relation.qualified) or RelationIntent({}, _guessed_owner(relation))

    def standing(self, relation: Relation, who: str) -> Row:
        """The row that stands for `who`'s rows here, made on first use. Raises UnaskableError."""
        if relation.is_view:
            return self._of_view(relation, who)
        key = relation.qualified, who
        with self._lock:
            if key not in self._standing:
                circle = f"rows of {relation.qualified} need one another: foreign keys go in a circle"
                self._standing[key] = UnaskableError(self._advice(relation, circle))  # for whoever it refers to
                try:
                    self._standing[key] = self.fresh(relation, who, standing=True)
                except (UnaskableError, UnansweredError) as reason:
                    self._standing[key] = reason
                except BaseException:
                    del self._standing[key]
                    raise
            found = self._standing[key]
        if isinstance(found, Exception):
            raise found
        return found

    def has(self, relation: Relation, who: str) -> bool:
        """Whether a row stands for the user there."""
        return isinstance(self._standing.get((relation.qualified, who)), dict)

    def stands(self, relation: Relation, row: Row) -> bool:
        """Whether it is, or may show, a standing row, on which others may hang."""
        return relation.is_view or any(
            name == relation.qualified and found == row for (name, _), found in self._standing.items()
        )

    def fresh(self, relation: Relation, who: str, *, standing: bool = False) -> Row:
        """One more row of `who`'s. Raises UnaskableError, also where a user can have only one."""
        row = self._insert(relation, who, self.values(relation, who), standing=standing)
        if not standing and not self.intent_of(relation).owner:
            self._join(relation, row, who)
        return row

    def _join(self, relation: Relation, row: Row, who: str) -> None:
        """Make the user a member of a row that says no owner, where memberships say it."""
        for membership in self._catalog.exposed:
            keys = [k for k in membership.foreign_keys if k.target == relation.qualified]
            if keys and is_membership(membership) and membership is not relation:
                with contextlib.suppress(UnaskableError):
                    values = self.values(membership, who)
                    values |= {c: row[t] for k in keys for c, t in zip(k.columns, k.target_columns, strict=True)}
                    self._insert(membership, who, values, standing=False)

    def model(self, relation: Relation) -> Relation:
        """The relation whose keys and checks bind what is written: that behind a view, of several the most alike."""
        sources = [self._catalog.relations[s] for s in relation.sources if s in self._catalog.relations]
        if not relation.is_view or not sources:
            return relation
        return self.model(max(sources, key=lambda s: len(s.by_name.keys() & relation.by_name.keys())))

    def values(self, relation: Relation, who: str) -> Row:
        """What an insert of a row of `who`'s has to give: keys, owner, and what has no default."""
        if (model := self.model(relation)) is not relation:
            shown = {**self.values(model, who), **self.intent_of(relation).sample}
            return {n: v for n, v in shown.items() if n in relation.by_name}
        intent = self.intent_of(relation)
        values: Row = {**self._learned.get(relation.qualified, {}), **intent.sample}
        for key in sorted(relation.foreign_keys, key=lambda k: -len(k.columns)):
            self._refer(relation, key, who, values)
        if intent.owner and intent.owner not in values:
            values[intent.owner] = self._users[who]
        needed = relation.telling
        for column in relation.columns:
            if column.name in values or column.written:
                continue
            if role := leading_role(relation, column):
                values[column.name] = role
            elif not column.filled and (column.required or column.name in needed):
                values[column.name] = self.value(column)
        return values

    def _refer(self, relation: Relation, key: ForeignKey, who: str, values: Row) -> None:
        """Point a foreign key at the user, or at their standing row there."""
        if key.target == USERS:
            found = {c: self._users[who] for c, t in zip(key.columns, key.target_columns, strict=True) if t == "id"}
        else:
            found = self._parent(relation, key, who, values)
        for column, value in found.items():
            values.setdefault(column, value)

    def _parent(self, relation: Relation, key: ForeignKey, who: str, values: Row) -> Row:
        """The values of a foreign key for the user's standing row; none where the key may stay empty."""
        needed = any(relation.by_name[c].required for c in key.columns) and not set(key.columns) <= values.keys()
        if key.target == relation.qualified or key.target not in self._catalog.relations:
            if needed:
                raise UnaskableError(self._advice(relation, f"{', '.join(key.columns)} must refer to {key.target}"))
            return {}
        try:
            parent = self.standing(self._catalog.relations[key.target], who)
        except UnaskableError:
            if needed:
                raise
            return {}
        return {c: parent[t] for c, t in zip(key.columns, key.target_columns, strict=True)}

    def value(self, column: Column) -> Any:
        """A value of the column's type that no other row has."""
        return of_type(column, next(self._counter), self._run)

    def argument(self, type_: str, labels: Sequence[str]) -> Any:
        """A value for a function's argument of this type, that no other call has."""
        return self.value(argument_column(type_, labels))

    def _insert(self, relation: Relation, who: str, values: Row, *, standing: bool) -> Row:
        """Insert a row, with other values until it holds. Raises UnaskableError."""
        try:
            row = self._fit(relation, who, values)
        except SingleError:
            if standing and (there := self._there(relation, who, values)):
                return there
            raise
        self._made.append((relation.qualified, row))
        return row

    def _fit(self, relation: Relation, who: str, values: Row, *, keep: bool = True) -> Row:
        """Try it against checks and keys with other values until it holds; they stay in `values`.

        Raises UnaskableError, of which SingleError where only keys are in the way.
        """
        import psycopg

        choices: dict[str, list[Any]] = {name: [] for name in self._learned.get(relation.qualified, {})}
        unique = {c for columns in relation.uniques for c in columns}
        single = check = ""
        for _ in range(TRIES):
            try:
                row = self.store(relation, who, values, keep=keep)
            except psycopg.errors.CheckViolation as problem:
                check = problem.diag.constraint_name or ""
                if not self._other_values(relation, check, values, choices):
                    break
            except psycopg.errors.UniqueViolation:
                single = f"a user can have only one row in {relation.qualified}"
                if not _next_key(unique, values, choices):
                    break
            except psycopg.Error as problem:
                words = problem.diag.message_primary or str(problem)
                raise UnaskableError(self._advice(relation, f"the database answered: {words}")) from None
            else:
                fixed = choices.keys() - user_columns(relation) - unique
                self._learned[relation.qualified] = {n: values[n] for n in fixed}
                return row
        raise (
            SingleError(single)
            if single
            else UnaskableError(self._advice(relation, f"no value was found for its check {check}"))
        )

    def store(self, relation: Relation, who: str, values: Row, *, keep: bool = True) -> Row:
        """Insert exactly these values as `postgres` in `who`'s name, for defaults and triggers; the row."""
        names = list(values)
        sql = (
            f"insert into {ident(relation)} as t ({', '.join(map(quoted, names))}) "  # noqa: S608 - identifiers are quoted
            f"select {', '.join(f'r.{quoted(n)}' for n in names)} "
            f"from pg_catalog.jsonb_populate_record(null::{ident(relation)}, %s::jsonb) r returning to_jsonb(t.*)"
        )
        if not names:
            sql = f"insert into {ident(relation)} as t default values returning to_jsonb(t.*)"  # noqa: S608
        with self.connection.transaction(force_rollback=not keep):
            self.speak_as(who)
            found = self.connection.execute(sql.encode(), [json.dumps(values)] if names else None).fetchone()
        if found is None:
            raise UnaskableError(self._advice(relation, "a trigger keeps its row from being stored"))
        row: Row = found[0]
        return row

    def speak_as(self, who: str) -> None:
        """Let auth.uid() answer with the user's id for the rest of the transaction."""
        claims = json.dumps({"sub": self._users.get(who, ""), "role": "authenticated"})
        self.connection.execute("select pg_catalog.set_config('request.jwt.claims', %s, true)", [claims])

    def _other_values(self, relation: Relation, check: str, values: Row, choices: dict[str, list[Any]]) -> bool:
        """Give the columns of the violated check their next candidates; False where there are none left."""
        found = next((c for c in relation.checks if c.name == check), None)
        intent = self.intent_of(relation)
        users = user_columns(relation) - {intent.owner}
        fixed = {intent.owner, *intent.sample, *(c for k in relation.foreign_keys for c in k.columns)} - (
            users - {intent.owner}
        )
        bound = [c for c in (found.columns if found else ()) if c in values]
        columns = [c for c in bound if c not in fixed]
        for name in columns:
            if name in users:
                choices.setdefault(name, [u for u in self._users.values() if u != values[name]])
            elif name not in choices:
                choices[name] = list(candidates(relation.by_name[name], found.definition if found else "", self.value))
            if choices[name]:
                values[name] = choices[name].pop(0)
                return True
        held = {intent.owner, *intent.sample, *columns}
        for name in bound:  # exactly one of two parents, say
            if name not in held and not relation.by_name[name].required and values[name] is not None:
                values[name], choices[name] = None, []  # which is learned, for the next row
                return True
        return False

    def _there(self, relation: Relation, who: str, values: Row) -> Row | None:
        """The row that a trigger of the project made first, such as a profile at sign-up."""
        names = [n for n, v in values.items() if v == self._users.get(who)]
        for unique in relation.uniques:
            names = names or [n for n in unique if n in values]
        return self.find(relation, {n: values[n] for n in names}) if names else None

    def _of_view(self, relation: Relation, who: str) -> Row:
        """A row of the user's that the view shows. Raises UnaskableError without one, or where nothing says whose."""
        shown = self._shown(relation, who) if self.intent_of(relation).owner else []
        if not shown:
            raise UnaskableError(
                f"{relation.qualified} shows no row of {who}'s; name its `owner` in supabase/access.toml"
            )
        return shown[0]

    def _shown(self, relation: Relation, who: str) -> list[Row]:
        """What a view shows the user, of their own rows where it says whose they are."""
        owner = self.intent_of(relation).owner
        where = f" where t.{quoted(owner)}::text = %s" if owner else ""
        sql = f"select to_jsonb(t.*) from {ident(relation)} t{where}"  # noqa: S608 - identifiers are quoted
        return [row for (row,) in self._execute(relation, sql, [self._users[who]] if owner else [], who).fetchall()]

    def _execute(self, relation: Relation, sql: str, values: Sequence[str], who: str = "owner") -> psycopg.Cursor[Any]:
        """Run it; in the name of `who` on a view, which may ask who reads."""
        if not relation.is_view:
            return self.connection.execute(sql.encode(), values)
        with self.connection.transaction():
            self.speak_as(who)
            return self.connection.execute(sql.encode(), values)

    def find(self, relation: Relation, match: Row) -> Row | None:
        """The first row with these values, as it really is."""
        sql = (
            f"select to_jsonb(t.*) from {ident(relation)} t, "  # noqa: S608 - identifiers are quoted
            f"pg_catalog.jsonb_populate_record(null::{ident(relation)}, %s::jsonb) r where {_same(match)} limit 1"
        )
        found = self._execute(relation, sql, [json.dumps(match)]).fetchone()
        return found[0] if found else None

    def remove(self, relation: Relation, match: Row) -> None:
        """Delete the rows with these values; those of a view from where they are."""
        relation = self.model(relation)
        match = {n: v for n, v in match.items() if n in relation.by_name}
        sql = (
            f"delete from {ident(relation)} t using "  # noqa: S608 - identifiers are quoted
            f"pg_catalog.jsonb_populate_record(null::{ident(relation)}, %s::jsonb) r where {_same(match)}"
        )
        self._execute(relation, sql, [json.dumps(match)])

    def remove_of(self, relation: Relation, match: Row, who: str) -> None:
        """Delete what matches and is the user's, if the relation says whose a row is."""
        owner = self.intent_of(relation).owner
        self.remove(relation, {**match, owner: self._users[who]} if owner else match)

    def key_of(self, relation: Relation, row: Row) -> Row:
        """What finds exactly this row: its primary key, another key, or all of its plain columns."""
        model = self.model(relation)
        for names in (model.key, *model.uniques):
            if names and all(row.get(n) is not None for n in names):
                return {n: row[n] for n in names}
        plain = [c.name for c in relation.columns if c.category in "NSDBUE" and row.get(c.name) is not None]
        return {n: row[n] for n in plain}

    def some(self, relation: Relation, who: str) -> Row:
        """A fresh row, or where a user can have only one, that one."""
        if relation.is_view:
            former = self._shown(relation, who)
            self.some(self.model(relation), who)
            new = [row for row in self._shown(relation, who) if row not in former]
            return new[0] if new else self._of_view(relation, who)
        try:
            return self.fresh(relation, who)
        except SingleError:
            self._need_room()
            row = self.standing(relation, who)
            return self.now(relation, row) or row  # a call may have changed it

    def _need_room(self) -> None:
        if self.crowded:
            raise CrowdedError

    def now(self, relation: Relation, row: Row) -> Row | None:
        """The row as it really is; None when it is gone."""
        return self.find(relation, self.key_of(relation, row))

    def count(self, relation: Relation, match: Row) -> int:
        """How many rows have these values."""
        sql = (
            f"select count(*) from {ident(relation)} t, "  # noqa: S608 - identifiers are quoted
            f"pg_catalog.jsonb_populate_record(null::{ident(relation)}, %s::jsonb) r where {_same(match)}"
        )
        found = self._execute(relation, sql, [json.dumps(match)]).fetchone()
        return int(found[0]) if found else 0

    def digest(self, relation: Relation, match: Row) -> str:
        """Of the rows with these values."""
        sql = (
            f"select md5(string_agg(to_jsonb(t.*)::text, '' order by to_jsonb(t.*)::text)) from {ident(relation)} t, "  # noqa: S608
            f"pg_catalog.jsonb_populate_record(null::{ident(relation)}, %s::jsonb) r where {_same(match)}"
        )
        found = self._execute(relation, sql, [json.dumps(match)]).fetchone()
        return str(found[0]) if found else ""

    def body(self, relation: Relation, who: str) -> Row:
        """What a client posts for a row of `who`'s: without columns that only the database may fill."""
        values = self.values(relation, who)
        unique = {c for columns in relation.uniques for c in columns}
        if any(unique & {*check.columns} & values.keys() for check in relation.checks):
            with contextlib.suppress(SingleError):
                self._fit(relation, who, values, keep=False)
        if relation.open_to("authenticated", "insert"):
            values = {n: v for n, v in values.items() if relation.by_name[n].open_to("authenticated", "insert")}
        return values

    def mark(self, relation: Relation, body: Row) -> Row:
        """Put a value of its own into the body where a column takes one; what finds the row it makes."""
        model = self.model(relation)
        intent = self.intent_of(model)
        column = mark_column(model, intent)
        if column and column.name in relation.by_name:
            body[column.name] = self.value(column)
            return {column.name: body[column.name]}
        taken = {c for key in model.foreign_keys for c in key.columns} | {intent.owner}
        found = {n: v for n, v in body.items() if n in taken} or dict(body)
        if not found:
            raise UnaskableError(self._advice(relation, "none of its columns can be told"))
        return found

    def change(self, relation: Relation, row: Row) -> tuple[str, Any]:
        """A column and a value that it does not have and could take. Raises UnaskableError."""
        intent = self.intent_of(relation)
        model = self.model(relation)
        keys = {c for unique in model.uniques for c in unique} | {c for k in model.foreign_keys for c in k.columns}
        others = [c.name for c in relation.columns if c.name not in keys and c.name != intent.owner]
        bound = {intent.owner, *model.key, *(c for k in model.foreign_keys for c in k.columns)}
        last = [c.name for c in relation.columns if c.name in keys - bound]
        for name in (*(c for c in intent.columns if c not in keys), *others, *last):
            if not relation.by_name[name].written:
                with contextlib.suppress(UnaskableError):
                    value = self.another(relation, row, name)
                    if (changed := self.tried(relation, row, {name: value})) and changed[name] != row[name]:
                        return name, value
        raise UnaskableError(f"no column of {relation.qualified} takes another value; name one in `columns`")

    def change_or_same(self, relation: Relation, row: Row) -> tuple[str, Any]:
        """A column with another value; where none takes one, as in a table of keys alone, one with its own.

        Raises UnaskableError where no column can be written at all.
        """
        try:
            return self.change(relation, row)
        except UnaskableError:
            names = sorted(
                (c.name for c in relation.columns if not c.written),
                key=lambda name: not relation.by_name[name].open_to("authenticated", "update"),
            )
            if not names:
                raise
            return names[0], row[names[0]]

    def tried(self, relation: Relation, row: Row, change: Row, *, keep: bool = False) -> Row | None:
        """The row as `postgres` changes it, undone at once unless kept; None where the database does not take it."""
        import psycopg

        key = self.key_of(relation, row)
        names = ", ".join(f"{quoted(n)} = c.{quoted(n)}" for n in change)
        record = f"pg_catalog.jsonb_populate_record(null::{ident(relation)}, %s::jsonb)"
        sql = (
            f"update {ident(relation)} t set {names} from {record} r, {record} c "  # noqa: S608 - identifiers are quoted
            f"where {_same(key)} returning to_jsonb(t.*)"
        )
        found = None
        with contextlib.suppress(psycopg.Error), self.connection.transaction(force_rollback=not keep):
            if relation.is_view:
                self.speak_as("owner")
            found = self.connection.execute(sql.encode(), [json.dumps(key), json.dumps(change)]).fetchone()
        return found[0] if found else None

    def undo(self, relation: Relation, row: Row, change: Row) -> bool:
        """Whether the row took this change, its key perhaps; then it is put back: others may hang on it."""
        now = self.now(relation, row) or self.now(relation, {**row, **change})
        if now and all(now[n] == row[n] for n in change):
            return False
        if now is None or self.tried(relation, now, {n: row[n] for n in change}, keep=True) is None:
            self.refresh()
        return True

    def another(self, relation: Relation, row: Row, name: str) -> Any:
        """A value for the column other than the row's, that the database takes; best one that it keeps.

        Raises UnaskableError.
        """
        column = relation.by_name[name]
        definitions = " ".join(c.definition for c in self.model(relation).checks if name in c.columns)
        taken = []
        for value in itertools.islice(candidates(column, definitions, self.value), TRIES):
            if value != row[name] and (changed := self.tried(relation, row, {name: value})):
                if changed[name] != row[name]:
                    return value
                taken.append(value)
        if not taken:
            raise UnaskableError(f"no other value was found for {relation.qualified}.{name}")
        return taken[0]

    def analyze(self, relation: Relation) -> None:
        """Let the planner know the relation as it is: without statistics it guesses a number of rows."""
        if not relation.is_view:
            self.connection.execute(f"analyze {ident(relation)}".encode())

    def holds(self, relation: Relation, role: str, verb: str) -> bool:
        """Whether the role holds the privilege now, on the relation or on a column of it."""
        function = "has_table_privilege" if verb in ("delete", "truncate") else "has_any_column_privilege"
        sql = f"select pg_catalog.{function}(%s, %s::pg_catalog.regclass, %s)"
        found = self.connection.execute(sql.encode(), [role, plain(relation), verb]).fetchone()
        return bool(found and found[0])

    def policies(self, relation: Relation) -> list[Policy]:
        """The relation's policies as they are now."""
        from psycopg.rows import class_row

        with self.connection.cursor(row_factory=class_row(Policy)) as cursor:
            found = cursor.execute(query("proof/policies"), {"schemas": [relation.schema]}).fetchall()
        return [p for p in found if p.relation == relation.qualified]

    def passes(self, relation: Relation, row: Row, policies: Iterable[Policy], who: str) -> bool:
        """Whether the policies let the user through to this row: one that permits, and none that restricts.

        Asked as `authenticated`, of a record, so that row level security binds their sub-selects and not the row.
        """
        known = list(policies)
        permits = " or ".join(f"coalesce(({p.qual}), false)" for p in known if p.permissive) or "false"
        restricts = " and ".join(f"coalesce(({p.qual}), false)" for p in known if not p.permissive) or "true"
        record = f"pg_catalog.jsonb_populate_record(null::{ident(relation)}, %s::jsonb) as {quoted(relation.name)}"
        expression = f"({permits}) and ({restricts})".replace("%", "%%")
        with self.connection.transaction(force_rollback=True):
            self.speak_as(who)
            self.connection.execute("set local role authenticated")
            sql = f"select {expression} from {record}"  # noqa: S608 - the catalog's own words
            found = self.connection.execute(sql.encode(), [json.dumps(row)]).fetchone()
        return bool(found and found[0])

    def insertable(self, relation: Relation, who: str, body: Row, name: str) -> Any:
        """A value for the column with which the database takes the row: a check must not pass for a denial.

        Raises UnaskableError.
        """
        import psycopg

        column = relation.by_name[name]
        definitions = " ".join(c.definition for c in relation.checks if name in c.columns)
        values = self.values(relation, who) | body
        same = [k for k in relation.foreign_keys if k.target == relation.qualified and k.columns == (name,)]
        own = (self.standing(relation, who)[k.target_columns[0]] for k in same)
        for value in itertools.islice(itertools.chain(own, candidates(column, definitions, self.value)), TRIES):
            with contextlib.suppress(psycopg.Error), self.connection.transaction(force_rollback=True):
                self.store(relation, who, {**values, name: value})
                return value
        raise UnaskableError(self._advice(relation, f"no value was found for its column {name}"))

    @contextlib.contextmanager
    def nothing(self) -> Iterator[None]:
        """No room is needed."""
        yield

    @contextlib.contextmanager
    def room_for(self, relation: Relation, who: str) -> Iterator[Callable[[], bool]]:
        """Make room where a user can have only one row; yields whether `postgres` can insert the body."""
        import psycopg

        fits, removed = True, False
        body = self.body(relation, who)
        self.mark(relation, body)
        try:
            with self.connection.transaction(force_rollback=True):
                self.store(relation, who, self.values(relation, who) | body)
        except psycopg.errors.UniqueViolation:
            self._need_room()
            try:
                self.remove(relation, self.key_of(relation, self.standing(relation, who)))
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
        found = {self._users[who]}
        for (name, whose), row in self._standing.items():
            relation = self._catalog.relations[name]
            if whose == who and not isinstance(row, Exception):
                found |= {str(row[n]) for n in relation.key if relation.by_name[n].base_type == "uuid"}
        return found

    def populate(self, users: Iterable[str]) -> None:
        """Make every standing row, so that views and functions have something to show."""
        for who in users:
            for relation in self._catalog.exposed:
                if not relation.is_view and relation.kind != "f":
                    with contextlib.suppress(UnaskableError, UnansweredError):  # told by the cells that need it
                        self.standing(relation, who)

    def more(self, who: str) -> None:
        """One more row for the user wherever they can have several."""
        for relation in self._catalog.exposed:
            if not relation.is_view and relation.kind != "f":
                with contextlib.suppress(UnaskableError, UnansweredError):
                    self.fresh(relation, who)

    def refresh(self) -> None:
        """Make again what a cell, or a cascade of it, took away."""
        self.settable.clear()
        missing = []
        with self._lock:
            for (name, who), row in list(self._standing.items()):
                relation = self._catalog.relations[name]
                if not isinstance(row, Exception) and not self.find(relation, self.key_of(relation, row)):
                    missing.append((name, who))
                    del self._standing[name, who]
            for name, who in missing:
                self.standing(self._catalog.relations[name], who)

    def adopt(self, other: Rows) -> None:
        """Take over the rows that stood when this database was copied."""
        self._standing = dict(other._standing)
        self._learned = dict(other._learned)

    def close(self) -> None:
        """End the connections; the rows stay."""
        for connection in self._connections:
            connection.close()

    def clean(self) -> None:
        """Delete every row of the run that is still there, children first."""
        import psycopg

        silent: set[str] = set()  # relations whose triggers do not return
        for name, row in reversed(self._made):
            relation = self._catalog.relations[name]
            try:
                if name not in silent:
                    self.remove(relation, self.key_of(relation, row))
            except psycopg.Error:  # a restricting key of a row that goes with its user
                continue
            except UnansweredError:
                silent.add(name)
        if self.called:
            self._mop()
        self.close()

    def _mop(self) -> None:
        """Delete what functions made of the texts that they were given."""
        import psycopg

        mark = f"%pushproof {self._run}%"
        for relation in self._catalog.exposed:
            texts = [f"t.{quoted(c.name)}::text" for c in relation.columns if c.category == "S"]
            if texts and not relation.is_view and relation.kind != "f":
                with contextlib.suppress(psycopg.Error, UnansweredError):
                    sql = f"delete from {ident(relation)} t where concat({', '.join(texts)}) like %s"  # noqa: S608
                    self.connection.execute(sql.encode(), [mark])
        with contextlib.suppress(psycopg.Error, UnansweredError):
            self.connection.execute(query("proof/mop_users"), {"mark": mark})

    @staticmethod
    def _advice(relation: Relation, why: str) -> str:
        return (
            f"no sample row could be made for {relation.qualified}: {why}; give it a `sample` in supabase/access.toml"
        )


def _same(match: Row) -> str:
    """The condition that row `t` has the values of record `r`."""
    return " and ".join(f"t.{quoted(n)} is not distinct from r.{quoted(n)}" for n in match) or "true"


def _guessed_owner(relation: Relation) -> str:
    """The column of a relation without an entry that refers to the user: only rows for others need it."""
    return next((k.columns[0] for k in relation.foreign_keys if k.target == USERS and len(k.columns) == 1), "")


def _next_key(unique: Iterable[str], values: Row, choices: Mapping[str, list[Any]]) -> bool:
    """Give a column of a key its next candidate; False where there are none left."""
    for name in unique:
        if choices.get(name):
            values[name] = choices[name].pop(0)
            return True
    return False
