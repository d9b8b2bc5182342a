"""A program: which of the project's tests fail on the target that the environment names, and in what phase, as JSON.

`mutate --suite pytest` asks it about a broken copy. Its arguments are the folder of the tests, then the tests, none for
all of them; --first ends it at the first that fails in its call.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pushproof.boundary import boundary
from pushproof.checks.suite import FIRST, run_suite

if __name__ == "__main__":
    with boundary("remote") as run:
        folder, *names = (word for word in sys.argv[1:] if word != FIRST)
        print(json.dumps(run_suite(run, Path(folder), tests=names, first=FIRST in sys.argv).failed))  # noqa: T201
