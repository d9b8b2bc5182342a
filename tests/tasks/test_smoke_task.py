"""`invoke smoke`: green only when everything is, and no test user stays whatever happens."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import SimpleNamespace

import psutil
import pytest

from pushproof.base.errors import FailedError
from pushproof.base.waiting import wait_until
from pushproof.checks.promises import CheckResult
from pushproof.checks.suite import Tally
from pushproof.commands.smoke import summarise
from pushproof.stack.run import Run
from tests.fix_stack import Connection, Project, RunningStack
from tests.tasks.answers import document, refuses, secrets_of, succeeds


@pytest.fixture
def watched(project: Project, postgres: Connection) -> Iterator[Connection]:
    """The shared stack, which must run on, and have no test user and no run in the end."""
    services = {name: identity.pid for name, identity in project.stack.state.services.items()}
    yield postgres
    assert {name: identity.pid for name, identity in project.stack.state.services.items()} == services
    assert all(psutil.pid_exists(pid) for pid in services.values())
    assert postgres.execute("select email from auth.users where email like 'pushproof-%'").fetchall() == []
    assert list((project.settings.state_dir / "runs").glob("*")) == []


def test_green(project: Project, watched: Connection) -> None:
    """--json gives one document of what was done; pytest's words are on standard error."""
    done = succeeds(project.invoke("smoke", "--json", "-k", "brands"))
    answer = document(done)
    assert answer.pop("seconds") > 0
    passed = answer["tests"].pop("passed")
    assert passed > 3
    assert f"{passed} passed" in done.stderr
    checks = len(list((project.folder / "supabase" / "checks").iterdir()))
    assert answer == {
        "target": "embedded",
        "url": project.stack.target().url,
        "pushed": [],
        "checks": {"total": checks, "red": []},
        "tests": {"failed": [], "skipped": 0},
    }


def test_red(project: Project, watched: Connection, superuser: Connection) -> None:
    """A red check and a failing test make the run red and are named; the traceback has neither keys nor tokens."""
    check = project.write("checks/zz_never.sql", "-- Never\nselect 'this' as expected, 'that' as found")
    superuser.execute("alter table auth.users add constraint nobody check (false) not valid")
    try:
        done = project.invoke("smoke", "-k", "test_select and brands", "--", "--tb=long", "--showlocals")
    finally:
        check.unlink()
        superuser.execute("alter table auth.users drop constraint nobody")
    name = "tests/smoke/test_access_brands.py::test_select"
    assert done.code == 1
    assert done.stderr.splitlines()[-2:] == [
        f"ERROR smoke failed: check zz_never, {name}",
        "FIX   the first red line above says what was expected",
    ]
    assert "expected this\n    found    that" in done.stdout
    assert "[redacted]" in done.stderr
    assert [s for s in secrets_of(project) if s in done.output] == []
    assert "eyJ" not in done.output
    assert "nothing was left behind" in succeeds(project.invoke("sweep")).stdout


@pytest.mark.parametrize(
    ("check", "outcome", "named"),
    [
        (True, "passed", ""),
        (False, "passed", "check x"),
        (True, "failed", "test_x"),
        (True, "skipped", "skipped tests"),
    ],
)
def test_what_is_green(stack: RunningStack, check: bool, outcome: str, named: str) -> None:
    """A red check, a failed test and a skipped one are each enough for red."""
    run = Run("", as_json=True)
    run.__dict__["target"] = stack.target
    tally = Tally(run)
    tally.pytest_runtest_logreport(SimpleNamespace(when="call", outcome=outcome, nodeid="test_x", longrepr=None))
    verdicts = [CheckResult("x", "X", "1", "1" if check else "2", ok=check)]
    if named:
        with pytest.raises(FailedError, match=named):
            summarise(run, [], verdicts, tally, 1.0)
    else:
        summarise(run, [], verdicts, tally, 1.0)


def test_nothing_proved(project: Project, watched: Connection) -> None:
    """A run without a test is no green run."""
    refuses(project.invoke("smoke", "-k", "nothing_matches"), 1, "no test was run", "tests/smoke")


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted(
    project: Project, stack: RunningStack, watched: Connection, how: signal.Signals, code: int
) -> None:
    """Ctrl-C and TERM amid the tests: users go, the stack that ran before runs on, no traceback of ours."""
    with project.popen("smoke") as smoke:
        assert wait_until(lambda: watched.execute("select from public.brands").rowcount > 0, timeout=30)
        smoke.send_signal(how)
        _, err = smoke.communicate()
    assert smoke.returncode == code, err
    assert "interrupted" in err
    assert "unexpected" not in err


def test_a_skipped_file_is_no_green_file(stack: RunningStack) -> None:
    """A file that is skipped as a whole reports no test: it makes the run red all the same."""
    run = Run("", as_json=True)
    run.__dict__["target"] = stack.target
    tally = Tally(run)
    tally.pytest_collectreport(SimpleNamespace(skipped=True))
    with pytest.raises(FailedError, match="skipped tests"):
        summarise(run, [], [CheckResult("x", "X", "1", "1", ok=True)], tally, 1.0)


@pytest.mark.parametrize("text", ["def x(:", "import nowhere_to_be_found"])
def test_a_test_file_that_cannot_be_read(project: Project, watched: Connection, text: str) -> None:
    """It is a failure that says so, and no interruption."""
    file = project.folder / "tests" / "smoke" / "test_unread.py"
    file.write_text(text)
    try:
        done = project.invoke("smoke")
    finally:
        file.unlink()
    *_, cause, remedy = done.stderr.splitlines()
    assert (done.code, cause) == (1, "ERROR a test file cannot be read: nothing is proved"), done.output
    assert remedy == "FIX   pytest's output above says why"
