"""The kinds of cases: each module of this folder is one."""

from __future__ import annotations

import importlib
import pkgutil
from typing import cast

from pushproof.proof.cells import Kind


def kinds() -> dict[str, Kind]:
    """Every kind, by the name of its module."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: cast("Kind", importlib.import_module(f"{__name__}.{name}")) for name in names}
