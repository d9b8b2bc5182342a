"""Why a cell could not be asked."""

from __future__ import annotations

from pushproof.proof.catalog import Relation


class UnaskableError(Exception):
    """A cell that could not be asked, in one sentence with what to do about it."""


class UnansweredError(Exception):
    """A statement that the server did not end in time: whoever tries values stops at it."""


class SingleError(UnaskableError):
    """A second row of the same user's is not possible."""


class CrowdedError(Exception):
    """The case needs a standing row for itself, while others are asked that may look at it."""


def no_sample(relation: Relation, why: str) -> UnaskableError:
    """The error that no row could be made, with the remedy that always works."""
    return UnaskableError(
        f"no sample row could be made for {relation.qualified}: {why}; give it a `sample` in supabase/access.toml"
    )
