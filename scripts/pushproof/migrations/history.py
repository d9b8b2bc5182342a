"""Where files and history disagree: what each disagreement means, the next step, and the repair of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pushproof.base.errors import HistoryError, UsageError
from pushproof.migrations.files import FILE_NAME, Applied, Pairing, joined
from pushproof.target.targets import Target
from pushproof.tools.supabase_cli import Cli

HISTORY, FILES = "history", "files"
KEPT = ".edited"  # what an edited file held, beside the file: the CLI skips the name


@dataclass(frozen=True)
class Trouble:
    """One version on which the two sides disagree. `step` is what to do about it."""

    pairing: Pairing
    cause: str
    step: str


def troubles_of(pairs: Iterable[Pairing]) -> list[Trouble]:
    """What a push should know of first; nothing for pending and applied versions."""
    return [trouble for p in pairs if (trouble := _trouble(p))]


def _trouble(p: Pairing) -> Trouble | None:
    if p.state == "edited" and p.local:
        return Trouble(
            p,
            f"{p.local.path.name} was edited since it was applied: it is not pushed again",
            "put the change into a new migration, and `pushproof migrations --repair` gets the applied text back",
        )
    if p.state == "foreign" and p.applied:
        recorded = "or `pushproof migrations --repair` writes it from the history"
        return Trouble(
            p,
            f"{p.version} was applied, and supabase/migrations has no file of it",
            f"fetch the missing file (`git pull`), {recorded if p.applied.statements else 'its text was not recorded'}",
        )
    if p.state == "moved" and p.local:
        return Trouble(
            p,
            f"{p.local.path.name} was applied as {p.twin}",
            f"`pushproof migrations --repair` gives the file that version: {_at(p, p.twin).name}",
        )
    if p.state == "late" and p.local:
        return Trouble(
            p,
            f"{p.local.path.name} would come before {p.late}, which is applied",
            "give it a later version, or push with --include-all",
        )
    return None


@dataclass(frozen=True)
class Repair:
    """One step of a repair, said before it is done: a file written or renamed, or a row of the history."""

    words: str
    file: Path | None = None
    text: str = ""
    source: Path | None = None
    version: str = ""
    status: str = ""

    def do(self, target: Target, cli: Cli) -> None:
        """Raises what the CLI's failure means."""
        if self.status:
            cli.repair(target, self.version, self.status)
        elif self.file and self.source:
            self.source.rename(self.file)
        elif self.file:
            self.file.write_text(self.text, encoding="utf-8")


def repairs_of(pairs: Iterable[Pairing], folder: Path, keep: str) -> list[Repair]:
    """What makes both sides agree, in order: with `keep` history the files follow it, with files the history follows.

    A late file needs no repair, but `push --include-all`. Raises UsageError, HistoryError for a row without its
    statements, from which no file can be made.
    """
    if keep not in (HISTORY, FILES):
        raise UsageError(f"--keep {keep}: there is {HISTORY} and {FILES}", "name the side that is right")
    made = (_follow_history(p, folder) if keep == HISTORY else _follow_files(p) for p in pairs)
    return [repair for found in made for repair in found]


def _follow_history(p: Pairing, folder: Path) -> list[Repair]:
    if p.state == "moved" and p.local:
        file = _at(p, p.twin)
        return [Repair(f"rename {p.local.path.name} to {file.name}", file, source=p.local.path)]
    if p.state == "edited" and p.local and p.applied:
        kept = _free(p.local.path.with_name(p.local.path.name + KEPT))
        return [
            Repair(f"keep {p.local.path.name} as {kept.name}", kept, p.local.sql),
            Repair(f"write {p.local.path.name} as it was applied", p.local.path, joined(p.applied.statements)),
        ]
    if p.state == "foreign" and p.applied:
        if not p.applied.statements:
            raise HistoryError(
                f"{p.version} was applied, and its text was not recorded",
                f"get the file from a colleague, or forget the version: `pushproof migrations --repair --keep {FILES}`",
            )
        file = _fetched(folder, p.applied)
        return [Repair(f"write {file.name} from the history", file, joined(p.applied.statements))]
    return []


def _follow_files(p: Pairing) -> list[Repair]:
    if p.state == "edited" and p.local:
        return [Repair(f"record {p.local.path.name} as it is now", version=p.version, status="applied")]
    if p.state == "foreign":
        return [Repair(f"forget {p.version}", version=p.version, status="reverted")]
    if p.state == "moved" and p.local:
        return [
            Repair(f"record {p.local.path.name} as applied", version=p.version, status="applied"),
            Repair(f"forget {p.twin}", version=p.twin, status="reverted"),
        ]
    return []


def _at(p: Pairing, version: str) -> Path:
    assert p.local  # noqa: S101 - of a pairing with a file
    return p.local.path.with_name(f"{version}_{p.local.name}.sql")


def _fetched(folder: Path, applied: Applied) -> Path:
    """Where the file of a row goes. Raises HistoryError where that is not the name of a migration."""
    name = f"{applied.version}_{applied.name or 'fetched'}.sql"
    if not FILE_NAME.match(name) or "/" in name or "\\" in name:
        raise HistoryError(f"the history holds {name!r}, which names no migration", "write the file by hand")
    return folder / name


def _free(file: Path) -> Path:
    """This name, or the next that no file has."""
    return next(one for n in itertools.count(1) if not (one := file.with_name(file.name + str(n) * (n > 1))).exists())
