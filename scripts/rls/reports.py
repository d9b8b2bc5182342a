"""What a run found, for people and for programs: the matrix, JSON, JUnit XML and SARIF."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from scripts.rls.cells import ALLOWED, Cell
from scripts.rls.coverage import Coverage

if TYPE_CHECKING:
    from rich.text import Text

    from scripts.console import Console

BASE = {"select": "S", "insert": "I", "update": "U", "delete": "D", "call": "C"}
DENIED_MARK = "·"
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def matrix(console: Console, cells: Sequence[Cell], actors: Sequence[str]) -> None:
    """Objects against actors: a letter for what is possible, a dot for what is not, `!` behind what is wrong."""
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
    """Each failing cell in one sentence, with the request that shows it."""
    for cell in cells:
        if not cell.ok:
            console.line(cell.reason, ok=False)
            if cell.request:
                console.line(f"    {cell.request.curl(cell.actor)}\n    → {cell.answer}")


def uncovered(console: Console, covered: Sequence[Coverage]) -> None:
    """How many policies were seen to allow and to deny, and which were not."""
    for one in covered:
        if not one.covered:
            never = " and ".join(w for w, seen in (("allow", one.allowing), ("deny", one.denying)) if not seen)
            console.line(f"policy {one.policy.name} on {one.policy.relation} was never seen to {never}", ok=False)
    done = sum(c.covered for c in covered)
    console.line(f"policies seen to allow and to deny: {done} of {len(covered)}", ok=done == len(covered))


def document(cells: Sequence[Cell], covered: Sequence[Coverage], seconds: float, **more: Any) -> dict[str, Any]:
    """The whole run for scripts."""
    return {
        "cells": [_cell(c) for c in cells],
        "failed": sum(not c.ok for c in cells),
        "policies": [
            {"relation": c.policy.relation, "policy": c.policy.name, "allowing": c.allowing, "denying": c.denying}
            for c in covered
        ],
        "seconds": round(seconds, 2),
        **more,
    }


def _cell(cell: Cell) -> dict[str, Any]:
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
        "request": cell.request.curl(cell.actor) if cell.request else "",
    }


def write_junit(file: Path, cells: Sequence[Cell], seconds: float) -> None:
    """A test case for each cell, as CI systems read it."""
    failed = sum(not c.ok for c in cells)
    suite = ElementTree.Element(
        "testsuite",
        name="pushproof rls",
        tests=str(len(cells)),
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
            failure.text = f"{cell.request.curl(cell.actor)}\n{cell.answer}" if cell.request else cell.answer
    _write(file, ElementTree.tostring(suite, encoding="unicode", xml_declaration=True))


def write_sarif(file: Path, cells: Sequence[Cell], version: str) -> None:
    """The failing cells as code scanners' results, at the file that declares the intent."""
    kinds = sorted({c.case.kind for c in cells})
    results = [
        {
            "ruleId": f"rls/{cell.case.kind}",
            "level": "error",
            "message": {"text": cell.reason},
            "locations": [
                {
                    "physicalLocation": {"artifactLocation": {"uri": "supabase/access.toml"}},
                    "logicalLocations": [{"fullyQualifiedName": cell.case.object, "kind": "resource"}],
                }
            ],
            "partialFingerprints": {"cell": cell.name},
        }
        for cell in cells
        if not cell.ok
    ]
    driver = {
        "name": "pushproof",
        "version": version,
        "rules": [{"id": f"rls/{kind}", "shortDescription": {"text": _title(kind)}} for kind in kinds],
    }
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    _write(file, json.dumps(log, indent=2))


def _title(kind: str) -> str:
    from scripts.rls.kinds import kinds

    return (kinds()[kind].__doc__ or kind).strip().splitlines()[0]


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n", encoding="utf-8")
