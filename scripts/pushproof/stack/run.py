"""A task's run: its settings, its console, and its target once it is asked for."""

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

# What a service that died may look like.
DOUBTFUL = (FailedError, UnreachableError, CredentialsError)


class Run:
    """One task's run: its settings, its console, and its target once it is asked for, unless `known` is it."""

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
        found = self._given or settings_module.load(self.asked)
        for name in found.repeated:
            self.console.status(f".env sets {name} more than once: the last one counts", style="yellow")
        return found

    @cached_property
    def stack(self) -> Stack:
        return Stack(self.settings, self.console)

    @cached_property
    def target(self) -> Target:
        """The target, said at the top of the run; the embedded stack is started for it."""
        from pushproof.target import targets

        if self._known:
            return self._known
        if self.settings.target == "embedded":
            self.started = self.stack.start()
            found = self.stack.target()
        elif self.settings.target == "local":
            from pushproof.stack.local import local

            found = local(self.settings, self.console)
        else:
            found = targets.remote(self.settings)
        self.console.status(found.label, head="target")
        return found

    def check(self) -> None:
        """Raise what explains that something failed, before it is taken for what the target says: a service of its
        stack that died, an address that does not answer any more.
        """
        if "target" not in vars(self):
            return
        if self.target.kind == "embedded":
            self.stack.check()
        else:
            check_target(self.target)


@contextlib.contextmanager
def doubting(check: Callable[[], None]) -> Iterator[None]:
    """Ask `check` before a failure in the block is believed."""
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
        if isinstance(error, UnreachableError):  # what a push had done by then stays true
            cause.details = f"{error.details}\n{cause.details}".strip()
        raise
