"""The only module that writes to the terminal: results to standard output, everything else to standard error."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO

from pushproof.base.program import as_called

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

    from pushproof.base.errors import PushproofError
from pushproof.base.interruptions import undisturbed

NO_LIMIT = 100_000
STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("", "")}


class Console:
    """Prints text for people, or with `as_json` one JSON document for scripts. `quiet` suppresses status lines.

    Lines are written directly; rich, which takes 0.1 s to import, draws tables, spinners and progress bars.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self._wrote_json = False
        _open_standard_streams()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # writes \\xe9 if the encoding lacks é

    def status(self, text: str, *, head: str = "", style: str = "bold") -> None:
        """Write a status line, after a highlighted `head`. If it cannot be written, the task goes on."""
        if not self.quiet:
            try:
                _write(sys.stderr, (head, style), (as_called(text), ""))
            except OSError:  # a full disk, or a closed pipe
                discard(sys.stderr)

    def line(self, text: str, *, ok: bool | None = None, head: str = "") -> None:
        """Write a line of the result, with a mark if `ok` is given. Silent with --json."""
        if not self.as_json:
            _write(sys.stdout, MARKS[ok], (head, "bold"), (as_called(text), ""))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write rows under headings, None as `null`. Silent with --json."""
        if self.as_json:
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
        for row in rows:
            table.add_row(*(v if isinstance(v, Text) else Text(shown(v), "dim" if v is None else "") for v in row))
        _rich(stderr=False).print(table)

    def data(self, value: Any) -> None:
        """Write the result as a JSON document; calls after the first do nothing. Silent without --json."""
        if self.as_json and not self._wrote_json:
            self._wrote_json = True
            with undisturbed():  # an interruption must not cut the document
                sys.stdout.write(json.dumps(value, default=shown, indent=2) + "\n")
                sys.stdout.flush()

    @contextlib.contextmanager
    def doing(self, text: str) -> Iterator[None]:
        """Show `text` while the block runs: as a spinner on a terminal, else as a status line."""
        if self.quiet:
            yield
        elif sys.stderr.isatty() and not os.environ.get("CI"):
            with _rich(stderr=True).status(text):
                yield
        else:
            self.status(f"{text} …")
            yield

    @contextlib.contextmanager
    def progress(self, text: str, *, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        """Show a progress bar on a terminal, else a status line; yields the function that sets the progress."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = _rich(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed} of about {task.total} " + unit),
            TimeElapsedColumn(),
        )
        if not console.is_terminal:
            self.status(f"{text} (about {total} {unit}) …")
        with Progress(*columns, console=console, disable=self.quiet or not console.is_terminal) as progress:
            bar = progress.add_task(text, total=total)
            yield lambda done: progress.update(bar, completed=min(done, total))

    def error(self, error: PushproofError) -> None:
        """Write an error: its cause, its remedy and its details, if any."""
        self.status(_one_line(error.message), head="ERROR", style="red")
        if error.hint:
            self.status(error.hint, head="FIX  ")
        if error.details:
            self.status("", head=as_called(error.details), style="dim")
        texts = {"message": error.message, "hint": error.hint, "details": error.details}
        self.data({"error": {"code": error.code, **{name: as_called(text) for name, text in texts.items()}}})


def _one_line(text: str) -> str:
    """The text with control characters escaped: the name of a file may hold any."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def entry(value: Any, **members: object) -> Any:
    """A dataclass as an entry of a `--json` document; `members` replaces or adds keys."""
    return asdict(value) | members


def shown(value: Any) -> str:
    """A database value as text: null, true, false and JSON as SQL writes them."""
    if isinstance(value, bool | dict | list | None):
        return json.dumps(value, default=shown, ensure_ascii=False)
    return str(value)


def counted(number: int, noun: str) -> str:
    """A number with its noun, such as `1,000 rows` or `1 row`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def discard(stream: TextIO) -> None:
    """Redirect a standard stream to /dev/null: a failing flush at exit would change the exit code to 120."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _open_standard_streams() -> None:
    """Redirect closed standard streams (`>&-`) to /dev/null. Else the next file or socket would take their number."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode))


def _write(stream: TextIO, *pieces: tuple[str, str]) -> None:
    """Write pieces of (text, style) as one line, styled on a terminal with colours (https://no-color.org)."""
    coloured = stream.isatty() and not os.environ.get("NO_COLOR")
    styled = (f"\033[{STYLES[style]}m{text}\033[0m" if coloured and style else text for text, style in pieces if text)
    stream.write(" ".join(styled) + "\n")
    stream.flush()


def _rich(*, stderr: bool) -> RichConsole:
    """rich's console. Piped output is neither wrapped nor cut, because programs read it."""
    from rich.console import Console as RichConsole

    class Piped(RichConsole):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the task with exit code 1

    plain = not (sys.stderr if stderr else sys.stdout).isatty()
    return Piped(stderr=stderr, highlight=False, soft_wrap=plain, width=NO_LIMIT if plain else None)
