"""Cases, cells and verdicts: what is asked, of whom, and what counts as a proof.

A case is one question about one object, asked of several actors; each actor's answer is a cell. A denial counts only
with a positive control: an actor for whom the same request works.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import quote

from pushproof.proof.asking import CANCELED, Actor, Answer, Request, RestApi
from pushproof.proof.catalog import Catalog, Relation
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import ALLOWED, DENIED, FAILED, FULFILS, NOTHING, REFUSED
from pushproof.proof.records import Row
from pushproof.proof.rows import Rows
from pushproof.proof.scope import is_alone

MINIMAL = "return=minimal"
PLAIN = re.compile(r"\w[\w $-]*")
RESERVED = ("select", "columns", "on_conflict", "order", "limit", "offset", "and", "or", "not")  # parameters of a query


@dataclass(frozen=True)
class Case:
    """A question about an object: `expected` maps each actor to the expected outcome.

    `alone`: no other case may run at the same time. `about` completes the description of an attack. A kind whose
    question has further parts derives a class of its own, with a typed field for each.
    """

    kind: str
    object: str
    verb: str
    expected: Mapping[str, str]
    alone: bool = False
    about: str = ""

    @property
    def detail(self) -> str:
        """The further parts of the question as text, for names and reports; empty if there are none."""
        return ""

    @property
    def name(self) -> str:
        """Kind, object, verb and detail: unique in a run."""
        return " ".join(filter(None, (self.kind, self.object, self.verb, self.detail)))


@dataclass(frozen=True, kw_only=True)
class ColumnCase(Case):
    """A case about one column."""

    column: str

    @property
    def detail(self) -> str:
        """The column."""
        return self.column


@dataclass(frozen=True)
class Cell:
    """One actor's answer to a case. `reason` says in one sentence what is wrong; empty if nothing is."""

    case: Case
    actor: str
    expected: str
    observed: str
    reason: str = ""
    request: Request | None = None
    answer: str = ""
    control: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is as declared."""
        return not self.reason

    @property
    def name(self) -> str:
        """The case and the actor: unique in a run."""
        return f"{self.case.name} as {self.actor}"

    @property
    def curl(self) -> str:
        """The request as a shell command, without secrets; empty if there was none."""
        return self.request.curl(self.actor) if self.request else ""


class Kind(Protocol):
    """A kind of case; each is a module of the folder kinds."""

    def derive(self, catalog: Catalog, intent: Intent) -> Iterable[Case]:
        """All cases of this kind for the catalog and the intent."""

    def ask(self, probe: Probe, case: Case) -> Iterable[Cell]:
        """Ask one of these cases of its actors: one cell for each. Raises UnaskableError."""


@dataclass(frozen=True)
class Probe:
    """Everything that a kind needs to ask its cases."""

    catalog: Catalog
    intent: Intent
    rows: Rows
    actors: Mapping[str, Actor]
    api: RestApi

    def relation(self, case: Case) -> Relation:
        """The relation that the case is about."""
        return self.catalog.relations[case.object]

    def ask(self, actor: str, request: Request) -> Answer:
        """Send the request as the actor. Raises UnreachableError."""
        return self.api.ask(self.actors[actor], request)

    def request(self, relation: Relation, method: str, **more: Any) -> Request:
        """A request for a relation; it names the schema unless that is the first exposed one."""
        schema = "" if relation.schema == self.catalog.schemas[0] else relation.schema
        return Request(method, quote(relation.name, safe=""), schema=schema, **more)

    def where(self, relation: Relation, row: Row) -> dict[str, str]:
        """The PostgREST filters that select exactly this row."""
        return {column_name(name): f"eq.{literal(value)}" for name, value in self.catalog.key_of(relation, row).items()}


@dataclass
class Asked:
    """Collects the cells of a case; `with_controls` yields them with their controls."""

    case: Case
    cells: list[Cell] = field(default_factory=list)

    def add(self, actor: str, observed: str, request: Request, answer: Answer, *, note: str = "") -> None:
        """Add an actor's cell; `note` is its reason if the observation is not as expected."""
        expected = self.case.expected[actor]
        reason = (
            ""
            if observed in FULFILS[expected]
            else note or _reason(self.case, actor, expected, observed=observed, answer=answer)
        )
        self.cells.append(
            Cell(
                case=self.case,
                actor=actor,
                expected=expected,
                observed=observed,
                reason=reason,
                request=request,
                answer=answer.summary,
            )
        )

    def with_controls(self, control_by_sql: Callable[[], bool] | None = None) -> Iterator[Cell]:
        """The cells, each denial with its control or, if there is none, with that as the reason of its failure.

        `control_by_sql` says whether the request works by SQL; it is asked if no actor should be allowed.
        """
        able = [c.actor for c in self.cells if c.observed == ALLOWED and c.expected == ALLOWED]
        wanted = [c for c in self.cells if c.expected == ALLOWED]
        control = next((a for a in ("owner", *able) if a in able), "")
        if not control and not wanted and control_by_sql is not None and control_by_sql():
            control = "postgres, by SQL"
        for cell in self.cells:
            if cell.expected == ALLOWED:
                yield cell
            elif not control and cell.ok:
                who = ", ".join(c.actor for c in wanted) or "anybody"
                yield replace(cell, reason=f"no positive control: the same request did not work for {who} either")
            else:
                yield replace(cell, control=control)


def expected_of(intent: Intent, allowed: Iterable[str], *, filtered: Iterable[str] = ()) -> dict[str, str]:
    """The outcome expected for each actor; for anon a refusal, unless `filtered` lets anon ask and get nothing."""
    may, asks = set(allowed), set(filtered)
    return {
        actor: ALLOWED if actor in may else REFUSED if actor == "anon" and actor not in asks else DENIED
        for actor in intent.names
    }


def written_case(intent: Intent, relation: Relation, verb: str) -> Case:
    """The case of the matrix that asks who can insert, update or delete a row of the owner's."""
    entry = intent.relations[relation.qualified]
    expected = expected_of(intent, entry.allowed[verb], filtered=entry.filtered)
    return Case(kind=verb, object=relation.qualified, verb=verb, expected=expected, alone=is_alone(relation, entry))


def denied_first(case: Case) -> Sequence[str]:
    """The actors, those who should be denied first, so that the row is unchanged when they ask."""
    return sorted(case.expected, key=lambda actor: (case.expected[actor] == ALLOWED, actor == "owner"))


def unaskable(case: Case, error: Exception) -> Iterator[Cell]:
    """The cells of a case that could not be asked: each is a failure."""
    for actor, expected in case.expected.items():
        yield Cell(case=case, actor=actor, expected=expected, observed=FAILED, reason=str(error))


def column_name(name: str) -> str:
    """A column's name in a PostgREST query, quoted if it is a reserved word or has special characters.

    https://docs.postgrest.org/en/stable/references/api/url_grammar.html#reserved-characters
    """
    if PLAIN.fullmatch(name) and name not in RESERVED:
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal(value: Any) -> str:
    """A value in a PostgREST filter."""
    if isinstance(value, bool | dict | list):
        return json.dumps(value)
    return str(value)


def _reason(case: Case, actor: str, expected: str, observed: str, answer: Answer) -> str:
    """One sentence that says what the actor could do and should not, or should and could not."""
    action = f"{case.verb} {case.detail or 'on'} {case.object}"
    if observed == FAILED:
        result = answer.summary if answer.code == CANCELED else f"answered {answer.summary}"
        return f"{actor}: {action} could not be judged, the API {result}"
    if expected == ALLOWED:
        return f"{actor} should be able to {action}, but got {answer.summary}"
    if expected == REFUSED and observed == NOTHING:
        return f"{actor} holds a right to {action}: an empty answer ({answer.summary}) instead of a refusal"
    if observed == ALLOWED:
        return f"{actor} can {action}, a row of the owner's"
    return f"{actor} should be refused to {action}, but got {answer.summary}"
