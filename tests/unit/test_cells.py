"""What an answer of the REST API counts as."""

from __future__ import annotations

import pytest

from pushproof.proof.asking import Answer
from pushproof.proof.outcomes import FAILED, NOTHING, REFUSED, REJECTED, observed_of


@pytest.mark.parametrize(
    ("status", "code", "observed"),
    [
        (401, "42501", REFUSED),
        (403, "42501", REFUSED),
        (404, "PGRST205", REFUSED),
        (204, "", NOTHING),
        (409, "23505", REJECTED),
        (400, "P0001", REJECTED),
        (400, "PGRST204", FAILED),
        (500, "XX000", FAILED),
    ],
)
def test_a_write_without_effect(status: int, code: str, observed: str) -> None:
    """Denied counts only where the database was asked: PostgREST's own errors are no answer of it.

    An error was rolled back: an effect beside it is somebody else's.
    """
    answer = Answer(status, {"code": code} if code else None)
    assert observed_of(answer, effect=False) == observed
    assert observed_of(answer, effect=True) == ("allowed" if status < 300 else observed)
