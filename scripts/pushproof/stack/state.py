"""The state of one stack: its ports, secrets and running services, in a file that only its owner can read."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pushproof.base.errors import SettingsError
from pushproof.base.places import make
from pushproof.base.process import Identity
from pushproof.base.reading import irregular
from pushproof.base.settings import LAST_PORT
from pushproof.base.waiting import exclusive

KEY_YEARS = 10
PORTS = {"api", "postgres", "rest_admin"}
SECRETS = {"jwt_secret", "publishable_key", "secret_key", "anon_key", "service_role_key"}


@dataclass
class State:
    """The stack of one checkout. Ports are kept once chosen; secrets are made once and never shown.

    `cluster` names the versions that made the data, `reset` the files that the last reset ran, `sockets` the folder of
    Unix sockets while there is one, `home` the folder of the state file.
    """

    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    services: dict[str, Identity] = field(default_factory=dict)
    cluster: str = ""
    reset: str = ""
    sockets: str = ""
    home: str = ""


def load(folder: Path) -> State:
    """The state in `folder`; a new one if it is missing or invalid. Raises SettingsError if it is no regular file."""
    file = folder / "state.json"
    if kind := irregular(file):
        raise SettingsError(
            f"{file} is {kind}",
            "move it away and run `pushproof start`: the data stays; keys, passwords and ports are new",
        )
    try:
        state = _parse(json.loads(file.read_text()))
        return _copied(state) if _is_copy(folder, state.home) else state
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return State()


def _is_copy(folder: Path, home: str) -> bool:
    """Whether the project was copied with its state, and the original still exists."""
    original = Path(home) / "state.json"
    try:
        return bool(home) and original.exists() and not original.samefile(folder / "state.json")
    except PermissionError:  # it belongs to another user
        return True


def _copied(state: State) -> State:
    """The state that a copy may keep: services, ports and sockets belong to the original."""
    return State(secrets=state.secrets, passwords=state.passwords, cluster=state.cluster)


def _parse(raw: dict[str, Any]) -> State:
    """A State with checked types. Raises ValueError, TypeError, KeyError or AttributeError."""
    state = State(
        ports={str(name): _port(port) for name, port in raw["ports"].items()},
        secrets={str(name): _text(secret) for name, secret in raw["secrets"].items()},
        passwords={str(name): _text(password) for name, password in raw["passwords"].items()},
        services={
            str(name): Identity(_positive(note["pid"]), float(note["born"])) for name, note in raw["services"].items()
        },
        cluster=_text(raw["cluster"]),
        reset=_text(raw.get("reset", "")),
        sockets=_text(raw.get("sockets", "")),
        home=_text(raw.get("home", "")),
    )
    if state.ports and not state.ports.keys() >= PORTS:
        raise ValueError(state.ports)
    if (state.ports or state.services) and not (state.passwords and state.secrets.keys() >= SECRETS):
        raise ValueError(sorted(state.secrets))
    return state


def _port(value: object) -> int:
    port = _positive(value)
    if port > LAST_PORT:
        raise ValueError(value)
    return port


def _positive(value: object) -> int:
    if not isinstance(value, int) or value <= 0:
        raise TypeError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def save(folder: Path, state: State) -> None:
    """Write the state, whole or not at all: an interruption leaves the former one."""
    state.home = str(folder.resolve())
    new_file = folder / "state.json.new"
    with os.fdopen(os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(state), file, indent=2)
    new_file.replace(folder / "state.json")


@contextlib.contextmanager
def locked(folder: Path, waits: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold the lock of the stack in `folder`: only one task starts or stops it. `waits` is called before a wait."""
    make(folder)
    with exclusive(folder / "lock", waits=waits):
        _keep_out_of_git(folder)
        yield


def _keep_out_of_git(folder: Path) -> None:
    """Write a .gitignore, because the state holds passwords and the project may not ignore it."""
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def new_secrets() -> dict[str, str]:
    """New secrets: a JWT secret, the new-style keys, and the legacy keys signed with that secret.

    https://supabase.com/docs/guides/api/api-keys
    """
    import jwt

    jwt_secret = secrets.token_urlsafe(48)
    now = int(time.time())
    lifetime = {"iss": "supabase", "iat": now, "exp": now + KEY_YEARS * 365 * 86400}
    return {
        "jwt_secret": jwt_secret,
        "publishable_key": f"sb_publishable_{secrets.token_urlsafe(24)}",
        "secret_key": f"sb_secret_{secrets.token_urlsafe(24)}",
        "anon_key": jwt.encode({**lifetime, "role": "anon"}, jwt_secret, "HS256"),
        "service_role_key": jwt.encode({**lifetime, "role": "service_role"}, jwt_secret, "HS256"),
    }
