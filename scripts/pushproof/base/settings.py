"""All settings, read into one frozen object. Exported variables override `.env`."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pushproof.base.errors import ProjectError, SettingsError, UsageError
from pushproof.base.reading import present, text_of

TARGETS = ("embedded", "local", "remote")
PREFIXES = ("PUSHPROOF_", "SUPABASE_")
SINGLE_LINE = (
    "SUPABASE_URL",
    "SUPABASE_DB_URL",
    "SUPABASE_DB_PASSWORD",
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_SECRET_KEY",
    "SUPABASE_ANON_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
)
SPACE = 32  # the first character that is no control character
LAST_PORT = 65535
MILLISECONDS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}
LONGEST = 2**31 - 1  # milliseconds: the maximum of a time limit in PostgreSQL


@dataclass(frozen=True)
class Settings:
    """The settings from `.env` and the environment. The repr holds no secrets."""

    project: Path
    target: str
    url: str
    publishable_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    db_url: str = field(repr=False)
    db_password: str = field(repr=False)
    db_ca: str
    tests_dir: Path  # the project's own tests, which a copy of the project uses too
    state_dir: Path
    cache_dir: Path | None
    api_port: int | None
    db_port: int | None
    cli: str
    production: bool
    lock_timeout: str
    statement_timeout: str
    repeated: tuple[str, ...] = ()  # names that `.env` sets more than once

    @property
    def supabase_dir(self) -> Path:
        """The project's folder `supabase/`."""
        return self.project / "supabase"

    @property
    def migrations_dir(self) -> Path:
        """The folder of the migration files."""
        return self.supabase_dir / "migrations"


def load(target: str = "", environ: Mapping[str, str] | None = None) -> Settings:
    """Settings of the project in SUPABASE_WORKDIR, else in the current folder or the nearest parent with `supabase/`.

    `target` is the value of --target. Raises UsageError for an unknown target, SettingsError for an
    unreadable `.env` or a bad value, ProjectError if there is no `supabase/` folder.
    """
    exported = os.environ if environ is None else environ
    project = _project(exported.get("SUPABASE_WORKDIR", ""))
    bindings = _dotenv(project / ".env")
    values = _printable({**dict(bindings), **{k: v for k, v in exported.items() if v}})
    chosen = target or values.get("SUPABASE_TARGET", "embedded")
    if chosen not in TARGETS:
        raise UsageError(f"unknown target {chosen!r}", f"choose one of {', '.join(TARGETS)}")
    if not (project / "supabase").is_dir():
        raise ProjectError(
            f"no supabase/ folder in {project}",
            "run this in the folder that holds supabase/, or set SUPABASE_WORKDIR to it",
        )
    cache, authority = values.get("PUSHPROOF_CACHE_DIR", ""), values.get("SUPABASE_DB_CA", "")
    if authority and not _path(project, authority).is_file():
        raise SettingsError("SUPABASE_DB_CA is not the path of a file", "download the certificate, or unset it")
    return Settings(
        project=project,
        target=chosen,
        url=values.get("SUPABASE_URL", "").rstrip("/"),
        publishable_key=values.get("SUPABASE_PUBLISHABLE_KEY") or values.get("SUPABASE_ANON_KEY", ""),
        secret_key=values.get("SUPABASE_SECRET_KEY") or values.get("SUPABASE_SERVICE_ROLE_KEY", ""),
        db_url=values.get("SUPABASE_DB_URL", ""),
        db_password=values.get("SUPABASE_DB_PASSWORD", ""),
        db_ca=str(_path(project, authority)) if authority else "",
        tests_dir=project / "tests",
        state_dir=_path(project, values.get("PUSHPROOF_STATE_DIR") or ".pushproof"),
        cache_dir=_path(project, cache) if cache else None,
        api_port=_port(values, "PUSHPROOF_API_PORT"),
        db_port=_port(values, "PUSHPROOF_DB_PORT"),
        cli=values.get("SUPABASE_CLI", ""),
        production=_yes(values, "SUPABASE_PRODUCTION"),
        lock_timeout=_duration(values, "PUSHPROOF_LOCK_TIMEOUT", "5s"),
        statement_timeout=_duration(values, "PUSHPROOF_STATEMENT_TIMEOUT", "15min"),
        repeated=tuple(name for name, count in Counter(name for name, _ in bindings).items() if count > 1),
    )


def _printable(values: Mapping[str, str]) -> dict[str, str]:
    """Strip line ends that a copied value may have. Raises SettingsError for a control character within a value, which
    no header or address can hold; the message does not show the value.
    """
    stripped = {name: value.strip("\r\n") for name, value in values.items() if name.startswith(PREFIXES)}
    for name in SINGLE_LINE:
        if any(ord(character) < SPACE for character in stripped.get(name, "")):
            raise SettingsError(f"{name} holds a line break or another control character", "copy it again")
    return stripped


def _project(named: str) -> Path:
    """The named folder, else the nearest one upwards that holds `supabase/`, as the CLI does. Else the current one."""
    if named:
        return Path(named).resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "supabase").is_dir()), here)


def _path(project: Path, text: str) -> Path:
    """An absolute path; a relative one starts at the project. Raises SettingsError for an unknown `~user`."""
    try:
        return (project / Path(text).expanduser()).absolute()
    except RuntimeError:
        cause = f"{text} begins with the home folder of an unknown user"
        raise SettingsError(cause, "write the full path") from None


def _dotenv(file: Path) -> list[tuple[str, str]]:
    if not present(file):
        return []
    # Imported here: `pushproof --list` needs no .env.
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(io.StringIO(text_of(file, SettingsError))))
    for binding in bindings:
        if binding.error or (binding.key and binding.value is None):
            raise SettingsError(
                f"{file.name} line {binding.original.line} is not NAME=value", "see .env.example for the form"
            )
    return [(b.key, b.value) for b in bindings if b.key and b.value]


def _yes(values: Mapping[str, str], name: str) -> bool:
    text = values.get(name, "false").lower()
    if text not in ("true", "false", "1", "0", "yes", "no"):
        raise SettingsError(f"{name} is neither true nor false", "write true for the project that your users use")
    return text in ("true", "1", "yes")


def _duration(values: Mapping[str, str], name: str, default: str) -> str:
    text = values.get(name, default)
    if not (match := re.fullmatch(r"(\d{1,12})(ms|s|min|h)", text)):
        raise SettingsError(f"{name} is not a duration", f"write it as {default}")
    if int(match[1]) * MILLISECONDS[match[2]] > LONGEST:
        raise SettingsError(f"{name} is longer than PostgreSQL accepts", "the maximum is 596h; 0s means no limit")
    return text


def _port(values: Mapping[str, str], name: str) -> int | None:
    text = values.get(name, "")
    if text and not (text.isascii() and text.isdecimal() and 0 < int(text) <= LAST_PORT):
        raise SettingsError(f"{name} is not a port number", "use 1 to 65535, or omit it to use a free port")
    return int(text) if text else None


def cache_candidates(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """Folders in which npm parts and prepared clusters may be cached, the preferred one first."""
    exported = os.environ if environ is None else environ
    xdg = exported.get("XDG_CACHE_HOME")
    home = Path(xdg) if xdg else Path.home() / ".cache"
    system = (Path("/var/cache/pushproof"),) if os.geteuid() == 0 else ()
    return (home / "pushproof", *system, Path(tempfile.gettempdir()) / f"pushproof-{os.geteuid()}")
