"""Cases, cells and verdicts: what is asked, of whom, and what counts as a proof.

A case is one question about one object, put to several actors; each of its actors is a cell. A denial
counts only beside a positive control: somebody for whom the same request does what it says.
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
RESERVED = ("select", "columns", "on_conflict", "order", "limit", "offset", "and", "or", "not")  # words of a query


@dataclass(frozen=True)
class Case:
    """A question: `expected` says for each actor what should happen. `alone`: nothing else may run meanwhile.

    `about` is more of it for people.
    """

    kind: str
    object: str
    verb: str
    expected: Mapping[str, str]
    detail: str = ""
    alone: bool = False
    about: str = ""

    @property
    def name(self) -> str:
        return " ".join(word for word in (self.kind, self.object, self.verb, self.detail) if word)


@dataclass(frozen=True)
class Cell:
    """One actor's answer to a case. `reason` says in one sentence what is wrong; empty when it is right."""

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
        return not self.reason

    @property
    def name(self) -> str:
        return f"{self.case.name} as {self.actor}"

    @property
    def curl(self) -> str:
        """The request for a shell, without secrets; empty where there was none."""
        return self.request.curl(self.actor) if self.request else ""


class Kind(Protocol):
    """A kind of case; each is a module of scripts/rls/kinds."""

    def derive(self, catalog: Catalog, intent: Intent) -> Iterable[Case]:
        """Every case of this kind that the catalog gives rise to."""

    def ask(self, probe: Probe, case: Case) -> Iterable[Cell]:
        """Ask it of its actors: one cell for each. Raises UnaskableError."""


@dataclass(frozen=True)
class Probe:
    """What a kind asks with."""

    catalog: Catalog
    intent: Intent
    rows: Rows
    actors: Mapping[str, Actor]
    api: RestApi

    def relation(self, case: Case) -> Relation:
        return self.catalog.relations[case.object]

    def ask(self, actor: str, request: Request) -> Answer:
        return self.api.ask(self.actors[actor], request)

    def request(self, relation: Relation, method: str, **more: Any) -> Request:
        """A request about a relation; one that is not in the first exposed schema names its schema."""
        schema = "" if relation.schema == self.catalog.schemas[0] else relation.schema
        return Request(method, quote(relation.name, safe=""), schema=schema, **more)

    def where(self, relation: Relation, row: Row) -> dict[str, str]:
        """PostgREST's filters for exactly this row."""
        return {column_name(name): f"eq.{literal(value)}" for name, value in self.catalog.key_of(relation, row).items()}


@dataclass
class Asked:
    """Collects the cells of a case; `settled` gives them with their controls."""

    case: Case
    cells: list[Cell] = field(default_factory=list)

    def add(self, actor: str, observed: str, request: Request, answer: Answer, *, note: str = "") -> None:
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
                answer=answer.words,
            )
        )

    def settled(self, control_by_sql: Callable[[], bool] | None = None) -> Iterator[Cell]:
        """Name each denial's control; a denial without one proves nothing."""
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
    """What each actor should meet: anon a refusal, unless declared as one who may ask and get nothing."""
    may, asks = set(allowed), set(filtered)
    return {
        actor: ALLOWED if actor in may else REFUSED if actor == "anon" and actor not in asks else DENIED
        for actor in intent.names
    }


def written_case(intent: Intent, relation: Relation, verb: str) -> Case:
    """The case of the matrix that asks who may write a row of the owner's in this way."""
    entry = intent.relations[relation.qualified]
    expected = expected_of(intent, entry.allowed[verb], filtered=entry.filtered)
    return Case(kind=verb, object=relation.qualified, verb=verb, expected=expected, alone=is_alone(relation, entry))


def denied_first(case: Case) -> Sequence[str]:
    """The actors in an order in which a denial finds the row untouched."""
    return sorted(case.expected, key=lambda actor: (case.expected[actor] == ALLOWED, actor == "owner"))


def unaskable(case: Case, why: Exception) -> Iterator[Cell]:
    """The cells of a case that could not be asked: each is a failure, never a skip."""
    for actor, expected in case.expected.items():
        yield Cell(case=case, actor=actor, expected=expected, observed=FAILED, reason=str(why))


def column_name(name: str) -> str:
    """A column as PostgREST's queries spell it: quoted where it would be taken for something else.

    https://docs.postgrest.org/en/stable/references/api/url_grammar.html#reserved-characters
    """
    if PLAIN.fullmatch(name) and name not in RESERVED:
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal(value: Any) -> str:
    """A value as PostgREST's filters spell it."""
    if isinstance(value, bool | dict | list):
        return json.dumps(value)
    return str(value)


def _reason(case: Case, actor: str, expected: str, observed: str, answer: Answer) -> str:
    """One sentence: who could do what they should not, or could not do what they should."""
    what = f"{case.verb} {case.detail or 'on'} {case.object}" if case.detail else f"{case.verb} on {case.object}"
    if observed == FAILED:
        words = answer.words if answer.code == CANCELED else f"answered {answer.words}"
        return f"{actor}: {what} could not be judged, the API {words}"
    if expected == ALLOWED:
        return f"{actor} should be able to {what}, but got {answer.words}"
    if expected == REFUSED and observed == NOTHING:
        return f"{actor} holds a right to {what}: an empty answer ({answer.words}) instead of a refusal"
    if observed == ALLOWED:
        return f"{actor} can {what}, a row of the owner's"
    return f"{actor} should be refused to {what}, but got {answer.words}"
