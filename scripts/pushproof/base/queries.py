"""The texts of SQL files that lie beside the modules that ask them, and what their headers say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from pushproof.base.resources import resource

HEADER = re.compile(r"(?:--.*\n)+")


@cache
def query(name: str) -> str:
    """The SQL of queries/history.sql in migrations/, where the module that asks it lies, for `migrations/history`."""
    folder, _, stem = name.rpartition("/")
    return resource("pushproof", *folder.split("/"), "queries", f"{stem}.sql").read_text(encoding="utf-8")


def header_of(sql: str, keys: Iterable[str]) -> tuple[str, str, dict[str, str]]:
    """Of the comment that a file begins with: its first line, the others, and what it says of each `key: …`."""
    found = HEADER.match(sql)
    title, *lines = [line.removeprefix("--").strip() for line in (found[0] if found else "").splitlines()] or [""]
    said, about = dict.fromkeys(keys, ""), []
    for line in lines:
        word, colon, rest = line.partition(": ")
        if colon and word in said:
            said[word] = rest
        else:
            about.append(line)
    return title, " ".join(about), said
