"""Pitfalls that have a sign in a schema: found in the broken one, and nothing found in the mended one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fix_rls import Laboratory
from tests.rls.test_engine import wrong

PITFALLS = sorted(f for f in (Path(__file__).parent / "pitfalls").glob("*.sql") if not f.name.endswith(".mended.sql"))
# No request to the API shows these: they are slow (11, 12, 20), need a second hole to be of use (6, 10, 37),
# an anonymous sign-in (29), or change rows that nobody asked about (21, 24).
WITHOUT_A_CELL = ("06", "10", "11", "12", "20", "21", "24", "29", "37")


@pytest.mark.parametrize("file", [f for f in PITFALLS if f.name[:2] not in WITHOUT_A_CELL], ids=lambda file: file.stem)
def test_it_is_found(laboratory: Laboratory, file: Path) -> None:
    """A cell that is not as declared shows the hole."""
    assert wrong(laboratory.prove(file.read_text(), file.with_suffix(".toml").read_text())) != {}


@pytest.mark.parametrize("file", PITFALLS, ids=lambda file: file.stem)
def test_its_mended_twin_is_clean(laboratory: Laboratory, file: Path) -> None:
    """Once it is closed, everything is as declared."""
    mended = file.read_text() + file.with_suffix(".mended.sql").read_text()
    assert wrong(laboratory.prove(mended, file.with_suffix(".toml").read_text())) == {}
