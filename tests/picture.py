"""README's picture, as SVG of a terminal: what `pushproof rls` shows of tests/demo, whose policy lets too much."""

from __future__ import annotations

import html
import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pushproof.base.settings import load
from pushproof.stack.scratch import environment_of, scratch_project

DEMO = Path(__file__).parent / "demo"
PICTURE = Path(__file__).parents[1] / "docs" / "picture.svg"
WIDTH = 108
COMMAND = "rls --no-findings"
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # a picture asks nothing of the network
TEXT = re.compile(r'<text[^>]*? x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>')
CHANGING = (  # from run to run: ids, times, and what a terminal's drawing is named after
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "…"),
    (re.compile(r"· \d+ a second · [\d.]+ s"), "…"),
)


def shown() -> str:
    """The output of the command on the demo, with its colours, as a terminal receives it."""
    settings = load(environ={**os.environ, "SUPABASE_WORKDIR": str(DEMO), "SUPABASE_TARGET": "embedded"})
    with scratch_project(settings) as copy:
        environment = environment_of(copy) | {"COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        program = [sys.executable, "-m", "pushproof"]
        subprocess.run([*program, "push"], env=environment, check=True, capture_output=True)
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as screen:
            task = subprocess.Popen(
                [*program, *COMMAND.split()], env=environment, stdout=theirs, stderr=subprocess.DEVNULL
            )
            os.close(theirs)
            text = _all_of(screen)
            task.wait()
    return text


def _all_of(screen: io.FileIO | io.RawIOBase) -> str:
    parts = []
    try:
        while part := screen.read(4096):
            parts.append(part)
    except OSError:  # how Linux says that nobody writes to a terminal any more
        pass
    return b"".join(parts).decode().replace("\r\n", "\n")


def drawn(text: str) -> str:
    """The SVG of a terminal that shows it."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ pushproof rls", style="bold"))
    console.print(Text.from_ansi(text.rstrip()))
    return FONTS.sub("", console.export_svg(title="pushproof", unique_id="pushproof"))


def words(svg: str) -> list[str]:
    """The lines that a drawing shows, without what changes from run to run."""
    rows: dict[float, list[tuple[float, str]]] = {}
    for x, y, text in TEXT.findall(svg):
        rows.setdefault(float(y), []).append((float(x), html.unescape(text)))
    shown = "\n".join("".join(word for _, word in sorted(row)).rstrip() for _, row in sorted(rows.items()))
    shown = shown.replace("\xa0", " ")
    for pattern, instead in CHANGING:
        shown = pattern.sub(instead, shown)
    return shown.splitlines()


def draw() -> Path:
    """Write docs/picture.svg anew; the file."""
    PICTURE.write_text(drawn(shown()), encoding="utf-8")
    return PICTURE
