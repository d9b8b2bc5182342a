"""The kinds of cases, one module each: found by being in this folder."""

from __future__ import annotations

import importlib
import pkgutil
from typing import cast

from pushproof.proof.cells import Kind


def kinds() -> dict[str, Kind]:
    """Every kind by its module's name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: cast("Kind", importlib.import_module(f"{__name__}.{name}")) for name in names}
