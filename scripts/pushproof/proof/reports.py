"""The results of a run, for people and for programs: the matrix, JSON, JUnit XML and SARIF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from pushproof.base import sarif
from pushproof.base.console import entry
from pushproof.proof.cells import Cell
from pushproof.proof.coverage import Coverage
from pushproof.proof.findings import CONFIRMED, ORDER, UNPROVED, Finding, Verdict
from pushproof.proof.outcomes import ALLOWED
from pushproof.proof.sentences import is_attack

if TYPE_CHECKING:
    from rich.text import Text

    from pushproof.base import documents
    from pushproof.base.console import Console
    from pushproof.target.targets import Target

BASE = {"select": "S", "insert": "I", "update": "U", "delete": "D", "call": "C"}
DENIED_MARK = "·"
RECURSION = "42P17"  # a policy that queries its own relation: all cells of the relation fail alike


def matrix(console: Console, cells: Sequence[Cell], actors: Sequence[str]) -> None:
    """Print a table of objects and actors: a letter for an allowed verb, a dot for a denied one, `!` for a failure."""
    base = [c for c in cells if c.case.kind in BASE]
    objects = list(
        dict.fromkeys(c.case.object for c in sorted(base, key=lambda c: ("(" in c.case.object, c.case.object)))
    )
    if not console.as_json and objects:
        rows = [
            [o, *(_entry([c for c in base if (c.case.object, c.actor) == (o, a)]) for a in actors)] for o in objects
        ]
        console.table(("", *actors), rows)
        console.line("S select · I insert · U update · D delete · C call · a dot: denied · !: not as declared")
    for kind in dict.fromkeys(c.case.kind for c in cells if c.case.kind not in BASE):
        of_kind = [c for c in cells if c.case.kind == kind]
        right = sum(c.ok for c in of_kind)
        console.line(f"{kind}: {right} of {len(of_kind)} cells as declared", ok=right == len(of_kind))


def _entry(cells: Sequence[Cell]) -> Text:
    from rich.text import Text

    entry = Text()
    for verb, letter in BASE.items():
        for cell in (c for c in cells if c.case.kind == verb):
            shown = letter if cell.observed == ALLOWED else DENIED_MARK
            style = "bold red" if not cell.ok else "green" if cell.observed == ALLOWED else "dim"
            entry.append(shown + ("" if cell.ok else "!"), style)
    return entry


def failures(console: Console, cells: Sequence[Cell]) -> None:
    """Print each failing cell in one sentence, with its request; attacks are reported as findings."""
    alike: dict[str, list[Cell]] = {}
    for cell in cells:
        if not cell.ok and not is_attack(cell):
            broken = cell.answer if RECURSION in cell.answer else cell.reason
            alike.setdefault(broken, []).append(cell)
    for reason, (cell, *others) in alike.items():
        more = f" ({len(others) + 1} cells)" if others else ""
        console.line(reason + more, ok=False)
        if cell.request:
            console.line(f"    {cell.curl}\n    → {cell.answer}")


def uncovered(console: Console, covered: Sequence[Coverage]) -> None:
    """Print the number of policies that were seen to allow and to deny, and each of the others."""
    for coverage in covered:
        if not coverage.covered:
            seen = {"allow": coverage.allowing, "deny": coverage.denying}
            never = " and ".join(verb for verb, cell in seen.items() if not cell)
            policy = coverage.policy
            console.line(f"policy {policy.name} on {policy.relation} was never seen to {never}", head="!")
    done = sum(c.covered for c in covered)
    console.line(f"policies seen to allow and to deny: {done} of {len(covered)}", ok=done == len(covered))


def findings(console: Console, all_findings: Sequence[Finding], *, asked: bool) -> None:
    """Print confirmed findings with their evidence, unproved ones in one line each, and the number of all."""
    for finding in all_findings:
        for verdict in finding.shown:
            if finding.verdict == CONFIRMED:
                console.line(verdict.sentence, ok=False if verdict.severe else None, head="" if verdict.severe else "!")
                evidence = [verdict.request, f"→ {verdict.answer}" if verdict.answer else "", _rules(verdict)]
                console.line("\n".join(f"    {line}" for line in evidence if line))
            elif finding.verdict == UNPROVED:
                console.line(f"{finding.object}: {verdict.sentence} {_rules(verdict)}", head="unproved")
    counted = Counter(f.verdict for f in all_findings)
    totals = ", ".join(f"{counted[v]} {v}" for v in ORDER if counted[v]) or "none"
    leaks = sum(f.severe for f in all_findings)
    if asked:
        reports = sum(len(f.reports) for f in all_findings)
        console.line(f"{totals}; {leaks} leak, from {reports} static reports", ok=not leaks, head="findings")
    else:
        console.line("what linters say was not checked", head="findings")


def _rules(verdict: Verdict) -> str:
    return f"({', '.join(verdict.rules)})" if verdict.rules else ""


def document(
    cells: Sequence[Cell],
    covered: Sequence[Coverage],
    all_findings: Sequence[Finding],
    *,
    target: Target,
    not_asked: tuple[Mapping[str, int], Sequence[str]],
    seconds: float,
) -> documents.Rls:
    """The `--json` document of a run; `not_asked` holds the number of policies by relation, and functions."""
    return {
        "target": target.kind,
        "url": target.url,
        "cells": [_cell(c) for c in cells],
        "findings": [
            {
                "object": f.object,
                "verdict": f.verdict,
                "severe": f.severe,
                "verdicts": [entry(v) for v in f.verdicts],
                "reports": [entry(r) for r in f.reports],
            }
            for f in all_findings
        ],
        "failed": sum(not c.ok for c in cells),
        "policies": [
            {"relation": c.policy.relation, "policy": c.policy.name, "allowing": c.allowing, "denying": c.denying}
            for c in covered
        ],
        "policies_not_asked": dict(not_asked[0]),
        "functions_not_asked": list(not_asked[1]),
        "seconds": round(seconds, 2),
    }


def _cell(cell: Cell) -> documents.Cell:
    return {
        "kind": cell.case.kind,
        "object": cell.case.object,
        "verb": cell.case.verb,
        "detail": cell.case.detail,
        "actor": cell.actor,
        "expected": cell.expected,
        "observed": cell.observed,
        "ok": cell.ok,
        "reason": cell.reason,
        "control": cell.control,
        "answer": cell.answer,
        "request": cell.curl,
    }


def write_junit(file: Path, cells: Sequence[Cell], all_findings: Sequence[Finding], seconds: float) -> None:
    """Write a JUnit file with a test case for each cell and each finding."""
    failed = sum(not c.ok for c in cells) + sum(f.severe for f in all_findings)
    suite = ElementTree.Element(
        "testsuite",
        name="pushproof rls",
        tests=str(len(cells) + len(all_findings)),
        failures=str(failed),
        errors="0",
        time=f"{seconds:.2f}",
    )
    for cell in cells:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"{cell.case.kind}.{cell.case.object}", name=cell.name
        )
        if not cell.ok:
            failure = ElementTree.SubElement(case, "failure", message=cell.reason)
            failure.text = f"{cell.curl}\n{cell.answer}".lstrip()
    for finding in all_findings:
        case = ElementTree.SubElement(suite, "testcase", classname=f"findings.{finding.object}", name=finding.object)
        if finding.severe:
            failure = ElementTree.SubElement(case, "failure", message="; ".join(v.sentence for v in finding.shown))
            failure.text = "\n".join(f"{v.request}\n{v.answer}" for v in finding.shown)
    _write(file, ElementTree.tostring(suite, encoding="unicode", xml_declaration=True))


def write_sarif(file: Path, cells: Sequence[Cell], all_findings: Sequence[Finding]) -> None:
    """Write a SARIF file with the failing cells and confirmed findings, located at access.toml."""
    kinds = sorted({c.case.kind for c in cells})
    rules = [sarif.rule("rls/finding", "A linter's report that the database confirms.")]
    rules += [sarif.rule(f"rls/{kind}", _title(kind)) for kind in kinds]
    results = [
        _result(f"rls/{c.case.kind}", "error", c.reason, name=c.case.object, fingerprint={"cell": c.name})
        for c in cells
        if not c.ok
    ]
    results += [
        _result(
            "rls/finding",
            "error" if v.severe else "warning",
            v.sentence,
            name=f.object,
            fingerprint={"finding": f.object},
        )
        for f in all_findings
        if f.verdict == CONFIRMED
        for v in f.shown
    ]
    sarif.write(file, rules, results)


def _result(rule: str, level: str, text: str, name: str, fingerprint: dict[str, str]) -> dict[str, Any]:
    locations = [{"fullyQualifiedName": name, "kind": "resource"}]
    result = sarif.result(rule, level, text, file="supabase/access.toml", logicalLocations=locations)
    return result | {"partialFingerprints": fingerprint}


def _title(kind: str) -> str:
    from pushproof.proof.kinds import kinds

    return (kinds()[kind].__doc__ or kind).strip().splitlines()[0]


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n", encoding="utf-8")
