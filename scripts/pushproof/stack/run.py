"""The run of a task: its settings, its console and its target."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import cached_property

from pushproof.base import settings as settings_module
from pushproof.base.console import Console
from pushproof.base.errors import CredentialsError, FailedError, PushproofError, StackError, UnreachableError
from pushproof.base.settings import Settings
from pushproof.stack.embedded import Stack
from pushproof.target.database import check_target
from pushproof.target.targets import Target

# Errors that a service that died may cause.
DOUBTFUL = (FailedError, UnreachableError, CredentialsError)


class Run:
    """The run of a task: its settings, its console and its target, which are made on first use.

    `target` is the value of --target; `settings` and `known` are used instead if given, `known` as the target.
    """

    def __init__(
        self,
        target: str,
        *,
        as_json: bool,
        settings: Settings | None = None,
        known: Target | None = None,
        quiet: bool = False,
    ) -> None:
        self.console = Console(as_json=as_json, quiet=quiet)
        self.asked = target
        self._given = settings
        self._known = known
        self.started: list[str] = []

    @cached_property
    def settings(self) -> Settings:
        """The settings, read once. Raises what `settings.load` raises."""
        settings = self._given or settings_module.load(self.asked)
        for name in settings.repeated:
            self.console.status(f".env sets {name} more than once: the last one counts", style="yellow")
        return settings

    @cached_property
    def stack(self) -> Stack:
        """The project's embedded stack, running or not."""
        return Stack(self.settings, self.console)

    @cached_property
    def target(self) -> Target:
        """The target, which is shown at the top of the run. The embedded stack is started."""
        from pushproof.target import targets

        if self._known:
            return self._known
        if self.settings.target == "embedded":
            self.started = self.stack.start()
            target = self.stack.target()
        elif self.settings.target == "local":
            from pushproof.stack.local import local

            target = local(self.settings, self.console)
        else:
            target = targets.remote(self.settings)
        self.console.status(target.label, head="target")
        return target

    def check(self) -> None:
        """Raise an error if a service of the stack died, or if an address of the target does not answer.

        Called after a failure, before the failure counts as an answer of the target.
        """
        if "target" not in vars(self):
            return
        if self.target.kind == "embedded":
            self.stack.check()
        else:
            check_target(self.target)


@contextlib.contextmanager
def doubting(check: Callable[[], None]) -> Iterator[None]:
    """Call `check` if the block fails; an error that it raises replaces the failure."""
    try:
        yield
    except PushproofError as error:
        if isinstance(error, DOUBTFUL):
            _check_again(check, error)
        raise
    except Exception:
        check()
        raise


def _check_again(check: Callable[[], None], error: PushproofError) -> None:
    try:
        check()
    except StackError as cause:
        if isinstance(error, UnreachableError):  # keep the details: what a push had done
            cause.details = f"{error.details}\n{cause.details}".strip()
        raise
