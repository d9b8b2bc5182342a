"""Errors a user can act on: one line of cause, one of remedy, an exit code of their own kind.

The codes are documented in docs/exit-codes.md; a test holds the page against this module.
"""

from __future__ import annotations

from typing import ClassVar


class PushproofError(Exception):
    """Base of every expected error.

    `message` is the cause in one line, `hint` what to do about it, `details` further lines such as
    a server's own words. None of them may hold a secret.
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
    service = ""  # where it is one


class PortError(PushproofError):
    code, kind = 14, "a port that was asked for is in use, or needs a right that you do not have"


class UnreachableError(PushproofError):
    code, kind = 15, "the target's host does not answer"


class CredentialsError(PushproofError):
    code, kind = 16, "a wrong password, or a wrong or expired key"


class PausedError(PushproofError):
    code, kind = 17, "the hosted project is paused"


class SqlError(PushproofError):
    code, kind = 18, "SQL failed"
    sqlstate = ""  # where the server told it
    where = ""  # the file, or what else held the SQL


class HistoryError(PushproofError):
    code, kind = 19, "the migration history is not what the files or the push promise"


class DiskFullError(PushproofError):
    code, kind = 20, "a disk is full"


class RefusedError(PushproofError):
    code, kind = 21, "refused, to protect the target"


class IntentError(PushproofError):
    code, kind = 22, "supabase/access.toml: missing, incomplete, or not what the database holds"


class MissingError(PushproofError):
    code, kind = 23, "the target lacks what the task needs, such as an extension"
