"""`invoke sweep`: test users and their rows that an interrupted run left behind, and nothing else."""

from __future__ import annotations

from scripts.api import check_keys
from scripts.boundary import Run
from scripts.errors import FailedError
from scripts.leftovers import remove_rows_of
from scripts.testusers import client, forget_dead_runs, left_behind

STUCK = "rows refer to them that a trigger or a key does not let go: delete those first"


def sweep(run: Run) -> list[str]:
    """Remove them, and their rows; the e-mail addresses removed. Users of a living run stay.

    Raises FailedError naming those that would not go.
    """
    check_keys(run.target)
    removed, stuck = clear(run)
    if not removed and not stuck:
        run.console.line("nothing was left behind", ok=True)
    run.console.data({"removed": removed, "stuck": stuck})
    if stuck:
        raise FailedError(f"cannot remove {', '.join(stuck)}", STUCK)
    return removed


def clear(run: Run) -> tuple[list[str], list[str]]:
    """The same: who went, and who would not, with Auth's words."""
    from supabase_auth.errors import AuthApiError

    from scripts.patience import http_client

    removed, stuck = [], []
    with http_client(run.target) as http:
        admin = client(run.target, run.target.secret_key, http)
        users = left_behind(admin, run.settings.state_dir)
        remove_rows_of(run.target, [user.id for user in users])
        for user in users:
            try:
                admin.auth.admin.delete_user(user.id)
            except AuthApiError as problem:
                stuck.append(f"{user.email} ({problem.message})")
                continue
            removed.append(str(user.email))
            run.console.line(f"removed {user.email}", ok=True)
    if not stuck:
        forget_dead_runs(run.settings.state_dir, run.target.url)
    return removed, stuck
