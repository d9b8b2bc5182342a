"""SARIF 2.1.0, a format for the results of code scanners: https://docs.oasis-open.org/sarif/sarif/v2.1.0."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write(file: Path, rules: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]]) -> None:
    """Write a SARIF file with one run of pushproof: its rules and its results."""
    driver = {"name": "pushproof", "version": version(), "rules": list(rules)}
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results)}]}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(log, indent=2) + "\n", encoding="utf-8")


def rule(name: str, text: str, *, page: str = "") -> dict[str, Any]:
    """A rule, with the URL of its page if there is one."""
    return {"id": name, "shortDescription": {"text": text}} | ({"helpUri": page} if page else {})


def result(name: str, level: str, text: str, file: str, *, line: int = 0, **members: Any) -> dict[str, Any]:
    """A result of rule `name` in a file, whose path is relative to the project; `members` are added to its location."""
    location: dict[str, Any] = {"artifactLocation": {"uri": quote(file)}}
    if line:
        location["region"] = {"startLine": line}
    return {
        "ruleId": name,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": location, **members}],
    }


def version() -> str:
    """The version of pushproof."""
    return metadata.version("pushproof")
