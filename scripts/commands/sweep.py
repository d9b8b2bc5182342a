"""`invoke sweep`: test users and their rows that an interrupted run left behind, and nothing else."""

from __future__ import annotations

from scripts.boundary import Run
from scripts.errors import FailedError
from scripts.testusers import admin_client, forget, left_behind, marked_run


def sweep(run: Run) -> list[str]:
    """Remove them, their rows by cascade; the e-mail addresses removed. Users of a living run stay.

    Raises FailedError naming those that would not go.
    """
    from supabase_auth.errors import AuthApiError

    admin = admin_client(run.target)
    removed, stuck = [], []
    for user in left_behind(admin, run.settings.state_dir):
        try:
            admin.auth.admin.delete_user(user.id)
        except AuthApiError as problem:
            stuck.append(f"{user.email} ({problem.message})")
            continue
        removed.append(str(user.email))
        forget(run.settings.state_dir, str(marked_run(user)))
        run.console.line(f"removed {user.email}", ok=True)
    if not removed and not stuck:
        run.console.line("nothing was left behind", ok=True)
    run.console.data({"removed": removed, "stuck": stuck})
    if stuck:
        raise FailedError(
            f"cannot remove {', '.join(stuck)}",
            "rows refer to them without `on delete cascade`: delete those rows first",
        )
    return removed
