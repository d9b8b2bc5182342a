"""`pushproof retention`: rows that ended long ago are deleted, in batches that hold nobody up."""

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

WHEN = "17 3 * * *"  # as cron writes it: when most sleep


@dataclass(frozen=True, kw_only=True)
class RetentionOptions:
    """What `pushproof retention` is asked to do. `idle`: after how many days what never ended goes too; 0 for never."""

    days: int = 90
    batch: int = 5000
    idle: int = 0
    dry_run: bool = False
    schedule: bool = False
    unschedule: bool = False
    confirm: str = ""


def retention(run: Run, options: RetentionOptions) -> dict[str, Any]:
    """Delete what is due, or with `dry_run` only count it, or have the target do it by itself every night.

    Raises UsageError, ProjectError, RefusedError on production, MissingError without pg_cron, SqlError.
    """
    _check(options)
    folder = run.settings.supabase_dir / "retention"
    wanted = {"ended": options.days, "idle": options.idle}
    rules = [RetentionRule.of(folder, name, days) for name, days in wanted.items() if days]
    target = run.target
    if not options.dry_run:
        confirm_production(run, options.confirm, "delete rows of")
    with turn(run, "retention", shared=True), connect(target, limit=f"{LIMIT_SECONDS}s", lock=LOCK) as connection:
        if options.unschedule:
            return _unscheduled(run, unschedule(connection))
        if options.schedule:
            return _schedule(run, connection, rules, options=options)
        ages = _ages(folder, connection)
        found: dict[str, Any] = {rule.name: _retire(run, connection, rule, options=options) for rule in rules}
        found["never_ended"] = ages
        _show_ages(run, ages)
    run.console.data(found)
    return found


def _check(options: RetentionOptions) -> None:
    if options.days < 1 or options.batch < 1 or options.idle < 0:
        raise UsageError("days and batches are counted from 1", "--days 90 --batch 5000 is usual")
    if options.schedule + options.unschedule + options.dry_run > 1:
        raise UsageError("--schedule, --unschedule and --dry-run exclude each other", "choose one")


def _retire(run: Run, connection: Any, rule: RetentionRule, options: RetentionOptions) -> dict[str, Any]:
    """Of one rule: what was planned and what went."""
    plan = rule.plan(connection)
    (noun, wanted), (along, _) = [*plan.items()][:2]
    about = f"{rule.name}, {counted(rule.days, 'day')} and more: {wanted:,} {noun}, {_said(plan)}"
    if options.dry_run or not wanted:
        run.console.line(about, ok=None, head="would delete" if wanted else "nothing to delete")
        return {"planned": plan, "deleted": 0, "batches": 0, "longest_ms": 0}
    run.console.status(about, head="deleting")
    seen = []
    deleted = went_along = 0
    with run.console.progress(f"Deleting {rule.name} {noun}", total=wanted, unit=noun) as advance:
        for one in batches(connection, rule, options.batch):
            seen.append(one.milliseconds)
            deleted, went_along = deleted + one.deleted, went_along + one.along
            advance(deleted)
    longest = max(seen, default=0)
    spent = f"{counted(len(seen), 'transaction')} · longest {longest:.0f} ms"
    run.console.line(
        f"{deleted:,} {noun} with {went_along:,} {along} · {spent}", ok=True, head=f"retention {rule.name}"
    )
    if deleted < wanted:
        run.console.status(f"{wanted - deleted} were held by somebody, or touched meanwhile: run it again", head="left")
    return {
        "planned": plan,
        "deleted": deleted,
        "along": went_along,
        "batches": len(seen),
        "longest_ms": round(longest, 1),
    }


def _said(plan: Mapping[str, Any]) -> str:
    """The other figures of a plan, for people."""
    named = {name: value for name, value in [*plan.items()][1:] if value is not None}
    return ", ".join(f"{v:,} {n}" if isinstance(v, int) else f"{n} {v:%Y-%m-%d}" for n, v in named.items())


def _ages(folder: Path, connection: Any) -> list[dict[str, Any]]:
    """What never ended, by age. Raises ProjectError, SqlError."""
    file = folder / "idle_ages.sql"
    return answers(connection, file.name, text_of(file, ProjectError)) if present(file) else []


def _show_ages(run: Run, ages: Sequence[Mapping[str, Any]]) -> None:
    if ages:
        run.console.line("", head="never ended")
        run.console.table([*ages[0]], [[*row.values()] for row in ages])


def _schedule(run: Run, connection: Any, rules: Sequence[RetentionRule], options: RetentionOptions) -> dict[str, Any]:
    with connection.transaction():
        unschedule(connection)  # a rule that is not asked for any more goes
        for rule in rules:
            schedule(connection, rule, options.batch, when=WHEN)
    for rule in rules:
        run.console.line(f"{rule.name} after {counted(rule.days, 'day')}, at {WHEN} (UTC)", ok=True, head="scheduled")
    found = {"scheduled": [rule.name for rule in rules], "when": WHEN}
    run.console.data(found)
    return found


def _unscheduled(run: Run, names: list[str]) -> dict[str, Any]:
    run.console.line(", ".join(names) or "nothing was scheduled", ok=True, head="unscheduled")
    run.console.data({"unscheduled": names})
    return {"unscheduled": names}
