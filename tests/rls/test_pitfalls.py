"""Pitfalls that have a sign in a schema: confirmed in the broken one, and no longer in the mended one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from pushproof.proof.findings import CONFIRMED, Finding
from tests.fix_rls import Laboratory
from tests.rls.test_engine import wrong

PITFALLS = sorted(f for f in (Path(__file__).parent / "pitfalls").glob("*.sql") if not f.name.endswith(".mended.sql"))
# They cost time, or take a second hole: confirmed, and no leak by themselves.
LATENT = ("03", "06", "09", "10", "11", "12", "17", "20", "23", "24", "29", "37")
# Nothing leaks: the owner is refused, which a cell says.
SHUT = ("25",)


def sentences(findings: Iterable[Finding]) -> set[str]:
    """What is confirmed."""
    return {v.sentence for f in findings if f.verdict == CONFIRMED for v in f.shown}


@pytest.mark.parametrize("file", PITFALLS, ids=lambda file: file.stem)
def test_it_is_confirmed_until_it_is_mended(laboratory: Laboratory, file: Path) -> None:
    """Put to the database, the broken schema shows it with its evidence; in the mended one nothing leaks."""
    number, access = file.name[:2], file.with_suffix(".toml").read_text()
    broken = laboratory.findings(file.read_text(), access)
    mended = laboratory.findings(file.read_text() + file.with_suffix(".mended.sql").read_text(), access)
    if number not in SHUT:
        assert sentences(broken) - sentences(mended)
        assert all(v.request and v.answer for f in broken if f.verdict == CONFIRMED for v in f.shown)
    assert [f.object for f in mended if f.severe] == []
    assert any(f.severe for f in broken) == (number not in (*LATENT, *SHUT))


@pytest.mark.parametrize("number", SHUT)
def test_a_shut_out_owner_is_a_failing_cell(laboratory: Laboratory, number: str) -> None:
    """And no longer once it is mended."""
    file = next(f for f in PITFALLS if f.name.startswith(number))
    mended, access = file.with_suffix(".mended.sql").read_text(), file.with_suffix(".toml").read_text()
    assert wrong(laboratory.prove(file.read_text(), access)) != {}
    assert wrong(laboratory.prove(file.read_text() + mended, access)) == {}
