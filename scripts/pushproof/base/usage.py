"""Report a mistake on the command line, as JSON with --json, and exit with code 2."""

from __future__ import annotations

import re
import sys
from typing import NoReturn

from invoke.exceptions import ParseError

from pushproof.base.console import Console
from pushproof.base.errors import UsageError


def end(problem: ParseError) -> NoReturn:
    """Print the error of invoke's parser and its remedy, and exit."""
    context = problem.context
    task = context.name if context else ""
    listing = f"pushproof --help {task}" if task else "pushproof --list"
    message = re.sub(r"<Argument: ([\w-]+).*?>", r"--\1", str(problem))
    as_json = bool({"--json", "-j"} & {*sys.argv})
    Console(as_json=as_json).error(UsageError(message, f"`{listing}` shows {'the options' if task else 'the tasks'}"))
    raise SystemExit(UsageError.code)
