"""Values for the rows of users: those that keys, checks, triggers and the grants of the API accept."""

from __future__ import annotations

import contextlib
import itertools
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pushproof.proof.catalog import USERS, Catalog, Column, ForeignKey, Relation
from pushproof.proof.intent import Intent
from pushproof.proof.records import Records, Row
from pushproof.proof.samples import argument_column, candidates, leading_role, mark_column, of_type, user_columns
from pushproof.proof.unaskable import SingleError, UnaskableError, no_sample

TRIES = 200  # combinations of values tried for the checks of one row


class Values:
    """Makes values. `standing` returns the standing row of a user in a relation."""

    def __init__(
        self, records: Records, catalog: Catalog, intent: Intent, standing: Callable[[Relation, str], Row]
    ) -> None:
        self._records = records
        self._catalog = catalog
        self._intent = intent
        self._standing = standing
        self._counter = itertools.count(1)
        self.learned: dict[str, Row] = {}  # by relation, values that satisfied its checks
        self.run = uuid.uuid4().hex[:8]  # part of every text that it makes

    def new(self, column: Column) -> Any:
        """A value of the column's type that no other row has."""
        return of_type(column, next(self._counter), self.run)

    def argument(self, type_: str, labels: Sequence[str]) -> Any:
        """A value for an argument of this type that no other call has."""
        return self.new(argument_column(type_, labels))

    def required(self, relation: Relation, who: str) -> Row:
        """The values that an insert of a row of `who` needs: keys, the owner, and columns without a default.

        Raises UnaskableError.
        """
        if (model := self._catalog.model(relation)) is not relation:
            values = {**self.required(model, who), **self._intent.of(relation).sample}
            return {n: v for n, v in values.items() if n in relation.by_name}
        intent = self._intent.of(relation)
        values = {**self.learned.get(relation.qualified, {}), **intent.sample}
        for key in sorted(relation.foreign_keys, key=lambda k: -len(k.columns)):
            self._refer(relation, key, who, values=values)
        if intent.owner and intent.owner not in values:
            values[intent.owner] = self._records.users[who]
        needed = relation.identifying
        for column in relation.columns:
            if column.name in values or column.generated:
                continue
            if role := leading_role(relation, column):
                values[column.name] = role
            elif not column.filled and (column.required or column.name in needed):
                values[column.name] = self.new(column)
        return values

    def _refer(self, relation: Relation, key: ForeignKey, who: str, values: Row) -> None:
        """Set the columns of a foreign key to the user, or to their standing row in the target."""
        if key.target == USERS:
            pairs = zip(key.columns, key.target_columns, strict=True)
            referred = {column: self._records.users[who] for column, target in pairs if target == "id"}
        else:
            referred = self._parent(relation, key, who, values=values)
        for column, value in referred.items():
            values.setdefault(column, value)

    def _parent(self, relation: Relation, key: ForeignKey, who: str, values: Row) -> Row:
        """The values of a foreign key for the user's standing row; none if there is no row and the key may be null."""
        needed = any(relation.by_name[c].required for c in key.columns) and not set(key.columns) <= values.keys()
        if key.target == relation.qualified or key.target not in self._catalog.relations:
            if needed:
                raise no_sample(relation, f"{', '.join(key.columns)} must refer to {key.target}")
            return {}
        try:
            parent = self._standing(self._catalog.relations[key.target], who)
        except UnaskableError:
            if needed:
                raise
            return {}
        return {c: parent[t] for c, t in zip(key.columns, key.target_columns, strict=True)}

    def stored(self, relation: Relation, who: str, values: Row, *, keep: bool = True) -> Row:
        """Insert a row; replace values in `values` until its checks and keys hold.

        Without `keep` the insert is rolled back. Raises UnaskableError, and SingleError if a unique key prevents it.
        """
        import psycopg

        choices: dict[str, list[Any]] = {name: [] for name in self.learned.get(relation.qualified, {})}
        unique = {c for columns in relation.uniques for c in columns}
        single = check = ""
        for _ in range(TRIES):
            try:
                row = self._records.store(relation, who, values, keep=keep)
            except psycopg.errors.CheckViolation as problem:
                check = problem.diag.constraint_name or ""
                if not self._other_values(relation, check, values, choices=choices):
                    break
            except psycopg.errors.UniqueViolation:
                single = f"a user can have only one row in {relation.qualified}"
                if not _next_key(unique, values, choices):
                    break
            except psycopg.Error as problem:
                message = problem.diag.message_primary or str(problem)
                raise no_sample(relation, f"the database answered: {message}") from None
            else:
                fixed = choices.keys() - user_columns(relation) - unique
                self.learned[relation.qualified] = {n: values[n] for n in fixed}
                return row
        raise SingleError(single) if single else no_sample(relation, f"no value was found for its check {check}")

    def _other_values(self, relation: Relation, check: str, values: Row, choices: dict[str, list[Any]]) -> bool:
        """Set one column of the violated check to its next candidate; False if there are none left."""
        violated = next((c for c in relation.checks if c.name == check), None)
        intent = self._intent.of(relation)
        users = user_columns(relation) - {intent.owner}
        fixed = {intent.owner, *intent.sample, *(c for k in relation.foreign_keys for c in k.columns)} - (
            users - {intent.owner}
        )
        bound = [c for c in (violated.columns if violated else ()) if c in values]
        columns = [c for c in bound if c not in fixed]
        definition = violated.definition if violated else ""
        for name in columns:
            if name in users:
                choices.setdefault(name, [u for u in self._records.users.values() if u != values[name]])
            elif name not in choices:
                choices[name] = list(candidates(relation.by_name[name], definition, self.new))
            if choices[name]:
                values[name] = choices[name].pop(0)
                return True
        settled = {intent.owner, *intent.sample, *columns}
        for name in bound:  # such as a check that exactly one of two parents is set
            if name not in settled and not relation.by_name[name].required and values[name] is not None:
                values[name], choices[name] = None, []  # remembered for the next row
                return True
        return False

    def body(self, relation: Relation, who: str) -> Row:
        """What a client posts for a row of `who`: the required values that users may set."""
        values = self.required(relation, who)
        unique = {c for columns in relation.uniques for c in columns}
        if any(unique & {*check.columns} & values.keys() for check in relation.checks):
            with contextlib.suppress(SingleError):
                self.stored(relation, who, values, keep=False)
        if relation.open_to("authenticated", "insert"):
            values = {n: v for n, v in values.items() if relation.by_name[n].open_to("authenticated", "insert")}
        return values

    def mark(self, relation: Relation, body: Row) -> Row:
        """Set a unique value in the body if a column accepts one; return the values by which its row is found."""
        model = self._catalog.model(relation)
        intent = self._intent.of(model)
        column = mark_column(model, intent)
        if column and column.name in relation.by_name:
            body[column.name] = self.new(column)
            return {column.name: body[column.name]}
        taken = {c for key in model.foreign_keys for c in key.columns} | {intent.owner}
        match = {n: v for n, v in body.items() if n in taken} or dict(body)
        if not match:
            raise no_sample(relation, "none of its columns tells its rows apart")
        return match

    def change(self, relation: Relation, row: Row) -> tuple[str, Any]:
        """A column, and a value other than the row's that it accepts. Raises UnaskableError."""
        intent = self._intent.of(relation)
        model = self._catalog.model(relation)
        keys = {c for unique in model.uniques for c in unique} | {c for k in model.foreign_keys for c in k.columns}
        others = [c.name for c in relation.columns if c.name not in keys and c.name != intent.owner]
        bound = {intent.owner, *model.key, *(c for k in model.foreign_keys for c in k.columns)}
        last = [c.name for c in relation.columns if c.name in keys - bound]
        for name in (*(c for c in intent.columns if c not in {*keys, intent.owner}), *others, *last):
            if not relation.by_name[name].generated:
                with contextlib.suppress(UnaskableError):
                    value = self.another(relation, row, name)
                    after = self._records.changed(relation, row, {name: value})
                    if after and after[name] != row[name]:
                        return name, value
        raise UnaskableError(f"no column of {relation.qualified} accepts another value; name one in `columns`")

    def change_or_same(self, relation: Relation, row: Row) -> tuple[str, Any]:
        """A column with another value; if no column accepts one, as in a table of only keys, one with its own value.

        Raises UnaskableError if no column can be written.
        """
        try:
            return self.change(relation, row)
        except UnaskableError:
            names = sorted(
                (c.name for c in relation.columns if not c.generated),
                key=lambda name: not relation.by_name[name].open_to("authenticated", "update"),
            )
            if not names:
                raise
            return names[0], row[names[0]]

    def another(self, relation: Relation, row: Row, name: str) -> Any:
        """A value for the column, other than the row's, that the database accepts, and if possible stores unchanged.

        Raises UnaskableError.
        """
        accepted = []
        for value in self._candidates(self._catalog.model(relation), relation.by_name[name]):
            if value != row[name] and (after := self._records.changed(relation, row, {name: value})):
                if after[name] != row[name]:
                    return value
                accepted.append(value)
        if not accepted:
            raise UnaskableError(f"no other value was found for {relation.qualified}.{name}")
        return accepted[0]

    def insertable(self, relation: Relation, who: str, body: Row, name: str) -> Any:
        """A value for the column with which the database accepts the row, so that no check looks like a denial.

        Raises UnaskableError.
        """
        import psycopg

        values = self.required(relation, who) | body
        own_keys = [k for k in relation.foreign_keys if k.target == relation.qualified and k.columns == (name,)]
        own = (self._standing(relation, who)[k.target_columns[0]] for k in own_keys)
        for value in itertools.chain(own, self._candidates(relation, relation.by_name[name])):
            with contextlib.suppress(psycopg.Error):
                self._records.store(relation, who, {**values, name: value}, keep=False)
                return value
        raise no_sample(relation, f"no value was found for its column {name}")

    def _candidates(self, model: Relation, column: Column) -> Iterable[Any]:
        """Values to try for the column, by its type and by the checks of `model`."""
        definitions = " ".join(c.definition for c in model.checks if column.name in c.columns)
        return itertools.islice(candidates(column, definitions, self.new), TRIES)


def _next_key(unique: Iterable[str], values: Row, choices: Mapping[str, list[Any]]) -> bool:
    """Set one column of a key to its next candidate; False if there are none left."""
    for name in unique:
        if choices.get(name):
            values[name] = choices[name].pop(0)
            return True
    return False
