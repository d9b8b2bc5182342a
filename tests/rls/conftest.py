"""The laboratory is for these tests alone: `invoke smoke` loads every fixture file of tests/conftest.py."""

from __future__ import annotations

from tests.fix_rls import laboratory

__all__ = ["laboratory"]
