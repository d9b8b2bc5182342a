"""Fixtures, one file per concern."""

pytest_plugins = ["tests.fix_stack", "tests.fix_actors"]
