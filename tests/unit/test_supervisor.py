"""Supervision, told as tables of events: the services are fakes, no process is started."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from pushproof.base import process
from pushproof.base.errors import DiskFullError, PushproofError, StackError
from pushproof.base.process import Identity
from pushproof.stack import supervisor
from pushproof.stack.services.base import Command
from pushproof.stack.supervisor import Health, Supervisor


@dataclass
class World:
    """What happens, in order. `dies` and `never_ready` name services; `words` is what a dying one logs."""

    logs: Path
    dies: str = ""
    never_ready: str = ""
    words: str = ""
    interrupt_at: str = ""
    events: list[str] = field(default_factory=list)
    alive: set[str] = field(default_factory=set)
    saved: list[list[str]] = field(default_factory=list)

    def spawn(self, argv: tuple[str, ...], *, log: Path, env: dict[str, str], **_: object) -> Identity:
        name = argv[0]
        self.events.append(f"start {name}")
        assert env[supervisor.MARK] == str(self.logs)
        if name == self.dies:
            log.write_text(self.words)
        else:
            self.alive.add(name)
        return FakeIdentity(len(self.events), 1.0, self, name)

    def stop(self, identity: FakeIdentity, *, how: signal.Signals) -> None:
        self.events.append(f"{how.name} {identity.name}")
        self.alive.discard(identity.name)


@dataclass(frozen=True)
class FakeIdentity(Identity):
    world: World
    name: str

    def process(self) -> psutil.Process | None:
        return psutil.Process() if self.name in self.world.alive else None


@dataclass(frozen=True)
class Fake:
    """A service that is ready at the second look."""

    world: World
    name: str
    needs: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    looks: list[int] = field(default_factory=list)

    def prepare(self) -> None:
        self.world.events.append(f"prepare {self.name}")

    def command(self) -> Command:
        return Command((self.name,), {})

    def ready(self) -> bool:
        if self.name == self.world.interrupt_at:
            raise KeyboardInterrupt
        self.looks.append(1)
        ready = len(self.looks) > 1 and self.name != self.world.never_ready
        if ready and f"ready {self.name}" not in self.world.events:
            self.world.events.append(f"ready {self.name}")
        return ready


@dataclass
class Clock:
    """Time that passes by sleeping alone, and at once."""

    now: float = 0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path / "logs")
    monkeypatch.setattr(process, "spawn", made.spawn)
    monkeypatch.setattr(process, "stop", made.stop)
    return made


@pytest.fixture
def make(world: World) -> Callable[[], Supervisor]:
    """The supervisor of a database, and of two services that need it."""
    running: dict[str, Identity] = {}

    def built() -> Supervisor:
        services = (
            Fake(world, "db", stop_signal=signal.SIGINT),
            Fake(world, "rest", needs=("db",)),
            Fake(world, "origin", needs=("db",)),
        )
        return Supervisor(services, world.logs, running, lambda: world.saved.append(sorted(running)))

    return built


def test_services_start_when_what_they_need_is_ready(world: World, make: Callable[[], Supervisor]) -> None:
    """Those that need the same start side by side; each is noted as soon as it runs."""
    assert make().start() == ["db", "rest", "origin"]
    assert world.events == [
        *("prepare db", "start db", "ready db"),
        *("prepare rest", "start rest", "prepare origin", "start origin"),
        *("ready rest", "ready origin"),
    ]
    assert world.saved == [["db"], ["db", "rest"], ["db", "origin", "rest"]]


def test_needs_decide_not_the_order_of_the_list(world: World, make: Callable[[], Supervisor]) -> None:
    """A service named before what it needs waits all the same."""
    shuffled = make()
    shuffled.services = list(reversed(shuffled.services))
    assert shuffled.start() == ["db", "origin", "rest"]
    assert world.events.index("ready db") < world.events.index("start origin")


def test_some_are_started_with_what_they_need_and_the_others_later(
    world: World, make: Callable[[], Supervisor]
) -> None:
    """A rehearsal's REST waits for the schema; a failure of the later start leaves what the earlier one started."""
    assert make().start(["origin"]) == ["db", "origin"]
    assert make().start(["db"]) == []
    world.dies = "rest"
    with pytest.raises(StackError, match="rest ended"):
        make().start()
    assert world.alive == {"db", "origin"}
    world.dies = ""
    assert make().start() == ["rest"]


def test_what_comes_up_is_looked_at_before_what_needs_it(world: World, make: Callable[[], Supervisor]) -> None:
    """Only what this call started; an interruption of the look leaves nothing behind."""

    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    one = make()
    one.on_up = interrupted
    with pytest.raises(KeyboardInterrupt):
        one.start()
    assert world.alive == set()
    assert "start rest" not in world.events
    seen: list[str] = []
    one.on_up = seen.append
    one.start(["rest"])
    one.start()
    assert seen == ["db", "rest", "origin"]


def test_a_second_start_starts_nothing(world: World, make: Callable[[], Supervisor]) -> None:
    """What is up stays as it is."""
    make().start()
    world.events.clear()
    assert make().start() == []
    assert not any(event.startswith(("start", "prepare")) for event in world.events)


@pytest.mark.parametrize("killed", ["db", "rest", "origin"])
def test_a_start_brings_back_just_what_is_down(world: World, make: Callable[[], Supervisor], killed: str) -> None:
    """The others are not touched."""
    make().start()
    world.alive.remove(killed)
    assert make().start() == [killed]
    assert world.alive == {"db", "rest", "origin"}


def test_stop_is_the_reverse_with_each_ones_own_signal(world: World, make: Callable[[], Supervisor]) -> None:
    """What was started last ends first; a second stop finds nothing."""
    make().start()
    world.events.clear()
    assert make().stop() == ["origin", "rest", "db"]
    assert world.events == ["SIGTERM origin", "SIGTERM rest", "SIGINT db"]
    assert world.saved[-1] == []
    assert make().stop() == []


def test_stop_also_ends_what_is_no_service_any_more(world: World, make: Callable[[], Supervisor]) -> None:
    """After a change of parts or of code, a process of the former stack does not stay behind."""
    make().start()
    now = make()
    now.services = [one for one in now.services if one.name != "rest"]
    assert now.stop() == ["rest", "origin", "db"]
    assert world.alive == set()


@pytest.mark.parametrize(
    ("change", "error", "code", "cause", "details"),
    [
        ({"dies": "rest", "words": "old\nno such role"}, StackError, 13, "rest ended while it started", "no such role"),
        ({"never_ready": "origin"}, StackError, 13, "origin is not ready after", ""),
        ({"dies": "db", "words": "No space left on device"}, DiskFullError, 20, "the disk is full: db", ""),
    ],
)
def test_a_failing_start_says_why_and_leaves_nothing(
    world: World,
    make: Callable[[], Supervisor],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str],
    error: type[PushproofError],
    code: int,
    cause: str,
    details: str,
) -> None:
    """The error names the service and repeats its log's last words; what this call started is stopped."""
    monkeypatch.setattr(supervisor, "time", Clock())
    vars(world).update(change)
    with pytest.raises(error) as caught:
        make().start()
    assert (caught.value.code, caught.value.message[: len(cause)]) == (code, cause)
    assert details in caught.value.details
    assert world.alive == set()


def test_a_failing_start_leaves_what_ran_before(world: World, make: Callable[[], Supervisor]) -> None:
    """Only what this call started is stopped."""
    make().start()
    world.alive.remove("rest")
    world.dies = "rest"
    with pytest.raises(StackError):
        make().start()
    assert world.alive == {"db", "origin"}


@pytest.mark.parametrize("moment", ["db", "rest", "origin"])
def test_ctrl_c_stops_what_was_started(world: World, make: Callable[[], Supervisor], moment: str) -> None:
    """At any service's turn, nothing is left and the interruption goes on its way."""
    world.interrupt_at = moment
    with pytest.raises(KeyboardInterrupt):
        make().start()
    assert (world.alive, world.saved[-1]) == (set(), [])


def test_a_second_ctrl_c_does_not_disturb_the_stopping(
    world: World, make: Callable[[], Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An impatient user leaves no half of a stack behind either; only a third signal would."""
    calm, patience = world.stop, iter((1, 2))

    def impatient(identity: FakeIdentity, *, how: signal.Signals) -> None:
        if next(patience, None):
            signal.raise_signal(signal.SIGINT)
        calm(identity, how=how)

    monkeypatch.setattr(process, "stop", impatient)
    world.interrupt_at = "origin"
    with pytest.raises(KeyboardInterrupt):
        make().start()
    assert world.alive == set()


def test_ctrl_c_while_a_process_starts_does_not_lose_it(
    world: World, make: Callable[[], Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its start and the note of it a process cannot escape."""
    calm = world.spawn

    def interrupted(argv: tuple[str, ...], *, log: Path, env: dict[str, str], **more: object) -> Identity:
        identity = calm(argv, log=log, env=env, **more)
        signal.raise_signal(signal.SIGINT)
        return identity

    monkeypatch.setattr(process, "spawn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make().start()
    assert (world.events, world.alive) == (["prepare db", "start db", "SIGINT db"], set())


def test_health_tells_stopped_from_killed(world: World, make: Callable[[], Supervisor]) -> None:
    """A service that ended by itself is down with its log's last line as the reason, or with the lack of one."""
    assert [h.why for h in make().health()] == ["stopped"] * 3
    make().start()
    (world.logs / "rest.log").write_text("first\nout of memory\n")
    world.alive -= {"rest", "origin"}
    health = {h.name: h for h in make().health()}
    assert health["rest"] == Health("rest", "down", None, "out of memory")
    assert health["origin"].why == "killed: its log is empty"


def test_health_asks_the_service_itself(world: World, make: Callable[[], Supervisor]) -> None:
    """A process that runs but does not do its work is not up."""
    make().start()
    world.never_ready = "rest"
    states = [[h.state for h in one.health()] for one in [make()] for _ in range(2)]
    assert states[-1] == ["up", "not ready", "up"]


def test_a_log_does_not_grow_without_end(
    world: World, make: Callable[[], Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a start, a log beyond the limit is set aside."""
    monkeypatch.setattr(supervisor, "LOG_LIMIT", 3)
    world.logs.mkdir()
    (world.logs / "db.log").write_text("long")
    make().start()
    assert (world.logs / "db.log.1").read_text() == "long"


def test_one_that_dies_after_it_was_seen_up_is_started_again(world: World, make: Callable[[], Supervisor]) -> None:
    """A service that was killed may be seen alive once more: those that need it must not wait for it for ever."""
    made = make()
    made.start()
    services = [s.name for s in made.services]
    database, *others = services
    for name in others:
        made.stop([name])
    looked: list[bool] = []
    was_alive = made._alive

    def dying(name: str) -> bool:
        if name == database and not looked:
            looked.append(True)
            world.alive.discard(database)
            return True
        return was_alive(name)

    made._alive = dying  # type: ignore[method-assign]
    assert set(made.start()) == set(services)
