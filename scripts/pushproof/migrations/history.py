"""Differences between the migration files and the history: the cause of each, the next step, and the repair."""

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
KEPT = ".edited"  # suffix of the copy of an edited file, beside it: the CLI skips such a name


@dataclass(frozen=True)
class Trouble:
    """One version on which files and history disagree. `step` says what to do about it."""

    pairing: Pairing
    cause: str
    step: str


def troubles_of(pairs: Iterable[Pairing]) -> list[Trouble]:
    """The disagreements that matter to a push. Pending and applied versions have none."""
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
    """One step of a repair: it writes or renames a file, or sets the status of a version in the history.

    `description` says what the step does, for the preview.
    """

    description: str
    file: Path | None = None
    text: str = ""
    source: Path | None = None
    version: str = ""
    status: str = ""

    def do(self, target: Target, cli: Cli) -> None:
        """Do the step. Raises what the CLI's failure means."""
        if self.status:
            cli.repair(target, self.version, self.status)
        elif self.file and self.source:
            self.source.rename(self.file)
        elif self.file:
            self.file.write_text(self.text, encoding="utf-8")


def repairs_of(pairs: Iterable[Pairing], folder: Path, keep: str) -> list[Repair]:
    """The steps, in order, after which files and history agree.

    With `keep` "history" the files change, with "files" the history changes. A late file needs no repair but
    `push --include-all`. Raises UsageError for another `keep`, HistoryError for a row without statements, from which no
    file can be written.
    """
    if keep not in (HISTORY, FILES):
        raise UsageError(f"--keep {keep}: there is {HISTORY} and {FILES}", "name the side that is right")
    made = (_follow_history(p, folder) if keep == HISTORY else _follow_files(p) for p in pairs)
    return [repair for repairs in made for repair in repairs]


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
    assert p.local  # noqa: S101 - callers pass a pairing with a file
    return p.local.path.with_name(f"{version}_{p.local.name}.sql")


def _fetched(folder: Path, applied: Applied) -> Path:
    """The file to write for a history row. Raises HistoryError if the row's name makes no valid file name."""
    name = f"{applied.version}_{applied.name or 'fetched'}.sql"
    if not FILE_NAME.match(name) or "/" in name or "\\" in name:
        raise HistoryError(f"the history holds {name!r}, which names no migration", "write the file by hand")
    return folder / name


def _free(file: Path) -> Path:
    """The file itself, or with the first number appended that makes a new name."""
    return next(new for n in itertools.count(1) if not (new := file.with_name(file.name + str(n) * (n > 1))).exists())
