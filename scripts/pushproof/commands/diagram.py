"""`pushproof diagram`: draw the tables of the API and their foreign keys, as Mermaid and as SVG."""

from __future__ import annotations

from pathlib import Path

from pushproof.proof.probing import catalog_of
from pushproof.stack.run import Run
from pushproof.tools import parts as npm
from pushproof.upkeep import generated
from pushproof.upkeep.diagram import mermaid, svg

PAGE = """# The schema

Written by `pushproof diagram`: do not edit. The same as a picture: [diagram.svg](diagram.svg).

```mermaid
{diagram}```
"""


def diagram(run: Run, *, check: bool, out: str = "") -> None:
    """Write diagram.md and diagram.svg into the project's docs/, or into `out`.

    With `check`, write nothing and raise FailedError for a stale file. Raises FailedError if there is no table,
    PartsError without the npm parts.
    """
    folder = Path(out) if out else run.settings.project / "docs"
    catalog = catalog_of(run.settings, run.target)
    with run.console.doing("Drawing"):
        texts = {
            folder / "diagram.md": PAGE.format(diagram=mermaid(catalog)),
            folder / "diagram.svg": svg(catalog, npm.ensure(run.settings, run.console)),
        }
    generated.keep(run, "diagram", texts, check=check)
