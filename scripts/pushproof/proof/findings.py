"""Static findings, tested on the database: what linters report, and whether a request or the server confirms it.

The reports about one object form one finding. The rule of each report belongs to a claim (a module of the folder
claims), which tries what the rule warns of. An attack that cells show without a report is a finding too.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from pushproof.base.resources import resource
from pushproof.proof import claims
from pushproof.proof.actors import Actors
from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import Cell, Probe
from pushproof.proof.sentences import is_attack
from pushproof.proof.unaskable import UnansweredError, UnaskableError
from pushproof.tools import pgrls

if TYPE_CHECKING:
    import psycopg

    from pushproof.target.targets import Target
    from pushproof.tools.supabase_cli import Cli

ADVISORS = resource(__package__, "advisors")
CONFIRMED, DECLARED, REFUTED, UNPROVED = "confirmed", "declared", "refuted", "unproved"
ORDER = (CONFIRMED, UNPROVED, DECLARED, REFUTED)


@dataclass(frozen=True)
class LinterReport:
    """What a linter reports about one object; `words` is its message."""

    source: str
    rule: str
    level: str
    object: str
    words: str


@dataclass(frozen=True)
class Verdict:
    """The result of a claim: one sentence, and the request or statement that shows it, with its answer.

    `severe`: a user gets what is not theirs; otherwise it costs only time, or needs a second hole.
    """

    verdict: str
    sentence: str
    request: str = ""
    answer: str = ""
    control: str = ""
    severe: bool = True
    rules: tuple[str, ...] = ()  # of the reports that made the claim

    @classmethod
    def confirmed(cls, sentence: str, request: str, answer: str, *, control: str = "", severe: bool = True) -> Verdict:
        """The claim holds: `answer` shows it."""
        return cls(CONFIRMED, sentence, request, answer=answer, control=control, severe=severe)


@dataclass(frozen=True)
class Finding:
    """All reports about one object, and the verdicts on them."""

    object: str
    reports: tuple[LinterReport, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def verdict(self) -> str:
        """The most serious verdict of its claims."""
        verdicts = {v.verdict for v in self.verdicts}
        return next(name for name in ORDER if name in verdicts)

    @property
    def shown(self) -> list[Verdict]:
        """The verdicts that determine the finding's verdict, severe ones first, each sentence once."""
        shown = sorted((v for v in self.verdicts if v.verdict == self.verdict), key=lambda v: not v.severe)
        return list({v.sentence: v for v in shown}.values())

    @property
    def severe(self) -> bool:
        """Whether a user gets what is not theirs."""
        return self.verdict == CONFIRMED and any(v.severe for v in self.shown)


@dataclass(frozen=True)
class Context:
    """What a claim needs for its verdict: the cells of the run, and a probe and actors to ask more."""

    probe: Probe
    actors: Actors
    cells: Sequence[Cell]

    def on(self, name: str) -> list[Cell]:
        """The cells about this object."""
        return [c for c in self.cells if c.case.object == name]


class Claim(Protocol):
    """A module of the folder claims: RULES, and how they are tested on the database."""

    RULES: frozenset[str]

    def judge(self, context: Context, name: str, reports: Sequence[LinterReport]) -> Verdict:
        """The verdict on what these reports say about the object. Raises UnaskableError."""


def known_claims() -> dict[str, Claim]:
    """All claims, by rule."""
    names = sorted(module.name for module in pkgutil.iter_modules(claims.__path__))
    modules = [cast("Claim", importlib.import_module(f"{claims.__name__}.{name}")) for name in names]
    return {rule: module for module in modules for rule in module.RULES}


def collect(
    cli: Cli | None,
    lint: Callable[[], list[pgrls.Violation]],
    target: Target,
    catalog: Catalog,
    database: psycopg.Connection[Any],
) -> list[LinterReport]:
    """The reports of the CLI's advisors, of pgrls (`lint`) and of our own advisors; without `cli` of the latter two.

    Raises what each of them raises.
    """
    with ThreadPoolExecutor(2) as pool:
        advised = pool.submit(cli.advisors, target) if cli else None
        linted = pool.submit(lint)
        reports = own_reports(database, catalog)
        for row in advised.result() if advised else ():
            metadata = row.get("metadata") or {}
            name = ".".join(str(metadata[k]) for k in ("schema", "name") if metadata.get(k))
            about, level = _object(catalog, name), row["level"].lower()
            reports.append(
                LinterReport(source="advisors", rule=row["name"], level=level, object=about, words=row["detail"])
            )
        for row in linted.result():
            name = _object(catalog, row["location"])
            reports.append(
                LinterReport(
                    source="pgrls", rule=row["rule_id"], level=row["severity"], object=name, words=row["message"]
                )
            )
    return reports


def own_reports(database: psycopg.Connection[Any], catalog: Catalog) -> list[LinterReport]:
    """The reports of our own advisors: one query per file, each with the columns object and detail."""
    reports = []
    for file in sorted(ADVISORS.glob("*.sql")):
        with database.transaction(force_rollback=True):
            database.execute("set local search_path = ''")
            rows = database.execute(file.read_bytes(), {"schemas": list(catalog.schemas)}).fetchall()
        reports += [
            LinterReport(
                source="pushproof", rule=file.stem, level="warning", object=_object(catalog, name), words=detail
            )
            for name, detail in rows
        ]
    return reports


def _object(catalog: Catalog, location: str) -> str:
    """The relation or function of a location such as `public.notes.notes_select`; else the location itself."""
    names = sorted(catalog.relations, key=len, reverse=True)
    relation = next((n for n in names if location == n or location.startswith(f"{n}.")), "")
    function = next((f.qualified for f in catalog.functions.values() if f"{f.schema}.{f.name}" == location), "")
    return relation or function or location


def triage(context: Context, reports: Iterable[LinterReport]) -> list[Finding]:
    """One finding for each object of a report or an attack; confirmed and severe findings first."""
    by_object: dict[str, list[LinterReport]] = {}
    for report in reports:
        by_object.setdefault(report.object, []).append(report)
    for cell in context.cells:
        if is_attack(cell):
            by_object.setdefault(cell.case.object, [])
    rules = known_claims()
    findings = [
        Finding(name, tuple(about), tuple(_judged(context, rules, name, reports=about)))
        for name, about in by_object.items()
    ]
    return sorted(findings, key=lambda f: (ORDER.index(f.verdict), not f.severe, f.object))


def _judged(context: Context, rules: Mapping[str, Claim], name: str, reports: Sequence[LinterReport]) -> list[Verdict]:
    """A verdict for each claim that the reports make, and for attacks that the cells show."""
    wanted: dict[int, tuple[Claim, list[LinterReport]]] = {}
    advice = []
    for report in reports:
        claim = rules.get(report.rule)
        if claim is None:
            advice.append(report)
        else:
            wanted.setdefault(id(claim), (claim, []))[1].append(report)
    if any(is_attack(c) for c in context.on(name)):
        reach = rules["rls_disabled_in_public"]
        wanted.setdefault(id(reach), (reach, []))
    verdicts = [_tried(context, claim, name, reports=about) for claim, about in wanted.values()]
    if advice and not verdicts:
        verdicts.append(
            Verdict(UNPROVED, f"no request shows it: {advice[0].words}", severe=False, rules=(advice[0].rule,))
        )
    return verdicts


def _tried(context: Context, claim: Claim, name: str, reports: Sequence[LinterReport]) -> Verdict:
    """The verdict of a claim; unproved if an error prevented the test."""
    import psycopg
    from supabase_auth.errors import AuthError

    try:
        verdict = claim.judge(context, name, reports)
    except (UnaskableError, UnansweredError) as error:
        verdict = Verdict(UNPROVED, str(error))
    except psycopg.Error as problem:
        verdict = Verdict(UNPROVED, f"the database answered: {problem.diag.message_primary or problem}")
    except AuthError as refusal:
        verdict = Verdict(UNPROVED, f"Auth answered: {refusal.message}")
    return replace(verdict, rules=tuple(dict.fromkeys(r.rule for r in reports)))
