"""A program that runs the project's tests on the target of the environment, and prints the failed ones as JSON.

`mutate --suite pytest` runs it on a broken copy. Its arguments are the folder of the tests and the tests to run, all by
default; --first ends it at the first test that fails in its call phase.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pushproof.boundary import boundary
from pushproof.checks.suite import FIRST, run_suite

if __name__ == "__main__":
    with boundary("remote") as run:
        folder, *names = (argument for argument in sys.argv[1:] if argument != FIRST)
        print(json.dumps(run_suite(run, Path(folder), tests=names, first=FIRST in sys.argv).failed))  # noqa: T201
