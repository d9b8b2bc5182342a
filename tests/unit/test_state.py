"""The state file: whole or not at all, for its owner alone, and nothing in it is believed blindly."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path

import jwt
import pytest

from pushproof.base.process import Identity
from pushproof.stack import state
from pushproof.stack.state import State

PORTS = {"api": 4711, "postgres": 2, "rest_admin": 3}
SECRETS = dict.fromkeys(state.SECRETS, "s3cret")
FULL = State(PORTS, SECRETS, {"postgres": "pa55"}, {"origin": Identity(7, 8.5)}, "abc")
WRITTEN = '{"ports": {}, "secrets": {}, "passwords": {}, "services": {}, "cluster": ""}'
IN_USE = json.dumps(json.loads(WRITTEN) | {"ports": PORTS, "secrets": SECRETS, "passwords": {"postgres": "pa55"}})


def test_what_was_saved_is_loaded_again(tmp_path: Path) -> None:
    """A later task sees what an earlier one noted."""
    state.save(tmp_path, FULL)
    assert state.load(tmp_path) == FULL


def test_its_owner_alone_can_read_it(tmp_path: Path) -> None:
    """The file holds every secret of the stack: mode 0600 under any umask, and none of them in a repr."""
    former = os.umask(0)
    try:
        state.save(tmp_path, FULL)
    finally:
        os.umask(former)
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
    assert "s3cret" not in repr(FULL) and "pa55" not in repr(FULL)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        "\xff",
        "[" * 100_000,
        WRITTEN.replace('"ports": {}', '"ports": 7'),
        IN_USE.replace("4711", '"1"'),
        IN_USE.replace("4711", "0"),
        IN_USE.replace("4711", "70000"),
        IN_USE.replace('"api"', '"a"'),
        IN_USE.replace('"secret_key"', '"key"'),
        IN_USE.replace('{"postgres": "pa55"}', "{}"),
        WRITTEN.replace('"secrets": {}', '"secrets": {"jwt_secret": 1}'),
        WRITTEN.replace('"services": {}', '"services": {"origin": 7}'),
        WRITTEN.replace('"services": {}', '"services": {"origin": {"pid": "7", "born": 1}}'),
        WRITTEN.replace('"services": {}', '"services": {"origin": {"pid": -7, "born": 1}}'),
        WRITTEN.replace('"cluster": ""', '"cluster": null'),
    ],
)
def test_a_file_that_makes_no_sense_is_no_state(tmp_path: Path, text: str) -> None:
    """Whatever stands there, a task begins with an empty state and does not fall over."""
    (tmp_path / "state.json").write_bytes(text.encode("latin-1"))
    assert state.load(tmp_path) == State()


def test_a_copy_of_somebody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a project that others keep closed: the copy has their secrets, and none of their services and ports."""
    state.save(tmp_path, FULL)
    text = (tmp_path / "state.json").read_text().replace(str(tmp_path), "/closed")
    (tmp_path / "state.json").write_text(text)

    original = Path.exists

    def refuse(path: Path) -> bool:
        if path.is_relative_to("/closed"):
            raise PermissionError
        return original(path)

    monkeypatch.setattr(Path, "exists", refuse)
    assert state.load(tmp_path) == State(secrets=SECRETS, passwords={"postgres": "pa55"}, cluster="abc")


def test_the_smallest_file_that_makes_sense(tmp_path: Path) -> None:
    """The control of the test above: its templates themselves are believed."""
    for text, found in ((WRITTEN, State()), (IN_USE, State(PORTS, SECRETS, {"postgres": "pa55"}))):
        (tmp_path / "state.json").write_text(text)
        assert state.load(tmp_path) == found


def test_an_interrupted_save_leaves_the_former_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a file is never seen under the real name."""

    def half(_: object, file: object, **__: object) -> None:
        file.write("{")  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    state.save(tmp_path, FULL)
    monkeypatch.setattr(json, "dump", half)
    with pytest.raises(KeyboardInterrupt):
        state.save(tmp_path, State())
    assert state.load(tmp_path) == FULL


def test_one_task_at_a_time_holds_the_lock(tmp_path: Path) -> None:
    """While one task is inside, another cannot enter; also an interruption gives the lock back."""

    def is_taken() -> bool:
        with (tmp_path / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    with contextlib.suppress(KeyboardInterrupt), state.locked(tmp_path):
        assert is_taken()
        raise KeyboardInterrupt
    assert not is_taken()


def test_git_never_sees_the_state(tmp_path: Path) -> None:
    """The folder ignores itself, since a project's own .gitignore may not name it."""
    with state.locked(tmp_path / "state"):
        pass
    assert (tmp_path / "state" / ".gitignore").read_text() == "*\n"


def test_secrets_are_fresh_and_the_legacy_keys_fit_them() -> None:
    """No two stacks share a secret; each legacy key carries its role, signed with that stack's JWT secret."""
    one, other = state.new_secrets(), state.new_secrets()
    assert not set(one.values()) & set(other.values())
    roles = {
        name: jwt.decode(one[name], one["jwt_secret"], ["HS256"])["role"] for name in ("anon_key", "service_role_key")
    }
    assert roles == {"anon_key": "anon", "service_role_key": "service_role"}
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(one["anon_key"], other["jwt_secret"], ["HS256"])
