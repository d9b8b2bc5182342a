"""Errors that a user can act on: a line of cause, a line of remedy, and an exit code for each kind.

The codes are documented in docs/exit-codes.md; a test compares that page with this module.
"""

from __future__ import annotations

from typing import ClassVar


class PushproofError(Exception):
    """Base class of all expected errors.

    `message` is the cause in one line, `hint` is what to do about it, and `details` holds further lines, such as a
    server's message. None of them may hold a secret.
    """

    code: ClassVar[int] = 3
    kind: ClassVar[str] = "a bug in pushproof"

    def __init__(self, message: str, hint: str = "", *, details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class FailedError(PushproofError):
    code, kind = 1, "a check or a test failed"


class UsageError(PushproofError):
    code, kind = 2, "an unknown option or a bad argument"


class ProjectError(PushproofError):
    code, kind = 10, "the project folder: no supabase/, a misnamed, duplicate or odd-width migration"


class SettingsError(PushproofError):
    code, kind = 11, "a missing, swapped or malformed setting"


class PartsError(PushproofError):
    code, kind = 12, "npm parts, pgrls, squawk or an extra are missing, altered or not available for this platform"


class StackError(PushproofError):
    code, kind = 13, "a service of the embedded stack does not start, is down, or died while a task ran"
    service = ""  # its name, if the error is about a service


class PortError(PushproofError):
    code, kind = 14, "a port that was asked for is in use, or needs a right that you do not have"


class UnreachableError(PushproofError):
    code, kind = 15, "the target's host does not answer"


class CredentialsError(PushproofError):
    code, kind = 16, "a wrong password, a wrong or expired key, or a test user that the database refuses"


class PausedError(PushproofError):
    code, kind = 17, "the hosted project is paused"


class SqlError(PushproofError):
    code, kind = 18, "SQL failed"
    sqlstate = ""  # if the server reported one
    where = ""  # the file, or another source of the SQL


class HistoryError(PushproofError):
    code, kind = 19, "the migration history does not match the files or the push"


class DiskFullError(PushproofError):
    code, kind = 20, "a disk is full"


class RefusedError(PushproofError):
    code, kind = 21, "refused, to protect the target"


class IntentError(PushproofError):
    code, kind = 22, "supabase/access.toml is missing, incomplete, or does not match the database"


class MissingError(PushproofError):
    code, kind = 23, "the target lacks what the task needs, such as an extension"
