"""Static findings, put to the database: what linters claim, and what a request or the server says of it.

Reports are the linters' words; those on one object are one finding. Each report's rule belongs to a claim
(scripts/rls/claims), which tries what the rule warns of. What the cells show without any linter is a finding too.
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
    """A linter's words on one object."""

    source: str
    rule: str
    level: str
    object: str
    words: str


@dataclass(frozen=True)
class Verdict:
    """What became of a claim: one sentence, and the request or statement that shows it, with its answer.

    `severe`: somebody gets what is not theirs; otherwise it costs time, or takes a second hole.
    """

    verdict: str
    sentence: str
    request: str = ""
    answer: str = ""
    control: str = ""
    severe: bool = True
    rules: tuple[str, ...] = ()  # of the reports that made the claim


@dataclass(frozen=True)
class Finding:
    """All that is said of one object."""

    object: str
    reports: tuple[LinterReport, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def verdict(self) -> str:
        return next(v for v in ORDER if any(one.verdict == v for one in self.verdicts))

    @property
    def shown(self) -> list[Verdict]:
        """Those that make the finding's verdict, what is severe first, each sentence once."""
        found = sorted((v for v in self.verdicts if v.verdict == self.verdict), key=lambda v: not v.severe)
        return list({v.sentence: v for v in found}.values())

    @property
    def severe(self) -> bool:
        return self.verdict == CONFIRMED and any(v.severe for v in self.shown)


@dataclass(frozen=True)
class Context:
    """What a claim is judged with: the cells of the run, and whoever may ask once more."""

    probe: Probe
    actors: Actors
    cells: Sequence[Cell]

    def on(self, name: str) -> list[Cell]:
        return [c for c in self.cells if c.case.object == name]


class Claim(Protocol):
    """A module of scripts/rls/claims: RULES, and how they are put to the database."""

    RULES: frozenset[str]

    def judge(self, context: Context, name: str, reports: Sequence[LinterReport]) -> Verdict:
        """Raises UnaskableError."""


def known_claims() -> dict[str, Claim]:
    """The claim of each rule."""
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
    """What the CLI's advisors, pgrls (`lint`) and our own checks say of the target; without `cli` the latter two.

    Raises what each of them raises.
    """
    with ThreadPoolExecutor(2) as pool:
        advised = pool.submit(cli.advisors, target) if cli else None
        linted = pool.submit(lint)
        found = own_reports(database, catalog)
        for row in advised.result() if advised else ():
            where = row.get("metadata") or {}
            name = ".".join(str(where[k]) for k in ("schema", "name") if where.get(k))
            about, level = _object(catalog, name), row["level"].lower()
            found.append(
                LinterReport(source="advisors", rule=row["name"], level=level, object=about, words=row["detail"])
            )
        for row in linted.result():
            name = _object(catalog, row["location"])
            found.append(
                LinterReport(
                    source="pgrls", rule=row["rule_id"], level=row["severity"], object=name, words=row["message"]
                )
            )
    return found


def own_reports(database: psycopg.Connection[Any], catalog: Catalog) -> list[LinterReport]:
    """Our own checks: one question a file, each answering object and detail."""
    found = []
    for file in sorted(ADVISORS.glob("*.sql")):
        with database.transaction(force_rollback=True):
            database.execute("set local search_path = ''")
            rows = database.execute(file.read_bytes(), {"schemas": list(catalog.schemas)}).fetchall()
        found += [
            LinterReport(
                source="pushproof", rule=file.stem, level="warning", object=_object(catalog, name), words=detail
            )
            for name, detail in rows
        ]
    return found


def _object(catalog: Catalog, location: str) -> str:
    """The relation or function that a location such as `public.notes.notes_select` is about."""
    names = sorted(catalog.relations, key=len, reverse=True)
    relation = next((n for n in names if location == n or location.startswith(f"{n}.")), "")
    function = next((f.qualified for f in catalog.functions.values() if f"{f.schema}.{f.name}" == location), "")
    return relation or function or location


def triage(context: Context, reports: Iterable[LinterReport]) -> list[Finding]:
    """One finding for each object that a report or a failing cell is about; what is confirmed and severe first."""
    by_object: dict[str, list[LinterReport]] = {}
    for report in reports:
        by_object.setdefault(report.object, []).append(report)
    for cell in context.cells:
        if is_attack(cell):
            by_object.setdefault(cell.case.object, [])
    rules = known_claims()
    found = [
        Finding(name, tuple(of), tuple(_judged(context, rules, name, reports=of))) for name, of in by_object.items()
    ]
    return sorted(found, key=lambda f: (ORDER.index(f.verdict), not f.severe, f.object))


def _judged(context: Context, rules: Mapping[str, Claim], name: str, reports: Sequence[LinterReport]) -> list[Verdict]:
    """A verdict for each claim that the reports make; cells that show an attack speak in any case."""
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
    verdicts = [_tried(context, claim, name, reports=of) for claim, of in wanted.values()]
    if advice and not verdicts:
        verdicts.append(
            Verdict(UNPROVED, f"no request shows it: {advice[0].words}", severe=False, rules=(advice[0].rule,))
        )
    return verdicts


def _tried(context: Context, claim: Claim, name: str, reports: Sequence[LinterReport]) -> Verdict:
    """The claim's verdict; whatever kept it from being tried leaves it unproved."""
    import psycopg
    from supabase_auth.errors import AuthError

    try:
        verdict = claim.judge(context, name, reports)
    except (UnaskableError, UnansweredError) as why:
        verdict = Verdict(UNPROVED, str(why))
    except psycopg.Error as problem:
        verdict = Verdict(UNPROVED, f"the database answered: {problem.diag.message_primary or problem}")
    except AuthError as refusal:
        verdict = Verdict(UNPROVED, f"Auth answered: {refusal.message}")
    return replace(verdict, rules=tuple(dict.fromkeys(r.rule for r in reports)))
