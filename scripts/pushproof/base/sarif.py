"""SARIF 2.1.0, as code scanners exchange their results: https://docs.oasis-open.org/sarif/sarif/v2.1.0."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write(file: Path, rules: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]]) -> None:
    """One run of ours: its rules and its results."""
    driver = {"name": "pushproof", "version": version(), "rules": list(rules)}
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results)}]}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(log, indent=2) + "\n", encoding="utf-8")


def rule(name: str, text: str, *, page: str = "") -> dict[str, Any]:
    """A rule, and the page about it if there is one."""
    return {"id": name, "shortDescription": {"text": text}} | ({"helpUri": page} if page else {})


def result(name: str, level: str, text: str, file: str, *, line: int = 0, **more: Any) -> dict[str, Any]:
    """A result of rule `name` in a file, relative to the project; `more` goes to its location."""
    where: dict[str, Any] = {"artifactLocation": {"uri": quote(file)}}
    if line:
        where["region"] = {"startLine": line}
    return {
        "ruleId": name,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": where, **more}],
    }


def version() -> str:
    """Ours."""
    return metadata.version("pushproof")
