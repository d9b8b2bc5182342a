"""`pushproof sweep`: remove test users, with their rows, that an interrupted run left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pushproof.migrations.gate import turn
from pushproof.proof.leftovers import clear, refuse_stuck
from pushproof.stack.run import Run
from pushproof.target.api import check_keys

if TYPE_CHECKING:
    from pushproof.base import documents


def sweep(run: Run) -> list[str]:
    """Remove the test users of runs that ended, and their rows. Returns the users' e-mail addresses.

    Raises FailedError that names the users who could not be removed.
    """
    check_keys(run.target)
    with turn(run, "sweep", shared=True):
        removed, stuck = clear(run.target, run.settings.state_dir)
    for email in removed:
        run.console.line(f"removed {email}", ok=True)
    if not removed and not stuck:
        run.console.line("nothing was left behind", ok=True)
    document: documents.Sweep = {"removed": removed, "stuck": stuck}
    run.console.data(document)
    refuse_stuck(stuck)
    return removed
