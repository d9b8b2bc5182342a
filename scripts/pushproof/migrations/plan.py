"""The plan of a push: what each statement of the pending files locks, whom that blocks, and what it loses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pushproof.base.console import counted, entry
from pushproof.base.queries import query
from pushproof.migrations.files import Migration
from pushproof.migrations.locks import Effects, Lock, effects_of
from pushproof.migrations.statements import Statement, statements_of

if TYPE_CHECKING:
    from pushproof.base import documents

QUIET_SECONDS = 3600  # a read that is older is not mentioned


@dataclass(frozen=True)
class Use:
    """A relation of the target: its rows as the planner estimates them, its bytes with indexes, and its use.

    `reads` (scans) and `writes` (rows) count since the statistics were reset; `sessions` use it now.
    """

    rows: int
    bytes: int
    reads: int
    writes: int
    seconds_since_read: int | None
    sessions: int

    def __str__(self) -> str:
        parts = [f"{counted(self.rows, 'row')}, {human(self.bytes)}"]
        if self.seconds_since_read is not None and self.seconds_since_read < QUIET_SECONDS:
            parts.append(f"read {self.seconds_since_read} s ago")
        if self.writes:
            parts.append(f"{counted(self.writes, 'row')} written so far")
        if self.sessions:
            parts.append(f"in use by {counted(self.sessions, 'session')} now")
        return "; ".join(parts)


@dataclass(frozen=True)
class Step:
    """One statement, its effects, and the relations of the target that it affects, by their names in the statement."""

    statement: Statement
    effects: Effects
    uses: dict[str, Use]

    @property
    def hurts(self) -> list[Lock]:
        """The locks that others may wait for: those on existing relations that have rows or are in use."""
        used = {name for name, use in self.uses.items() if use.rows or use.sessions}
        return [lock for lock in self.effects.locks if lock.blocks and lock.relation in used]

    @property
    def loses(self) -> str:
        """What is lost, with the current number of rows; empty if `if exists` finds nothing to drop."""
        if getattr(self.statement.node, "missing_ok", False) and self.effects.locks and not self.uses:
            return ""
        rows = sum(use.rows for use in self.uses.values())
        return (
            f"{self.effects.loses} ({counted(rows, 'row')} now)" if self.effects.loses and rows else self.effects.loses
        )

    @property
    def notes(self) -> Iterator[str]:
        """Messages about the statement, to read before it runs."""
        if self.loses:
            yield f"loses {self.loses}"
        for lock in self.hurts:
            work = f" while it {lock.work}" if lock.work else ", briefly"
            yield f"blocks {lock.blocks} of {lock.relation} ({self.uses[lock.relation]}){work}"
        if self.effects.opaque:
            yield "runs code: only a rehearsal shows what it locks"

    @property
    def document(self) -> documents.Statement:
        """For --json."""
        return {
            "line": self.statement.line,
            "statement": self.statement.title,
            "loses": self.loses or None,
            "opaque": self.effects.opaque,
            "locks": [
                {
                    "relation": lock.relation,
                    "mode": lock.mode,
                    "blocks": lock.blocks or None,
                    "work": lock.work or None,
                    "use": entry(use) if (use := self.uses.get(lock.relation)) else None,
                }
                for lock in self.effects.locks
            ],
        }


@dataclass(frozen=True)
class FilePlan:
    """One pending file and its statements."""

    migration: Migration
    steps: tuple[Step, ...]

    @property
    def losses(self) -> list[Step]:
        """The statements that lose data."""
        return [step for step in self.steps if step.loses]


def plan_of(connection: Any, pending: Sequence[Migration]) -> tuple[FilePlan, ...]:
    """The plan of pending files, in their order. The target is only read."""
    parsed = {m: [(s, effects_of(s.node)) for s in statements_of(m.sql)] for m in pending}
    effects = [e for pairs in parsed.values() for _, e in pairs]
    uses = _uses(connection, {lock.relation for e in effects for lock in e.locks})
    made: set[str] = set()
    plans = []
    for migration, pairs in parsed.items():
        steps = []
        for statement, effect in pairs:
            affected = {lock.relation for lock in effect.locks} & uses.keys() - made
            steps.append(Step(statement, effect, {name: uses[name] for name in sorted(affected)}))
            made.add(effect.makes)
        plans.append(FilePlan(migration, tuple(steps)))
    return tuple(plans)


def touched(plans: Iterable[FilePlan]) -> dict[str, Use]:
    """The existing relations that the files lock or write, by name."""
    return {name: use for plan in plans for step in plan.steps for name, use in step.uses.items()}


def _uses(connection: Any, names: set[str]) -> dict[str, Use]:
    rows = connection.execute(query("migrations/relation_use"), {"names": sorted(names)}).fetchall()
    return {name: Use(*numbers) for name, *numbers in rows}


def human(size: float) -> str:
    """A number of bytes as text, such as 310 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
