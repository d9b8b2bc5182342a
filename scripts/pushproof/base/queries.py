"""The text of SQL files beside the modules that run them, and their headers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from pushproof.base.resources import resource

HEADER = re.compile(r"(?:--.*\n)+")


@cache
def query(name: str) -> str:
    """The SQL of a query by its name: `migrations/history` is the file migrations/queries/history.sql."""
    folder, _, stem = name.rpartition("/")
    return resource("pushproof", *folder.split("/"), "queries", f"{stem}.sql").read_text(encoding="utf-8")


def header_of(sql: str, keys: Iterable[str]) -> tuple[str, str, dict[str, str]]:
    """Split the comment at the top of a file into its title, its other text, and the values of its `key: …` lines.

    A key without a line has an empty value.
    """
    comment = HEADER.match(sql)
    title, *lines = [line.removeprefix("--").strip() for line in (comment[0] if comment else "").splitlines()] or [""]
    values, text = dict.fromkeys(keys, ""), []
    for line in lines:
        key, colon, value = line.partition(": ")
        if colon and key in values:
            values[key] = value
        else:
            text.append(line)
    return title, " ".join(text), values
