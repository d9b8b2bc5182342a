"""`pushproof retention`: delete rows that ended long ago, in batches that hold locks only briefly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pushproof.base.console import counted
from pushproof.base.errors import ProjectError, UsageError
from pushproof.base.reading import present, text_of
from pushproof.migrations.gate import confirm_production, turn
from pushproof.stack.run import Run
from pushproof.target.database import connect
from pushproof.upkeep.retention import LIMIT_SECONDS, LOCK, RetentionRule, answers, batches, schedule, unschedule

WHEN = "17 3 * * *"  # in cron's syntax, UTC: at night


@dataclass(frozen=True, kw_only=True)
class RetentionOptions:
    """The options of `pushproof retention`. `idle`: after how many days to delete rows that never ended; 0: never."""

    days: int = 90
    batch: int = 5000
    idle: int = 0
    dry_run: bool = False
    schedule: bool = False
    unschedule: bool = False
    confirm: str = ""


def retention(run: Run, options: RetentionOptions) -> dict[str, Any]:
    """Delete the rows that are due; with `dry_run` only count them; with `schedule` let pg_cron do it every night.

    Returns the document of --json. Raises UsageError, ProjectError, RefusedError on production, MissingError without
    pg_cron, SqlError.
    """
    _check(options)
    folder = run.settings.supabase_dir / "retention"
    ages = {"ended": options.days, "idle": options.idle}
    rules = [RetentionRule.of(folder, name, days) for name, days in ages.items() if days]
    target = run.target
    if not options.dry_run:
        confirm_production(run, options.confirm, "delete rows of")
    with turn(run, "retention", shared=True), connect(target, limit=f"{LIMIT_SECONDS}s", lock=LOCK) as connection:
        if options.unschedule:
            return _unscheduled(run, unschedule(connection))
        if options.schedule:
            return _schedule(run, connection, rules, options=options)
        never_ended = _ages(folder, connection)
        document: dict[str, Any] = {rule.name: _retire(run, connection, rule, options=options) for rule in rules}
        document["never_ended"] = never_ended
        _show_ages(run, never_ended)
    run.console.data(document)
    return document


def _check(options: RetentionOptions) -> None:
    if options.days < 1 or options.batch < 1 or options.idle < 0:
        raise UsageError(
            "--days or --batch is less than 1, or --include-idle negative", "--days 90 --batch 5000 is usual"
        )
    if options.schedule + options.unschedule + options.dry_run > 1:
        raise UsageError("--schedule, --unschedule and --dry-run exclude each other", "choose one")


def _retire(run: Run, connection: Any, rule: RetentionRule, options: RetentionOptions) -> dict[str, Any]:
    """Apply one rule; its part of the document."""
    plan = rule.plan(connection)
    (noun, wanted), (along, _) = [*plan.items()][:2]
    about = f"{rule.name}, {counted(rule.days, 'day')} and more: {wanted:,} {noun}, {_other_figures(plan)}"
    if options.dry_run or not wanted:
        run.console.line(about, ok=None, head="would delete" if wanted else "nothing to delete")
        return {"planned": plan, "deleted": 0, "batches": 0, "longest_ms": 0}
    run.console.status(about, head="deleting")
    durations = []
    deleted = went_along = 0
    with run.console.progress(f"Deleting {rule.name} {noun}", total=wanted, unit=noun) as advance:
        for batch in batches(connection, rule, options.batch):
            durations.append(batch.milliseconds)
            deleted, went_along = deleted + batch.deleted, went_along + batch.along
            advance(deleted)
    longest = max(durations, default=0)
    spent = f"{counted(len(durations), 'transaction')} · longest {longest:.0f} ms"
    run.console.line(
        f"{deleted:,} {noun} with {went_along:,} {along} · {spent}", ok=True, head=f"retention {rule.name}"
    )
    if deleted < wanted:
        run.console.status(f"{wanted - deleted} were locked or changed meanwhile: run it again", head="left")
    return {
        "planned": plan,
        "deleted": deleted,
        "along": went_along,
        "batches": len(durations),
        "longest_ms": round(longest, 1),
    }


def _other_figures(plan: Mapping[str, Any]) -> str:
    """The figures of a plan after the first, as text."""
    figures = {name: value for name, value in [*plan.items()][1:] if value is not None}
    return ", ".join(f"{v:,} {n}" if isinstance(v, int) else f"{n} {v:%Y-%m-%d}" for n, v in figures.items())


def _ages(folder: Path, connection: Any) -> list[dict[str, Any]]:
    """The rows that never ended, counted by age. Raises ProjectError, SqlError."""
    file = folder / "idle_ages.sql"
    return answers(connection, file.name, text_of(file, ProjectError)) if present(file) else []


def _show_ages(run: Run, ages: Sequence[Mapping[str, Any]]) -> None:
    if ages:
        run.console.line("", head="never ended")
        run.console.table([*ages[0]], [[*row.values()] for row in ages])


def _schedule(run: Run, connection: Any, rules: Sequence[RetentionRule], options: RetentionOptions) -> dict[str, Any]:
    with connection.transaction():
        unschedule(connection)  # also the job of a rule that these options leave out
        for rule in rules:
            schedule(connection, rule, options.batch, when=WHEN)
    for rule in rules:
        run.console.line(f"{rule.name} after {counted(rule.days, 'day')}, at {WHEN} (UTC)", ok=True, head="scheduled")
    document = {"scheduled": [rule.name for rule in rules], "when": WHEN}
    run.console.data(document)
    return document


def _unscheduled(run: Run, names: list[str]) -> dict[str, Any]:
    run.console.line(", ".join(names) or "nothing was scheduled", ok=True, head="unscheduled")
    run.console.data({"unscheduled": names})
    return {"unscheduled": names}
