"""The program `pushproof`: the tasks of `invoke`, for projects without a tasks.py."""

from __future__ import annotations

from pushproof.base.interruptions import leave_at_once

leave_at_once()

import contextlib  # noqa: E402 - an interruption may come during these imports
import os  # noqa: E402
from collections.abc import Callable  # noqa: E402
from importlib import metadata  # noqa: E402

from invoke.config import Config as InvokeConfig  # noqa: E402
from invoke.exceptions import ParseError  # noqa: E402
from invoke.parser.argument import Argument  # noqa: E402
from invoke.program import Program as InvokeProgram  # noqa: E402

from pushproof.base.usage import end  # noqa: E402
from pushproof.tasks import ns  # noqa: E402


class Config(InvokeConfig):
    """invoke's configuration; it ignores the user's file if the home folder cannot be entered."""

    def load_user(self, merge: bool = True) -> None:
        """Read the settings of invoke that the user has, unless their file cannot be read."""
        with contextlib.suppress(OSError):
            super().load_user(merge)


class Program(InvokeProgram):
    """invoke's program, with a hint and exit code 2 for usage errors."""

    def core_args(self) -> list[Argument]:
        """invoke's options and --workdir, which may stand before or after the task."""
        help_ = "the project folder, which holds supabase/ (else SUPABASE_WORKDIR, or upwards from the current folder)"
        return [*super().core_args(), Argument(name="workdir", kind=str, default="", help=help_)]

    def parse_core(self, argv: list[str] | None) -> None:
        """Parse the options of the program. Raises SystemExit for an unknown option."""
        self._checked(lambda: super(Program, self).parse_core(argv))

    def parse_tasks(self) -> None:
        """Parse the tasks and their options. Raises SystemExit for an unknown task or option."""
        self._checked(super().parse_tasks)
        if folder := self.args["workdir"].value:
            os.environ["SUPABASE_WORKDIR"] = folder

    def _checked(self, parse: Callable[[], None]) -> None:
        try:
            parse()
        except ParseError as problem:
            end(problem)


def main() -> None:
    """Run the program that pip installs."""
    Program(
        name="pushproof", binary="pushproof", namespace=ns, version=metadata.version("pushproof"), config_class=Config
    ).run()
