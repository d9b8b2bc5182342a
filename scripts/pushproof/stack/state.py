"""What one stack is: its ports, its secrets and its running services, in a file its owner alone can read."""

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
    """The stack of one checkout. Ports are kept once picked; secrets are made once and never shown.

    `cluster` names what the data was made from, `reset` the files that the last reset ran, `sockets` the folder of
    Unix sockets while there is one, `home` the folder that it was written to.
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
    """The state in `folder`; a fresh one where there is none or it makes no sense. Raises SettingsError."""
    file = folder / "state.json"
    if kind := irregular(file):
        raise SettingsError(
            f"{file} is {kind}",
            "move it away, then `pushproof start`: the data stays, keys, passwords and ports are new",
        )
    try:
        found = _parse(json.loads(file.read_text()))
        return _copied(found) if _is_copy(folder, found.home) else found
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return State()


def _is_copy(folder: Path, home: str) -> bool:
    """Whether the project was copied with its state, and the original is still there."""
    original = Path(home) / "state.json"
    try:
        return bool(home) and original.exists() and not original.samefile(folder / "state.json")
    except PermissionError:  # it is somebody else's
        return True


def _copied(state: State) -> State:
    """What a copy may keep: services, ports and sockets are the original's."""
    return State(secrets=state.secrets, passwords=state.passwords, cluster=state.cluster)


def _parse(raw: dict[str, Any]) -> State:
    """Whatever somebody wrote there, a State of the right types, or one of the errors that `load` knows."""
    found = State(
        ports={str(name): _port(port) for name, port in raw["ports"].items()},
        secrets={str(name): _text(secret) for name, secret in raw["secrets"].items()},
        passwords={str(name): _text(password) for name, password in raw["passwords"].items()},
        services={
            str(name): Identity(_positive(found["pid"]), float(found["born"]))
            for name, found in raw["services"].items()
        },
        cluster=_text(raw["cluster"]),
        reset=_text(raw.get("reset", "")),
        sockets=_text(raw.get("sockets", "")),
        home=_text(raw.get("home", "")),
    )
    if found.ports and not found.ports.keys() >= PORTS:
        raise ValueError(found.ports)
    if (found.ports or found.services) and not (found.passwords and found.secrets.keys() >= SECRETS):
        raise ValueError(sorted(found.secrets))
    return found


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
    """Write whole or not at all: an interruption leaves the former state."""
    state.home = str(folder.resolve())
    fresh = folder / "state.json.new"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(state), file, indent=2)
    fresh.replace(folder / "state.json")


@contextlib.contextmanager
def locked(folder: Path, waits: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold `folder`'s lock: two tasks that start or stop one stack wait for each other, after a call of `waits`."""
    make(folder)
    with exclusive(folder / "lock", waits=waits):
        _keep_out_of_git(folder)
        yield


def _keep_out_of_git(folder: Path) -> None:
    """The state holds passwords, and not every project ignores it."""
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def new_secrets() -> dict[str, str]:
    """A JWT secret, the new-style keys, and the legacy keys signed with that secret.

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
