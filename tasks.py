"""The tasks of pushproof that every project has, and those that run its own tests."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from pushproof.tasks import after_dashes, ns


@task(name="test", help={"keyword": "only tests that match this pytest expression"})
def run_tests(_: Context, keyword: str = "") -> None:
    """Run pushproof's own tests, on stacks of their own

    Options for pytest other than -k go behind two dashes: invoke test -- -x
    """
    from pushproof.boundary import boundary
    from tests.running import test

    with boundary():
        test(keyword=keyword, pytest_args=after_dashes())


@task(help={"json": "print the result as JSON on standard output"})
def faults(_: Context, json: bool = False) -> None:
    """Inject failures into a push, and show what was observed"""
    from pushproof.boundary import boundary
    from tests.running import faults

    with boundary(json=json) as run:
        faults(run)


@task(name="picture")
def picture(_: Context) -> None:
    """Draw docs/picture.svg from a real run of tests/demo"""
    from pushproof.boundary import boundary
    from tests.picture import draw

    with boundary() as run:
        run.console.line(f"drew {draw()}", ok=True)


ns.add_task(run_tests)
ns.add_task(picture)
ns.add_task(faults)
