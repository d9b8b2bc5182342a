"""What a project's own tests and locustfile import: `Actor`, `Access`, `refused`, and `Visitor`, which needs Locust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pushproof.testing.access import Access, refused
    from pushproof.testing.actors import Actor
    from pushproof.testing.visitor import Visitor

__all__ = ["Access", "Actor", "Visitor", "refused"]
MODULES = {"Access": "access", "Actor": "actors", "Visitor": "visitor", "refused": "access"}


def __getattr__(name: str) -> Any:
    """Import the name on first use, because Locust may not be installed."""
    from importlib import import_module

    if name not in MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"pushproof.testing.{MODULES[name]}"), name)
