"""`pushproof verify`: the promises of supabase/checks held against the target."""

from __future__ import annotations

from dataclasses import asdict

from pushproof.base.errors import FailedError
from pushproof.checks.promises import Verdict, verdicts_of
from pushproof.stack.run import Run


def verify(run: Run) -> list[Verdict]:
    """Every check of the project. Raises FailedError when one is red, ProjectError where there is none."""
    verdicts = verdicts_of(run.target, run.settings.supabase_dir / "checks")
    if not all(v.ok for v in verdicts):
        run.check()
    report(run, verdicts)
    run.console.data([asdict(v) for v in verdicts])
    red = [v.check for v in verdicts if not v.ok]
    if red:
        raise FailedError(
            f"{len(red)} of {len(verdicts)} checks are red: {', '.join(red)}",
            "compare expected with found above; `pushproof migrations` shows what is pushed",
        )
    return verdicts


def report_red(run: Run, verdicts: list[Verdict]) -> list[Verdict]:
    """The red ones, each with what was expected and found, then how many are green."""
    red = [v for v in verdicts if not v.ok]
    if red:
        run.check()
    report(run, red)
    run.console.line(f"verify: {len(verdicts) - len(red)} of {len(verdicts)} checks are green", ok=not red)
    return red


def report(run: Run, verdicts: list[Verdict]) -> None:
    """One line a check; a red one with what was expected and found."""
    for v in verdicts:
        if v.ok:
            run.console.line(f"{v.check}: {_short(v.found)}", ok=True)
        else:
            run.console.line(v.title, ok=False, head=f"{v.check}:")
            run.console.line(f"    expected {v.expected}\n    found    {v.found}")


def _short(text: str | None, limit: int = 90) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
