"""Every check of the schema is green on a fresh schema, and red once its promise is broken."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from tests.verify.breaks import BREAKS, Break

SUPABASE = Path(__file__).parents[2] / "supabase"
CHECKS = {path.stem: path.read_text() for path in sorted((SUPABASE / "checks").glob("*.sql"))}
VERIFICATION = (SUPABASE / "migrations" / "032_test_conversation_tables.sql").read_text()


def red(connection: psycopg.Connection) -> dict[str, object]:
    """The checks that are red, with what they say; asked with an empty search_path, as `invoke verify` does."""
    found: dict[str, object] = {}
    with connection.transaction():
        connection.execute("set local search_path = ''")
        for name, check in CHECKS.items():
            cursor = connection.execute(check)
            assert [column.name for column in cursor.description or ()] == ["expected", "found"], name
            rows = cursor.fetchall()
            assert len(rows) == 1, name
            if rows[0][0] != rows[0][1]:
                found[name] = rows[0]
    return found


@pytest.mark.parametrize("each", BREAKS, ids=lambda each: each.name)
def test_a_broken_promise_is_noticed(postgres: psycopg.Connection, each: Break) -> None:
    """Green before; after the break exactly the named checks are red, and the verifying migration raises."""
    assert red(postgres) == {}
    with postgres.transaction(force_rollback=True):
        postgres.execute(each.sql)
        assert tuple(red(postgres)) == each.checks
        if each.migration:
            with pytest.raises(psycopg.errors.RaiseException, match="Broken promise"), postgres.transaction():
                postgres.execute(VERIFICATION)
        else:
            postgres.execute(VERIFICATION)


def test_every_check_is_seen_red() -> None:
    """A check that no break turns red proves nothing."""
    assert set(CHECKS) == {check for each in BREAKS for check in each.checks}


def test_the_verifying_migration_asks_every_check() -> None:
    """Migration 032 has to stand alone, so it repeats the checks: word for word."""
    for name, check in CHECKS.items():
        query = check.split("\n", 1)[1].rstrip(";\n")
        assert f"'{name}', c.expected, c.found from (\n{query}\n    ) c" in VERIFICATION, name


def test_a_new_value_as_the_documentation_says(postgres: psycopg.Connection) -> None:
    """docs/schema.md shows how a list gets one more."""
    [block] = re.findall(r"```sql\n(.*?)```", (SUPABASE.parent / "docs/schema.md").read_text(), re.DOTALL)
    tool = "select 'tool'::conversation_private.message_role"
    with postgres.transaction(force_rollback=True):
        with pytest.raises(psycopg.errors.CheckViolation), postgres.transaction():
            postgres.execute(tool)
        postgres.execute(block)
        postgres.execute(tool)


def test_verification_leaves_nothing(postgres: psycopg.Connection) -> None:
    """Rows, settings and role are as before, and it may run twice, alone or inside a transaction."""
    state = """select current_user, current_setting('search_path'),
      (select count(*) from auth.users), (select count(*) from public.brands)"""
    before = postgres.execute(state).fetchone()
    postgres.execute(VERIFICATION)
    with postgres.transaction():
        postgres.execute(VERIFICATION)
        assert postgres.execute(state).fetchone() == before
    assert postgres.execute(state).fetchone() == before
