"""A stack's life: start, heal, move, interrupt, stop. Whatever was killed or lost, committed data stays."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from pushproof.base import process
from pushproof.base.console import Console
from pushproof.base.errors import DiskFullError, PortError
from pushproof.base.places import cache_dir, service_user
from pushproof.base.process import Identity, has_ended
from pushproof.base.waiting import wait_until
from pushproof.commands.stack import status
from pushproof.stack import state as states
from pushproof.stack.embedded import OWNER_OF_PORT, Stack
from pushproof.stack.run import Run
from pushproof.stack.services import postgres
from pushproof.stack.services.base import HOST, free_port
from pushproof.stack.supervisor import MARK
from pushproof.target.testusers import client
from pushproof.tools.parts import Parts, locate
from tests.fix_stack import Project
from tests.stack.test_gateway import Raw, spellings
from tests.tasks.answers import document, refuses, succeeds

SERVICES = ("postgres", "postgrest", "origin")
ROOT = os.geteuid() == 0


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter; pytest's own are for their owner alone."""
    with tempfile.TemporaryDirectory(prefix="pushproof-open-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def new(projects: Callable[..., Project]) -> Iterator[Callable[[], Project]]:
    """Makes projects that were never started; they are stopped right after the test."""
    made: list[Project] = []

    def make() -> Project:
        made.append(projects(empty=True))
        return made[-1]

    yield make
    for one in made:
        one.stack.stop()


@pytest.fixture(scope="module")
def shared(projects: Callable[..., Project]) -> Iterator[Project]:
    """The project that the tests of this module hurt and heal, with a row that must survive it all."""
    project = projects(empty=True)
    project.stack.start()
    with connect(project) as connection:
        connection.execute("create table kept (word text)")
        connection.execute("insert into kept values ('committed')")
    yield project
    project.stack.stop()


@pytest.fixture
def home(shared: Project) -> Project:
    """The shared project, running."""
    shared.stack.start()
    return shared


def connect(project: Project, password: str = "") -> psycopg.Connection[Any]:
    where = project.stack.target().database
    return psycopg.connect(
        host=where.host,
        port=where.port,
        dbname=where.name,
        user=where.user,
        password=password or where.password,
        autocommit=True,
    )


def pids(project: Project) -> dict[str, int]:
    return {name: identity.pid for name, identity in project.stack.state.services.items()}


def family(project: Project) -> list[psutil.Process]:
    """The services with their children."""
    leaders = [psutil.Process(pid) for pid in pids(project).values()]
    return [*leaders, *(child for one in leaders for child in one.children(recursive=True))]


def left_over(project: Project) -> list[Identity]:
    """Services of a project that run, whether its state knows them or not."""
    return process.marked(MARK, str(project.settings.state_dir / "logs"))


def assert_healthy(project: Project) -> None:
    """Each service is up, nothing else of this stack runs, and the origin answers to its keys."""
    stack = project.stack
    assert [(h.name, h.state, h.why) for h in stack.health()] == [(name, "up", "") for name in SERVICES]
    assert {one.pid for one in left_over(project)} == set(pids(project).values())
    target = stack.target()
    answer = httpx.get(f"{target.url}/rest/v1/", headers={"apikey": target.secret_key})
    assert answer.status_code == 200


def assert_data_is_there(project: Project) -> None:
    with connect(project) as connection:
        assert connection.execute("select word from kept").fetchall() == [("committed",)]


def stranger_at(port: int) -> socket.socket:
    """Somebody else's server."""
    return socket.create_server((HOST, port))


def words(project: Project, error: str) -> list[str]:
    return [line.split(maxsplit=1)[0] for line in error.splitlines() if line.startswith(("ERROR", "FIX"))]


class TestStart:
    """Idempotent; one stack however often and from wherever it is called."""

    def test_a_second_start_starts_nothing(self, home: Project) -> None:
        """The same processes on the same ports, and it says so."""
        before = home.stack.state
        done = home.invoke("start")
        assert (done.code, home.stack.state) == (0, before)
        assert "already running" in done.stdout

    def test_a_stop_and_a_start_keep_ports_keys_and_data(self, home: Project) -> None:
        """What a `.env` or a bookmark says stays true."""
        before = home.stack.state
        home.stack.stop()
        assert home.stack.start() == list(SERVICES)
        after = home.stack.state
        assert (after.ports, after.secrets, after.passwords) == (before.ports, before.secrets, before.passwords)
        assert_data_is_there(home)

    def test_two_starts_at_once_make_one_stack(self, new: Callable[[], Project]) -> None:
        """The second waits for the first, then finds everything running."""
        project = new()
        both = [project.popen("start") for _ in range(2)]
        outputs = [one.communicate()[0] for one in both]
        assert [one.returncode for one in both] == [0, 0]
        assert sorted("already running" in output for output in outputs) == [False, True]
        assert_healthy(project)

    def test_two_stacks_run_side_by_side(self, home: Project, new: Callable[[], Project]) -> None:
        """Ports, keys and passwords are each one's own, and a key of one is nothing to the other."""
        other = new()
        other.stack.start()
        assert_healthy(other)
        assert_healthy(home)
        one, two = home.stack.state, other.stack.state
        for mine, theirs in ((one.ports, two.ports), (one.secrets, two.secrets), (one.passwords, two.passwords)):
            assert not {*mine.values()} & {*theirs.values()}
        answer = httpx.get(f"{other.stack.url}/rest/v1/", headers={"apikey": one.secrets["secret_key"]})
        assert answer.status_code == 401

    def test_a_cluster_is_prepared_once_for_all_projects(
        self, new: Callable[[], Project], open_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first project of an empty cache runs initdb, the second none.

        A strict umask is no obstacle, and what a killed preparation left is cleared up.
        """
        settings = new().settings
        cache, parts = open_folder / "cache", locate(settings)
        (cache / "parts").mkdir(parents=True)
        (cache / "clusters" / "preparing-x").mkdir(parents=True)
        (cache / "parts" / parts.folder.name).symlink_to(parts.folder)
        tools: list[str] = []
        real = postgres._tool

        def counted(found: Parts, name: str, *arguments: str | Path) -> None:
            tools.append(name)
            real(found, name, *arguments)

        monkeypatch.setattr(postgres, "_tool", counted)
        former = os.umask(0o077)
        try:
            for name in ("one", "two"):
                stack = Stack(
                    dataclasses.replace(settings, cache_dir=cache, state_dir=open_folder / name),
                    Console(as_json=True),
                )
                try:
                    assert stack.start() == list(SERVICES)
                finally:
                    stack.stop()
                assert tools == ["initdb"]
        finally:
            os.umask(former)
        assert [one.name for one in (cache / "clusters").iterdir() if one.is_dir()] == [postgres.recipe(parts)]

    def test_a_warm_cache_needs_no_initdb(self, new: Callable[[], Project], monkeypatch: pytest.MonkeyPatch) -> None:
        """A new project's first start copies the prepared cluster."""
        project = new()
        postgres._prepared(locate(project.settings), cache_dir(project.settings))
        monkeypatch.setattr(postgres, "_tool", None)
        assert project.stack.start() == list(SERVICES)


class TestHeal:
    """`status` names what is down and why, `start` brings it back."""

    @pytest.mark.parametrize("name", SERVICES)
    def test_one_service_was_killed(self, home: Project, name: str) -> None:
        """status: exit 13, its name, its log's last words; start: it comes back, and REST anew with its gateway."""
        before = pids(home)
        victim = psutil.Process(before[name])
        process.kill([victim, *victim.children(recursive=True)])
        with (home.settings.state_dir / "logs" / f"{name}.log").open("a") as log:
            log.write("went mad\n")
        seen = home.invoke("status")
        assert seen.code == 13
        assert words(home, seen.stderr) == ["ERROR", "FIX"]
        assert name in next(line for line in seen.stderr.splitlines() if line.startswith("ERROR "))
        assert [line.split()[:2] for line in seen.stdout.splitlines() if "went mad" in line] == [[name, "down"]]
        anew = ["postgrest", "origin"] if name == "origin" else [name]
        assert home.stack.start() == anew
        assert {k: pid for k, pid in pids(home).items() if k not in anew} == {
            k: pid for k, pid in before.items() if k not in anew
        }
        assert wait_until(lambda: all(h.state == "up" for h in home.stack.health()), timeout=30)
        assert_healthy(home)
        assert_data_is_there(home)

    def test_everything_was_killed(self, home: Project) -> None:
        """That is not the same as stopped: status exits 13. start brings all of it back with its data."""
        doomed = family(home)
        assert len(doomed) > len(SERVICES)
        process.kill(doomed)
        assert home.invoke("status").code == 13
        assert home.stack.start() == list(SERVICES)
        assert_healthy(home)
        assert_data_is_there(home)

    def test_a_stopped_stack_is_not_broken(self, home: Project) -> None:
        """The control of the tests above."""
        home.stack.stop()
        assert home.invoke("status").code == 0

    def test_the_database_was_killed_while_a_session_was_busy(self, home: Project) -> None:
        """A busy session outlives its server and holds its memory: it is ended, or no new server could start."""
        with connect(home) as busy:
            pid = busy.info.backend_pid

            def compute() -> None:
                with contextlib.suppress(psycopg.Error):
                    busy.execute("do $$ begin loop end loop; end $$")

            thread = threading.Thread(target=compute)
            thread.start()
            with connect(home) as other:
                active = "select 1 from pg_stat_activity where pid = %s and state = 'active'"
                assert wait_until(lambda: other.execute(active, [pid]).fetchone(), timeout=30)
            session = psutil.Process(pid)
            try:
                psutil.Process(pids(home)["postgres"]).kill()
                assert not has_ended(session)
                assert home.stack.start() == ["postgres"]
                assert has_ended(session)
            finally:
                process.kill([session])
                thread.join()
        assert_data_is_there(home)

    def test_a_reboot(self, home: Project) -> None:
        """Nothing runs, and every noted pid is somebody else's by now: here it is this test's, and it survives."""
        process.kill(family(home))
        me = psutil.Process()
        state = home.stack.state
        state.services = {name: Identity(me.pid, me.create_time() - 1000) for name in SERVICES}
        states.save(home.settings.state_dir, state)
        pid_file = home.stack.data / "postmaster.pid"
        pid_file.write_text("\n".join([str(me.pid), *pid_file.read_text().split("\n")[1:]]))
        assert [h.state for h in home.stack.health()] == ["down"] * 3
        assert home.stack.start() == list(SERVICES)
        assert_healthy(home)
        assert_data_is_there(home)

    @pytest.mark.parametrize("first_line", ["", "x", "-7", "4194304", "\udcff"])
    def test_a_pid_file_that_makes_no_sense(self, home: Project, first_line: str) -> None:
        """Half written, or of the single-user mode, whose pid is negative: it is in nobody's way."""
        home.stack.stop()
        (home.stack.data / "postmaster.pid").write_text(first_line, errors="surrogateescape")
        postgres.Postgres(locate(home.settings), home.stack.data, 0).prepare()
        assert not (home.stack.data / "postmaster.pid").exists()

    @pytest.mark.parametrize(("running", "text"), [(True, None), (False, None), (True, '{"ports": 7')])
    def test_the_state_was_lost(self, home: Project, running: bool, text: str | None) -> None:
        """The data stays, said aloud, under new passwords; what still ran is ended, not left behind."""
        file, before = home.settings.state_dir / "state.json", family(home)
        password = home.stack.state.passwords["postgres"]
        if not running:
            home.stack.stop()
        if text is None:
            file.unlink()
        else:
            file.write_text(text)
        done = home.invoke("start")
        assert done.code == 0, done.output
        assert "the data stays" in done.stderr
        assert all(has_ended(one) for one in before)
        assert_healthy(home)
        assert_data_is_there(home)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(home, password)

    def test_the_state_was_lost_and_the_user_stops(self, home: Project) -> None:
        """`stop` ends what no state knows of, too."""
        before = family(home)
        (home.settings.state_dir / "state.json").unlink()
        done = home.invoke("stop")
        assert done.code == 0 and "stopped process" in done.stdout
        assert all(has_ended(one) for one in before)

    def test_who_removes_the_folder_begins_afresh(self, new: Callable[[], Project]) -> None:
        """With `.pushproof` gone there is nothing left to keep, wherever the data lay; no process stays behind."""
        project = new()
        project.stack.start()
        before = family(project)
        with connect(project) as connection:
            connection.execute("create table forgotten ()")
        shutil.rmtree(project.settings.state_dir)
        project.stack.start()
        assert all(has_ended(one) for one in before)
        with connect(project) as connection:
            assert connection.execute("select to_regclass('forgotten')").fetchone() == (None,)


class TestPorts:
    """Kept where possible, moved aloud where not, refused where somebody asked for one that is taken."""

    def test_a_port_that_a_stranger_took_moves(self, home: Project) -> None:
        """All of them here; the start says which."""
        home.stack.stop()
        before = home.stack.state.ports
        with contextlib.ExitStack() as strangers:
            for port in before.values():
                strangers.enter_context(stranger_at(port))
            done = home.invoke("start")
        assert done.code == 0, done.output
        after = home.stack.state.ports
        assert not {*before.values()} & {*after.values()}
        for name, port in before.items():
            assert f"port {port} was taken: {name} moves to {after[name]}" in done.stderr
        assert_healthy(home)

    @pytest.mark.parametrize(
        ("port", "service", "restarted"),
        [("postgres", "postgres", list(SERVICES)), ("api", "origin", ["postgrest", "origin"])],
    )
    def test_whoever_knows_a_port_that_moves_starts_anew(
        self, home: Project, port: str, service: str, restarted: list[str]
    ) -> None:
        """Else the origin would go on talking to the stranger."""
        victim = psutil.Process(pids(home)[service])
        process.kill([victim, *victim.children(recursive=True)])
        with stranger_at(home.stack.state.ports[port]):
            assert home.stack.start() == restarted
            assert_healthy(home)

    def test_a_port_that_is_picked_is_not_taken_by_outgoing_connections(self) -> None:
        """What listens on it starts later; nor are two services given the same."""
        first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
        picked = [free_port() for _ in range(100)]
        assert len({*picked}) == len(picked)
        assert not [port for port in picked if first <= port <= last]

    def test_a_port_that_is_asked_for_and_free_is_used(self, home: Project) -> None:
        """Also of a stack that runs elsewhere: what has to, starts anew there."""
        wish = free_port()
        done = home.invoke("start", PUSHPROOF_API_PORT=str(wish))
        assert done.code == 0, done.output
        assert "started postgrest, origin in" in done.stdout
        assert home.stack.state.ports["api"] == wish
        assert_healthy(home)
        assert "already running" in home.invoke("start", PUSHPROOF_API_PORT=str(wish)).stdout

    @pytest.mark.parametrize("running", [True, False])
    def test_a_port_that_is_asked_for_and_taken_is_refused(self, home: Project, running: bool) -> None:
        """Exit 14, a line of cause, a line of remedy; a running stack goes on as it is."""
        if not running:
            home.stack.stop()
        before = home.stack.state
        wish = free_port()
        with stranger_at(wish):
            done = home.invoke("start", PUSHPROOF_API_PORT=str(wish))
        assert (done.code, words(home, done.stderr)) == (14, ["ERROR", "FIX"])
        assert str(wish) in done.stderr
        assert home.stack.state == before

    def test_one_port_cannot_be_asked_for_twice(self, home: Project) -> None:
        """The origin would fail at what the database already has."""
        wish = free_port()
        stack = Stack(dataclasses.replace(home.settings, api_port=wish, db_port=wish), Console(as_json=True))
        with pytest.raises(PortError, match="is set for both services"):
            stack.start()

    def test_a_port_of_ours_that_is_asked_for_is_made_free(self, home: Project) -> None:
        """A port that another service had by chance goes to the one for which it is asked."""
        home.stack.stop()
        wish = home.stack.state.ports["rest_admin"]
        assert home.invoke("start", PUSHPROOF_API_PORT=str(wish)).code == 0
        assert home.stack.state.ports["api"] == wish
        assert_healthy(home)


class TestSafety:
    """Loopback only, secrets where only their owner looks."""

    def test_everything_listens_on_loopback_only(self, home: Project) -> None:
        """Each port of the state is listened on, at 127.0.0.1, and nothing else is."""
        mine = {one.pid for one in family(home)}
        listening = {
            (at.laddr.ip, at.laddr.port)
            for at in psutil.net_connections("tcp")
            if at.pid in mine and at.status == psutil.CONN_LISTEN and at.laddr
        }
        assert listening == {(HOST, port) for port in home.stack.state.ports.values()}

    def test_the_state_is_for_its_owner_alone(self, home: Project) -> None:
        """It holds every secret of the stack."""
        assert (home.settings.state_dir / "state.json").stat().st_mode & 0o777 == 0o600
        assert home.stack.data.stat().st_mode & 0o077 == 0

    def test_no_secret_shows_in_a_command_line_or_a_log(self, home: Project) -> None:
        """`ps` and a pasted log give nothing away, not even after a failed login."""
        state = home.stack.state
        with pytest.raises(psycopg.OperationalError):
            connect(home, "wrong")
        seen: list[str] = []
        for one in family(home):
            with contextlib.suppress(psutil.NoSuchProcess):  # a connection that just ended
                seen += one.cmdline()
        seen += [log.read_text(errors="replace") for log in (home.settings.state_dir / "logs").iterdir()]
        assert any("-D" in word for word in seen) and len(seen) > 10
        for secret in (*state.secrets.values(), *state.passwords.values()):
            assert not [word for word in seen if secret in word]

    def test_a_password_is_demanded(self, home: Project) -> None:
        """A wrong one is refused, and what the server stores is SCRAM."""
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(home, "wrong")
        state, where = home.stack.state, home.stack.target().database
        with psycopg.connect(
            host=where.host,
            port=where.port,
            dbname=where.name,
            user=postgres.ADMIN,
            password=state.passwords[postgres.ADMIN],
        ) as admin:
            stored = admin.execute("select rolname, rolpassword from pg_authid where rolcanlogin").fetchall()
        assert {role for role, password in stored if str(password).startswith("SCRAM-SHA-256$")} == {*postgres.LOGINS}
        assert {role for role, password in stored if password is None} == {role for role, _ in stored} - {
            *postgres.LOGINS
        }


class TestStop:
    """Nothing stays behind, whoever ends it and when."""

    def test_stop_leaves_no_process(self, home: Project) -> None:
        """Neither a service nor a child of one; a second stop is no error."""
        before = family(home)
        done = home.invoke("stop")
        assert (done.code, done.stdout.strip()) == (0, "✓ stopped origin, postgrest, postgres")
        assert all(has_ended(one) for one in before)
        assert left_over(home) == []
        again = home.invoke("stop")
        assert (again.code, again.stdout.strip()) == (0, "✓ nothing was running")

    def test_stop_does_not_need_the_parts(self, home: Project, open_folder: Path) -> None:
        """They may be gone by then: each process is ended all the same."""
        before = family(home)
        done = home.invoke("stop", PUSHPROOF_CACHE_DIR=str(open_folder))
        assert (done.code, done.stdout.strip()) == (0, "✓ stopped postgrest, origin, postgres")
        assert all(has_ended(one) for one in before)

    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("moment", ["preparing", "postgres", "origin"])
    def test_an_interrupted_start_leaves_nothing(
        self, new: Callable[[], Project], signum: signal.Signals, moment: str
    ) -> None:
        """Exit 128 + signal and no process, while the cluster is prepared, or with some or all services started.

        It cannot get to its end before the signal: PostgREST never gets ready with a schema that does not exist.
        """
        project = new()
        project.write("config.toml", '[api]\nschemas = ["nowhere"]\n')
        clusters = cache_dir(project.settings) / "clusters"
        with contextlib.ExitStack() as held:
            if moment == "preparing":
                lock = held.enter_context((clusters / "lock").open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            start = held.enter_context(project.popen("start"))
            assert wait_until(
                lambda: project.stack.state.secrets if moment == "preparing" else moment in pids(project), timeout=30
            )
            start.send_signal(signum)
            output = "".join(start.communicate())
        assert start.returncode == 128 + signum
        assert "Traceback" not in output and "interrupted" in output
        assert left_over(project) == []
        assert project.stack.state.services == {}

    def test_a_start_that_was_killed_is_cleared_up_by_the_next(self, new: Callable[[], Project]) -> None:
        """SIGKILL leaves no time to tidy, and perhaps a process that was not noted; no second one comes beside it."""
        project = new()
        config = (project.folder / "supabase" / "config.toml").read_text()
        project.write("config.toml", '[api]\nschemas = ["nowhere"]\n')
        with project.popen("start") as start:
            assert wait_until(lambda: "origin" in pids(project), timeout=30)
            start.kill()
            start.communicate()
        project.write("config.toml", config)
        state = project.stack.state
        unnoted = psutil.Process(state.services.pop("postgrest").pid)
        states.save(project.settings.state_dir, state)
        assert project.stack.start() == ["postgrest"]
        assert has_ended(unnoted)
        assert_healthy(project)

    def test_ctrl_c_ends_following_the_logs_and_nothing_else(self, home: Project) -> None:
        """Exit 130, no traceback, and the stack goes on."""
        before = pids(home)
        with home.popen("logs", "--follow") as follower:
            assert follower.stdout is not None
            assert follower.stdout.readline()
            with (home.settings.state_dir / "logs" / "origin.log").open("a") as log:
                log.write("news\n")
            assert any("news" in line for line in iter(follower.stdout.readline, ""))
            follower.send_signal(signal.SIGINT)
            output = "".join(follower.communicate())
        assert follower.returncode == 130
        assert "Traceback" not in output
        assert pids(home) == before
        assert_healthy(home)


class TestPlaces:
    """PostgreSQL is never root, and works wherever the checkout lies."""

    @pytest.mark.parametrize("mode", [0o755, 0o700])
    def test_a_checkout_that_only_its_owner_can_enter(self, open_folder: Path, home: Project, mode: int) -> None:
        """As root, data that PostgreSQL's user could not reach lies elsewhere; else it lies in the checkout."""
        folder = open_folder / "checkout"
        shutil.copytree(home.folder / "supabase", folder / "supabase")
        open_folder.chmod(mode)
        project = Project(folder)
        try:
            assert project.invoke("start").code == 0
            server = psutil.Process(pids(project)["postgres"])
            user = service_user()
            assert server.uids().effective == (user.uid if user else os.geteuid()) != 0
            elsewhere = ROOT and mode == 0o700
            assert project.stack.data.is_relative_to(folder) != elsewhere
            assert (project.settings.state_dir / "data").resolve() == project.stack.data
            assert_healthy(project)
        finally:
            project.stack.stop()
            shutil.rmtree(project.stack.data)

    def test_a_full_disk_while_the_cluster_is_copied(
        self, new: Callable[[], Project], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Copying gathers its errors as text: that is still a full disk, exit 20, and nothing half copied stays."""

        def full(_: Path, to: Path) -> None:
            Path(to).mkdir()
            raise shutil.Error([("a", "b", str(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))])

        stack = new().stack
        monkeypatch.setattr(shutil, "copytree", full)
        with pytest.raises(DiskFullError):
            stack.start()
        assert not stack.data.exists()
        assert not stack.data.with_name(stack.data.name + ".new").exists()

    def test_a_disk_that_is_really_full(self, new: Callable[[], Project], open_folder: Path) -> None:
        """Exit 20 with a remedy; when there is room, the next start works."""
        mounted = ROOT and subprocess.run(
            ["/bin/mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "pushproof-test", open_folder]
        )
        if not mounted or mounted.returncode:
            pytest.skip("only root can mount a small disk, and not in every container")
        project = new()
        try:
            done = project.invoke("start", PUSHPROOF_STATE_DIR=str(open_folder / "state"))
            assert (done.code, words(project, done.stderr)) == (20, ["ERROR", "FIX"])
            subprocess.run(["/bin/mount", "-o", "remount,size=200m", open_folder], check=True)
            assert project.invoke("start", PUSHPROOF_STATE_DIR=str(open_folder / "state")).code == 0
            assert project.invoke("stop", PUSHPROOF_STATE_DIR=str(open_folder / "state")).code == 0
        finally:
            subprocess.run(["/bin/umount", open_folder], check=True)


def test_without_postgrest_the_origin_serves_rest_itself(
    new: Callable[[], Project], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no binary exists: two services, `status` says so, supabase-py gets its rows, nobody gets at the rest."""
    monkeypatch.setattr(Parts, "postgrest", None)
    project = new()
    assert project.stack.start() == ["postgres", "origin"]
    with connect(project) as connection:
        connection.execute("create table notes (word text)")
        connection.execute("grant select on notes to service_role")
        connection.execute("insert into notes values ('served')")
    target = project.stack.target()
    with httpx.Client() as http:
        found = client(target, target.secret_key, http).table("notes").select("*").execute().data
    assert found == [{"word": "served"}]
    with Raw(target.url) as line:
        for path in spellings("/rest/v1/", "_system/info"):
            status_code, body = line.ask("GET", path, apikey=target.secret_key)
            assert 400 <= status_code < 500 and project.stack.state.passwords["authenticator"] not in body, path
    run = Run("", as_json=False)
    run.__dict__["settings"] = project.settings
    status(run, env=False)
    assert "REST: no PostgREST for" in capsys.readouterr().out


@pytest.mark.skipif(not ROOT, reason="PostgreSQL's user is somebody else for root alone")
def test_a_port_that_postgresql_may_not_take(new: Callable[[], Project]) -> None:
    """Said as that, though root could; without the setting the stack starts."""
    project = new()
    refuses(project.invoke("start", PUSHPROOF_DB_PORT="80"), 14, "Permission denied", "above 1023")
    succeeds(project.invoke("start"))
    assert project.stack.state.ports["postgres"] > 1023


def test_a_project_that_was_copied_with_its_state(new: Callable[[], Project], open_folder: Path) -> None:
    """While it runs, or stopped: the copy is another stack, and does nothing to the original's."""
    original = new()
    succeeds(original.invoke("start"))
    succeeds(original.invoke("execute", "--sql", "create table public.precious ()"))
    copy = Project(open_folder / "copy")
    shutil.copytree(original.folder, copy.folder, symlinks=True, ignore=shutil.ignore_patterns("sockets", "data"))
    try:
        succeeds(copy.invoke("stop"))
        assert len(document(succeeds(original.invoke("status", "--json")))) == 3
        succeeds(copy.invoke("start"))
        assert not {*copy.stack.state.ports.values()} & {*original.stack.state.ports.values()}
        succeeds(copy.invoke("reset-local"))
        succeeds(original.invoke("execute", "--sql", "select from public.precious"))
    finally:
        copy.stack.stop()
        shutil.rmtree(copy.stack.data, ignore_errors=True)


def test_a_folder_beyond_ascii(open_folder: Path, new: Callable[[], Project]) -> None:
    """Whatever the locale: PostgREST reads a path by it."""
    project = new()
    state = open_folder / "stä te ☃"
    try:
        for locale in ("C", "C.UTF-8"):
            succeeds(project.invoke("start", PUSHPROOF_STATE_DIR=str(state), LC_ALL=locale))
            succeeds(project.invoke("stop", PUSHPROOF_STATE_DIR=str(state), LC_ALL=locale))
    finally:
        project.invoke("stop", PUSHPROOF_STATE_DIR=str(state))


def test_every_port_has_an_owner_that_is_a_service() -> None:
    """The tests above go by these names."""
    assert {*OWNER_OF_PORT.values()} == {*SERVICES}
