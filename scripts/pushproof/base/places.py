"""Where things lie on disk, and as whom PostgreSQL runs.

PostgreSQL refuses to run as root. For root it runs as `postgres`, or else `nobody`, and then its
binaries and its data must lie where that user can go, which a checkout below /root is not.
"""

from __future__ import annotations

import errno
import hashlib
import os
import pwd
import tempfile
from functools import cache
from pathlib import Path

from pushproof.base.errors import SettingsError, StackError
from pushproof.base.process import User
from pushproof.base.settings import Settings, cache_candidates

SOCKET_PATH = 103  # bytes, on macOS; Linux takes 107
LONGEST_SOCKET = "mutant_99"


@cache
def service_user() -> User | None:
    """Whom PostgreSQL runs as; None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(account.pw_uid, account.pw_gid)
    raise StackError(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody",
        "add one (`useradd --system postgres`), or run as an ordinary user",
    )


def enterable(folder: Path) -> bool:
    """Whether PostgreSQL's user can reach `folder`, or its nearest existing parent."""
    if service_user() is None:
        return True
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    return all(p.stat().st_mode & 0o001 for p in (existing.resolve(), *existing.resolve().parents))


def make(folder: Path) -> None:
    """Make a folder that PostgreSQL's user can enter, whatever our umask."""
    former = os.umask(0o022) if service_user() else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        if problem.errno in (errno.ENOENT, errno.ENAMETOOLONG, errno.EINVAL):  # as below /proc
            raise SettingsError(f"cannot make {folder}: {problem.strerror}", "choose another folder") from None
        raise
    finally:
        if former is not None:
            os.umask(former)


def socket_folder(state_dir: Path) -> Path:
    """A folder for Unix sockets that we alone can enter: in the state's, or where that lies too deep, a new one.

    PostgREST reads a path beyond ASCII by the locale, which may have no such letters.
    """
    near = state_dir / "sockets"
    if len(bytes(near / LONGEST_SOCKET)) > SOCKET_PATH or not str(near).isascii():
        return Path(tempfile.mkdtemp(prefix="pushproof-", dir="/tmp"))
    near.mkdir(mode=0o700, exist_ok=True)
    return near


def cache_dir(settings: Settings, *, read: bool = False) -> Path:
    """The folder that checkouts share; to `read`, one that cannot be written does. Raises SettingsError for none."""
    candidates = (settings.cache_dir,) if settings.cache_dir else cache_candidates()
    usable = [folder for folder in candidates if enterable(folder) and _made(folder)]
    if read:
        usable += [folder for folder in candidates if folder.is_dir() and enterable(folder)]
    for folder in usable:
        if settings.cache_dir or _safe(folder):
            return folder
    raise SettingsError(
        f"cannot use {candidates[0]} as the cache folder",
        "set PUSHPROOF_CACHE_DIR to a folder that you can write and PostgreSQL's user can enter",
    )


def data_dir(settings: Settings) -> Path:
    """The folder of this stack's cluster."""
    if enterable(settings.state_dir):
        return settings.state_dir / "data"
    name = hashlib.sha256(bytes(settings.state_dir)).hexdigest()[:16]
    return Path("/var/lib/pushproof") / name


def _made(folder: Path) -> bool:
    try:
        make(folder)
    except OSError:
        return False
    return os.access(folder, os.W_OK) and enterable(folder)


def _safe(folder: Path) -> bool:
    """Whether nobody else can put programs there for us to run: in /tmp somebody may have come first."""
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & 0o002
