"""Fixtures, one file per concern."""

from __future__ import annotations

import os

import pytest

pytest_plugins = ["tests.fix_stack", "tests.fix_actors", "tests.fix_cli", "tests.fix_tasks"]


def pytest_configure(config: pytest.Config) -> None:
    """Ctrl-C reaches a worker by its foreman alone: twice would disturb the end of its fixtures."""
    if hasattr(config, "workerinput"):
        os.setpgrp()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """tests/smoke comes last: its users live to the end, and the tests of `smoke` and `sweep` count users."""
    items.sort(key=lambda item: item.path.parent.name == "smoke")
