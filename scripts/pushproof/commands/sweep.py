"""`pushproof sweep`: test users and their rows that an interrupted run left behind, and nothing else."""

from __future__ import annotations

from pushproof.base.errors import FailedError
from pushproof.migrations.gate import turn
from pushproof.proof.leftovers import STUCK, remove_users
from pushproof.stack.run import Run
from pushproof.target.api import check_keys
from pushproof.target.testusers import client, forget_dead_runs, left_behind


def sweep(run: Run) -> list[str]:
    """Remove them, and their rows; the e-mail addresses removed. Users of a living run stay.

    Raises FailedError naming those that would not go.
    """
    check_keys(run.target)
    with turn(run, "sweep", shared=True):
        removed, stuck = clear(run)
    for email in removed:
        run.console.line(f"removed {email}", ok=True)
    if not removed and not stuck:
        run.console.line("nothing was left behind", ok=True)
    run.console.data({"removed": removed, "stuck": stuck})
    refuse_stuck(stuck)
    return removed


def clear(run: Run) -> tuple[list[str], list[str]]:
    """The same without a word: who went, and who would not, with Auth's words."""
    from pushproof.target.patience import http_client

    target, state_dir = run.target, run.settings.state_dir
    with http_client(target) as http:
        admin = client(target, target.secret_key, http)
        users = {user.id: str(user.email) for user in left_behind(admin, state_dir)}
        removed, stuck = remove_users(target, admin, users)
    if not stuck:
        forget_dead_runs(state_dir, target.url)
    return removed, stuck


def refuse_stuck(stuck: list[str]) -> None:
    """Raises FailedError naming those that would not go."""
    if stuck:
        raise FailedError(f"cannot remove {', '.join(stuck)}", f"{STUCK} first")
