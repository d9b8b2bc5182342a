"""`pushproof bench --suite stack`: commands, memory, disk and requests per second of the embedded stack."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator

import psutil

from pushproof.base.console import Console
from pushproof.base.documents import Figure
from pushproof.base.errors import FailedError
from pushproof.bench.figures import Bench, figure, seconds_of
from pushproof.bench.generator import requests_a_second
from pushproof.stack import local
from pushproof.stack.embedded import Stack, api_of
from pushproof.stack.schema_cache import exposed
from pushproof.stack.services.postgres import recipe
from pushproof.target.database import connect
from pushproof.target.targets import Target
from pushproof.tools import parts
from pushproof.tools.supabase_cli import Cli

CONNECTIONS = 16


def figures(bench: Bench) -> Iterator[Figure]:
    """Yield each figure when it is measured."""
    # `smoke` runs the tests of its project, here the copy.
    shutil.copytree(bench.settings.tests_dir / "smoke", bench.settings.project / "tests" / "smoke")
    yield figure("pushproof --list", bench.seconds(lambda: bench.invoke("--list")), "s", bar=0.25)
    stop = bench.stack.stop
    yield figure("start to healthy", bench.seconds(lambda: bench.invoke("start"), before=stop), "s", bar=1.5)
    yield figure("smoke, stack stopped", bench.seconds(lambda: bench.invoke("smoke"), before=stop), "s", bar=5)
    yield figure("smoke, stack running", bench.seconds(lambda: bench.invoke("smoke")), "s", bar=2.5)
    cli, target = local.cli(bench.settings, Console(as_json=True)), bench.stack.target()
    yield figure("reset-local, files changed", _reset_anew(bench), "s", bar=None)
    yield figure("the bare CLI's db reset in it", bench.seconds(lambda: cli.reset(target)), "s", bar=None)
    yield figure("reset-local, the same files again", _reset_again(bench), "s", bar=1.5)
    yield figure("push of one file, beyond the bare CLI", _push_overhead(bench, cli, target), "s", bar=0.5)
    stop()
    bench.stack.start()
    yield figure("stack idle, proportional set size", [_pss_mb(bench.stack)], "MB", bar=200)
    yield figure("REST through the origin against PostgREST asked directly", _rest_ratio(bench), "%", bar=70)
    yield from _disk(bench)


def _reset_anew(bench: Bench) -> list[float]:
    """Seconds of a reset after a change of the seed, so that no kept result fits."""
    seed, number = bench.settings.supabase_dir / "seed.sql", itertools.count()
    former = seed.read_text() if seed.exists() else ""

    def change() -> None:
        seed.write_text(f"{former}\n-- {next(number)}\n")

    return bench.seconds(lambda: bench.invoke("reset-local"), before=change)


def _reset_again(bench: Bench) -> list[float]:
    """Seconds of a reset whose result is kept already. The second reset of the same files keeps it."""
    for _ in range(2):
        bench.invoke("reset-local")
    return bench.seconds(lambda: bench.invoke("reset-local"))


def _push_overhead(bench: Bench, cli: Cli, target: Target) -> list[float]:
    """Seconds of `pushproof push` of one file, less those of the bare CLI's push of another such file."""
    versions = itertools.count(100)

    def add_file() -> None:
        version = next(versions)
        file = bench.settings.migrations_dir / f"{version}_measured.sql"
        file.write_text(f"create table public.measured_{version} (id bigint primary key);\n")

    pairs = [
        (seconds_of(lambda: bench.invoke("push"), add_file), seconds_of(lambda: cli.push(target), add_file))
        for _ in range(bench.runs + 1)  # in turn, because a shared machine's speed drifts
    ]
    return [ours - bare for ours, bare in pairs[1:]]


def _pss_mb(stack: Stack) -> float:
    """The proportional set size of all processes of the stack, in MB; on macOS, which has none, the unique set size."""
    total = 0
    for identity in stack.state.services.values():
        leader = psutil.Process(identity.pid)
        for process in (leader, *leader.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):  # a worker of PostgreSQL that just ended
                memory = process.memory_full_info()
                total += getattr(memory, "pss", memory.uss)
    return total / 2**20


def _rest_ratio(bench: Bench) -> list[float]:
    """Requests per second as service_role through the origin, in percent of those sent directly to PostgREST."""
    state = bench.stack.state
    secret, token = state.secrets["secret_key"], state.secrets["service_role_key"]
    with connect(bench.stack.target()) as connection:
        schema = api_of(bench.settings.supabase_dir / "config.toml").schemas[0]
        relations = sorted(path for path in exposed(connection, schema) if not path.startswith("/rpc/"))
    if not relations:
        raise FailedError("the project exposes no table: nothing can be asked", "push one that service_role may read")
    path = f"{relations[0]}?limit=1"
    request = {"method": "GET", "path": f"/rest/v1{path}", "headers": {"apikey": secret}}
    direct_request = {"method": "GET", "path": path, "headers": {"authorization": f"Bearer {token}"}}
    ratios = []
    for _ in range(bench.runs):
        through = requests_a_second(state.ports["api"], [request], CONNECTIONS)
        direct = requests_a_second(bench.stack.rest_socket, [direct_request], CONNECTIONS)
        ratios.append(100 * through / direct)
    return ratios


def _disk(bench: Bench) -> Iterator[Figure]:
    installed = parts.locate(bench.settings)
    for name, folder in (
        ("disk: npm parts", installed.folder),
        ("disk: Node.js in the virtual environment", parts.node().parent.parent),
        ("disk: prepared cluster", installed.folder.parent.parent / "clusters" / recipe(installed)),
    ):
        yield figure(name, [parts.megabytes(folder)], "MB", bar=None)
