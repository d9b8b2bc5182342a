"""The only writer to the terminal: results on standard output, everything else on standard error."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

    from scripts.errors import PushproofError

NO_LIMIT = 100_000
MARKS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]•[/]"}


class Console:
    """Prints for people, or with `as_json` one JSON document for scripts."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._said_json = False
        self._rich: dict[bool, RichConsole] = {}

    def _to(self, *, stderr: bool) -> RichConsole:
        if stderr not in self._rich:
            from rich.console import Console as RichConsole

            stream = sys.stderr if stderr else sys.stdout
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # rather \\xe9 than no word, where é has no code
            plain = not stream.isatty()
            # Piped output is read by programs: neither wrapped nor cut.
            self._rich[stderr] = RichConsole(
                stderr=stderr, highlight=False, soft_wrap=plain, width=NO_LIMIT if plain else None
            )
        return self._rich[stderr]

    def status(self, text: str) -> None:
        """A line about what goes on."""
        self._to(stderr=True).print(text, markup=True)

    def line(self, text: str, *, ok: bool | None = None) -> None:
        """A line of the result, with a mark where `ok` says how it went; silent with --json."""
        if not self.as_json:
            self._to(stderr=False).print(text if ok is None else f"{MARKS[ok]} {text}")

    def plain(self, text: str) -> None:
        """Text as it is, without markup; silent with --json."""
        if not self.as_json:
            self._to(stderr=False).print(text, markup=False)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Rows under headings; None shows as `null`. Silent with --json."""
        if self.as_json:
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
        for row in rows:
            table.add_row(*(v if isinstance(v, Text) else Text(shown(v), "dim" if v is None else "") for v in row))
        self._to(stderr=False).print(table)

    def data(self, value: Any) -> None:
        """The result for scripts: one document, the first. Silent without --json."""
        if self.as_json and not self._said_json:
            self._said_json = True
            sys.stdout.write(json.dumps(value, default=shown, indent=2) + "\n")
            sys.stdout.flush()

    @contextlib.contextmanager
    def doing(self, text: str) -> Iterator[None]:
        """Show that `text` is under way: a spinner on a terminal, a line elsewhere."""
        console = self._to(stderr=True)
        if console.is_terminal and not os.environ.get("CI"):
            with console.status(text):
                yield
        else:
            console.print(f"{text} …", markup=False)
            yield

    @contextlib.contextmanager
    def progress(self, text: str, *, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        """A bar on a terminal, a line at the start and at the end elsewhere; yields its setter."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = self._to(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed} of about {task.total} " + unit),
            TimeElapsedColumn(),
        )
        if not console.is_terminal:
            console.print(f"{text} (about {total} {unit}) …", markup=False)
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task(text, total=total)
            yield lambda done: progress.update(bar, completed=min(done, total))

    def error(self, error: PushproofError) -> None:
        """One line of cause, one of remedy, then the server's own words if there are any."""
        console = self._to(stderr=True)
        console.print(f"[bold red]ERROR[/] {escape(error.message)}")
        if error.hint:
            console.print(f"[bold]FIX[/]   {escape(error.hint)}")
        if error.details:
            console.print(error.details, markup=False, style="dim")
        parts = {"code": error.code, "message": error.message, "hint": error.hint, "details": error.details}
        self.data({"error": parts})


def shown(value: Any) -> str:
    """A database's value as a person reads it: SQL's words and JSON, not Python's."""
    if isinstance(value, bool | dict | list | None):
        return json.dumps(value, default=shown, ensure_ascii=False)
    return str(value)


def escape(text: str) -> str:
    """`text` with what rich would take for markup made literal."""
    from rich.markup import escape as rich_escape

    return rich_escape(text)
