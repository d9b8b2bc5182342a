"""`.env` and the environment become one object."""

from __future__ import annotations

from pathlib import Path

import pytest

from pushproof.base import settings
from pushproof.base.errors import ProjectError, SettingsError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project without settings."""
    (tmp_path / "supabase").mkdir()
    return tmp_path


def load(folder: Path, target: str = "", **exported: str) -> settings.Settings:
    """The project's settings under this environment and no other."""
    return settings.load(target, {"SUPABASE_WORKDIR": str(folder), **exported})


def test_defaults(folder: Path) -> None:
    """Without settings: the embedded stack, its state below the project."""
    found = load(folder)
    assert (found.target, found.state_dir, found.cache_dir) == ("embedded", folder / ".pushproof", None)
    assert (found.api_port, found.db_port, found.cli) == (None, None, "")
    assert found.migrations_dir == folder / "supabase" / "migrations"


def test_who_wins(folder: Path) -> None:
    """--target outranks an exported variable, that outranks `.env`; an empty variable is none."""
    (folder / ".env").write_text("SUPABASE_TARGET=local\nSUPABASE_URL=https://a.co/\nPUSHPROOF_API_PORT=1\n")
    assert load(folder).target == "local"
    assert load(folder, SUPABASE_TARGET="remote").target == "remote"
    assert load(folder, "embedded", SUPABASE_TARGET="remote").target == "embedded"
    assert load(folder, SUPABASE_URL="").url == "https://a.co"
    assert load(folder, SUPABASE_URL="https://b.co").url == "https://b.co"


def test_legacy_names_of_keys(folder: Path) -> None:
    """The old names do where the new ones are not set."""
    old = load(folder, SUPABASE_ANON_KEY="a", SUPABASE_SERVICE_ROLE_KEY="s")
    assert (old.publishable_key, old.secret_key) == ("a", "s")
    both = load(folder, SUPABASE_ANON_KEY="a", SUPABASE_PUBLISHABLE_KEY="p")
    assert both.publishable_key == "p"


def test_secrets_do_not_show(folder: Path) -> None:
    """The repr, which ends up in tracebacks, has none."""
    named = ("SUPABASE_SECRET_KEY", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_DB_URL", "SUPABASE_DB_PASSWORD")
    assert "hunter2" not in repr(load(folder, **dict.fromkeys(named, "hunter2")))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (b"A=1\nB c\n", "line 2 is not NAME=value"),
        (b"A=\xff", "is not UTF-8 text"),
        (b"FOO\n", "line 1 is not NAME=value"),
        (b"export B", "line 1 is not"),
        (b"A='x\n", "line 1 is not"),
    ],
)
def test_unreadable_dotenv(folder: Path, text: bytes, cause: str) -> None:
    """The line is named, its content is not: it may be a secret."""
    (folder / ".env").write_bytes(text)
    with pytest.raises(SettingsError, match=cause):
        load(folder)


def test_dotenv_that_is_a_folder(folder: Path) -> None:
    """Told as unreadable."""
    (folder / ".env").mkdir()
    with pytest.raises(SettingsError, match="it is a folder"):
        load(folder)


def test_dotenv_that_is_a_link_to_nowhere(folder: Path) -> None:
    """Not passed over: what it would say of the target is not known."""
    (folder / ".env").symlink_to(folder / "nowhere")
    with pytest.raises(SettingsError, match="No such file"):
        load(folder)


@pytest.mark.parametrize("name", ["PUSHPROOF_LOCK_TIMEOUT", "PUSHPROOF_STATEMENT_TIMEOUT"])
def test_durations(folder: Path, name: str) -> None:
    """No longer than PostgreSQL counts."""
    for text in ("597h", "99999999999s", "2147483648ms", "9" * 20 + "s"):
        with pytest.raises(SettingsError, match=name):
            load(folder, **{name: text})
    assert load(folder, PUSHPROOF_LOCK_TIMEOUT="596h").lock_timeout == "596h"


@pytest.mark.parametrize("name", ["SUPABASE_SECRET_KEY", "SUPABASE_ANON_KEY", "SUPABASE_URL", "SUPABASE_DB_PASSWORD"])
def test_line_ends(folder: Path, name: str) -> None:
    """One that a copy brought along is dropped; amid a value it is refused, and the value is not shown."""
    assert load(folder, SUPABASE_SECRET_KEY="sb_secret_a\r\n").secret_key == "sb_secret_a"
    for mark in ("\n", "\r", "\t", "\0"):
        with pytest.raises(SettingsError, match=f"{name} holds a line break") as caught:
            load(folder, **{name: f"hunter2{mark}x"})
        assert "hunter2" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "1.5", "²", "\uff18\uff10"])
def test_ports(folder: Path, port: str) -> None:
    """A port is a number from 1 to 65535."""
    with pytest.raises(SettingsError, match="PUSHPROOF_DB_PORT is not a port number"):
        load(folder, PUSHPROOF_DB_PORT=port)
    assert load(folder, PUSHPROOF_DB_PORT="65535").db_port == 65535


def test_unknown_target_and_no_project(tmp_path: Path) -> None:
    """Both are told as what they are, the target first."""
    with pytest.raises(UsageError, match="unknown target 'mars'"):
        load(tmp_path, "mars")
    with pytest.raises(ProjectError, match="no supabase/ folder"):
        load(tmp_path)


def test_the_project_is_found_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """invoke finds tasks.py upwards, and so is the project."""
    below = tmp_path / "supabase" / "migrations"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert settings.load(environ={}).project == tmp_path


def test_paths_are_the_projects(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path of `.env` means the same wherever the task runs."""
    monkeypatch.chdir("/")
    found = load(folder, PUSHPROOF_STATE_DIR="state", PUSHPROOF_CACHE_DIR="../cache")
    assert (found.state_dir, found.cache_dir) == (folder / "state", folder / "../cache")
