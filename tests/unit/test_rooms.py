"""A room of the package uses only the rooms below it, in functions and for type checkers too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "scripts" / "pushproof"
ROOMS = (
    "base",
    "target",
    "tools",
    "stack",
    "migrations",
    "lint",
    "checks",
    "proof",
    "deploy",
    "testing",
    "upkeep",
    "bench",
    "commands",
    "boundary",
    "failing",
    "tasks",
    "cli",
    "__main__",
)


def imported(source: str) -> Iterator[str]:
    """The rooms that a module names."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{name}" for name in names]
        yield from (name.split(".")[1] for name in names if name.startswith("pushproof."))


def against_the_order(room: str, source: str) -> list[str]:
    """Rooms above its own that a module names."""
    return [name for name in imported(source) if ROOMS.index(name) > ROOMS.index(room)]


def test_no_room_uses_one_above() -> None:
    """Every module lies in a room."""
    modules = [file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "__init__.py"]
    assert len(modules) > 100
    found = {}
    for file in modules:
        room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if above := against_the_order(room, file.read_text()):
            found[str(file)] = above
    assert found == {}


def test_an_import_against_the_order_is_seen() -> None:
    """Within a function, and for type checkers."""
    hidden = "def f():\n    from pushproof.commands import push\n"
    typed = "if TYPE_CHECKING:\n    from pushproof.stack.run import Run\n"
    assert against_the_order("stack", hidden + typed) == ["commands"]
    assert against_the_order("base", "import pushproof.target.api") == ["target"]


def test_no_command_calls_another() -> None:
    """What two need is a function of a room below."""
    commands = [*(PACKAGE / "commands").glob("*.py")]
    assert len(commands) > 20
    assert {file.name for file in commands if "commands" in imported(file.read_text())} == set()


def test_each_query_lies_in_the_room_that_asks_it() -> None:
    """None is missing, none is asked by nobody, and only a room above may ask one of another."""
    asked: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        for name in re.findall(r'"((?:\w+/)+\w+)"', file.read_text()):
            if (PACKAGE / name).parent.joinpath("queries").is_dir():
                asked.setdefault(name, set()).add(file.relative_to(PACKAGE).parts[0])
    there = {
        str(file.parent.parent.relative_to(PACKAGE) / file.stem)
        for file in PACKAGE.rglob("*.sql")
        if file.parent.name == "queries"
    }
    assert asked.keys() == there
    assert all(ROOMS.index(room) >= ROOMS.index(name.split("/")[0]) for name, rooms in asked.items() for room in rooms)


def test_contributing_draws_the_same_rooms() -> None:
    """From the top down, with a line about each."""
    drawn = re.search(r"```text\n(.*?)```", (REPOSITORY / "CONTRIBUTING.md").read_text(), re.DOTALL)
    assert drawn
    named = re.findall(r"^  (\w+)[/ ]", drawn[1], re.MULTILINE)
    assert [name for name in named if name in ROOMS] == [name for name in reversed(ROOMS) if name != "__main__"]
