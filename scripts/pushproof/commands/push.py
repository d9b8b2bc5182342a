"""`pushproof push`: plan the pending migrations, push them by the CLI, and read the history back."""

from __future__ import annotations

from pushproof.deploy import pushing
from pushproof.deploy.pushing import PushOptions
from pushproof.stack.run import Run


def push(run: Run, options: PushOptions) -> None:
    """Push, and print the document. Raises what `pushproof.deploy.pushing.push` raises."""
    run.console.data(pushing.push(run, options).document)
