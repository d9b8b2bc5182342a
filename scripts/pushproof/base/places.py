"""The folders that pushproof uses, and the user that PostgreSQL runs as.

PostgreSQL refuses to run as root. For root it runs as `postgres`, or else `nobody`. That user must be able to enter the
folders of its binaries and its data; it cannot enter a checkout below /root.
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
    """The user that PostgreSQL runs as; None for the current user. Raises StackError if there is none for root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(account.pw_uid, account.pw_gid)
    raise StackError(
        "PostgreSQL refuses to run as root, and neither a user postgres nor nobody exists",
        "add one (`useradd --system postgres`), or run as an ordinary user",
    )


def enterable(folder: Path) -> bool:
    """Whether PostgreSQL's user can reach `folder`, or its nearest existing parent."""
    if service_user() is None:
        return True
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    return all(p.stat().st_mode & 0o001 for p in (existing.resolve(), *existing.resolve().parents))


def make(folder: Path) -> None:
    """Make a folder that PostgreSQL's user can enter, whatever our umask is. Raises SettingsError or OSError."""
    umask = os.umask(0o022) if service_user() else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        if problem.errno in (errno.ENOENT, errno.ENAMETOOLONG, errno.EINVAL):  # as below /proc
            raise SettingsError(f"cannot make {folder}: {problem.strerror}", "choose another folder") from None
        raise
    finally:
        if umask is not None:
            os.umask(umask)


def socket_folder(state_dir: Path) -> Path:
    """A folder for Unix sockets that only we can enter: in the state folder, or a new one if that path is too long.

    Also a new one for a path that is not ASCII: PostgREST decodes it by the locale, which may lack the characters.
    """
    folder = state_dir / "sockets"
    if len(bytes(folder / LONGEST_SOCKET)) > SOCKET_PATH or not str(folder).isascii():
        return Path(tempfile.mkdtemp(prefix="pushproof-", dir="/tmp"))
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def cache_dir(settings: Settings, *, read: bool = False) -> Path:
    """The cache folder that checkouts share; with `read` it may be read-only. Raises SettingsError for none."""
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
    """The folder of the stack's cluster, which PostgreSQL's user can enter."""
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
    """Whether nobody else can put programs there for us to run. Another user may have made the folder in /tmp."""
    stat = folder.stat()
    return stat.st_uid == os.geteuid() and not stat.st_mode & 0o002
