"""The rules: each module of this folder is one, with the name of the module."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Protocol, cast

from pushproof.lint.files import File, Project


class Rule(Protocol):
    """A module of this folder. Its docstring says what is wrong, HINT what to do instead."""

    __doc__: str | None
    LEVEL: str
    HINT: str

    def check(self, file: File, project: Project) -> Iterator[tuple[int, str]]:
        """Each line that breaks the rule, with a message."""


@cache
def rules() -> dict[str, Rule]:
    """All rules by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {n.replace("_", "-"): cast("Rule", importlib.import_module(f"{__name__}.{n}")) for n in names}
