"""Fixtures, one file per concern."""

from __future__ import annotations

import os
import signal

import pytest

LIMIT_SECONDS = 600  # of a test with its fixtures
IGNORED = pytest.StashKey[bool]()

pytest_plugins = ["tests.fix_stack", "tests.fix_cli", "tests.fix_tasks"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long tests/faults/test_interruptions.py goes on."""
    parser.addoption("--interruptions", type=int, default=8, help="how many tasks are interrupted at drawn moments")


def pytest_configure(config: pytest.Config) -> None:
    """Ctrl-C reaches a worker by its foreman alone: twice would disturb the end of its fixtures."""
    if hasattr(config, "workerinput"):
        os.setpgrp()


def pytest_sessionstart(session: pytest.Session) -> None:
    """A shell lets a command in the background ignore Ctrl-C, and what it starts too: tests would wait for good."""
    if not hasattr(session.config, "pushproof_run") and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        session.config.stash[IGNORED] = True


def pytest_report_header(config: pytest.Config) -> str | None:
    """What became of it."""
    return "interruption: SIGINT was ignored; this run and its tests heed it" if IGNORED in config.stash else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """No test waits for good. Those whose users live to the end come last, for others count users."""
    items.sort(key=lambda item: "as_user" in getattr(item, "fixturenames", ()))
    if config.pluginmanager.has_plugin("timeout"):
        for item in items:
            item.add_marker(pytest.mark.timeout(LIMIT_SECONDS))
