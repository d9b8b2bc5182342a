"""What a check's text says about the values that it lets through."""

from __future__ import annotations

import pytest

from pushproof.proof.samples import literals


@pytest.mark.parametrize(
    ("definition", "texts"),
    [
        ("CHECK (((role)::text = ANY ((ARRAY['user'::character varying, 'it''s'])::text[])))", ["user", "it's"]),
        ("CHECK (((role)::text = ANY ('{user,\"two words\",it''s}'::text[])))", ["user", "two words", "it's"]),
        ("CHECK (((role)::text = ANY ('{user,assistant}'::character varying(20)[])))", ["user", "assistant"]),
        ("CHECK ((plan <> '{}'::jsonb))", ["{}"]),
    ],
)
def test_the_texts_that_a_check_names(definition: str, texts: list[str]) -> None:
    """As the server writes a list, and as it writes a constant array."""
    assert literals(definition) == texts
