"""Fixtures, one file per concern."""

from __future__ import annotations

import signal
from types import FrameType

import pytest

pytest_plugins = ["tests.fix_stack", "tests.fix_actors", "tests.fix_cli", "tests.fix_tasks"]


def pytest_configure(config: pytest.Config) -> None:
    """A worker is interrupted by the terminal and by its foreman: once is enough, for its fixtures are to end."""

    def interrupt(_signum: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    if hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, interrupt)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """tests/smoke comes last: its users live to the end, and the tests of `smoke` and `sweep` count users."""
    items.sort(key=lambda item: item.path.parent.name == "smoke")
