"""A mistake on the command line: its remedy, as JSON where that was asked for, and exit code 2."""

from __future__ import annotations

import re
import sys
from typing import NoReturn

from invoke.exceptions import ParseError

from pushproof.base.console import Console
from pushproof.base.errors import UsageError


def end(problem: ParseError) -> NoReturn:
    """Print what invoke's parser says, and leave."""
    context = problem.context
    of = f" {context.name}" if context and context.name else ""
    listing = f"pushproof --help{of}" if of else "pushproof --list"
    message = re.sub(r"<Argument: ([\w-]+).*?>", r"--\1", str(problem))
    as_json = bool({"--json", "-j"} & {*sys.argv})
    Console(as_json=as_json).error(UsageError(message, f"`{listing}` shows what there is"))
    raise SystemExit(UsageError.code)
