"""Errors that say why a cell could not be asked."""

from __future__ import annotations

from pushproof.proof.catalog import Relation


class UnaskableError(Exception):
    """A cell could not be asked; the message says why and what to do."""


class UnansweredError(Exception):
    """The server did not end a statement in time; callers that try several values stop then."""


class SingleError(UnaskableError):
    """A unique key allows the user only one row."""


class NotAloneError(Exception):
    """The case needs a standing row for itself, but other cases that may use the row are running."""


def no_sample(relation: Relation, reason: str) -> UnaskableError:
    """The error that no sample row could be made, with the remedy."""
    return UnaskableError(
        f"no sample row could be made for {relation.qualified}: {reason}; give it a `sample` in supabase/access.toml"
    )
