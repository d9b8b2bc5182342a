"""The origin of the stack: gateway and Auth in one process, see origin/main.mjs."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass, field
from pathlib import Path

from pushproof.base import process
from pushproof.base.resources import resource
from pushproof.stack.services.base import HOST, Command, http_status
from pushproof.stack.services.postgres import DATABASE
from pushproof.tools.parts import Parts, node

MAIN = resource(__package__, "origin", "main.mjs")
NODE_FLAGS = ("--max-semi-space-size=2",)  # MB; uses a quarter less memory under load


@dataclass(frozen=True)
class Origin:
    """Gateway and Auth of one stack. `rest` is PostgREST's socket; None if this platform has no PostgREST."""

    parts: Parts
    port: int
    rest: Path | None
    database_port: int
    schemas: tuple[str, ...]
    passwords: dict[str, str] = field(repr=False)
    secrets: dict[str, str] = field(repr=False)
    anonymous_sign_ins: bool = False
    database: str = DATABASE
    name: str = "origin"
    needs: tuple[str, ...] = ("postgres",)
    stop_signal: signal.Signals = signal.SIGTERM

    def prepare(self) -> None:
        """Do nothing: it needs no files."""

    def command(self) -> Command:
        """Node.js with the origin's main module; its configuration is standard input."""
        configuration = {
            "parts": str(self.parts.folder),
            "host": HOST,
            "port": self.port,
            "rest": str(self.rest) if self.rest else None,
            "schemas": self.schemas,
            "anonymous_sign_ins": self.anonymous_sign_ins,
            "database": {
                "host": HOST,
                "port": self.database_port,
                "name": self.database,
                "auth_password": self.passwords["supabase_auth_admin"],
                "authenticator_password": self.passwords["authenticator"],
                "postgres_password": self.passwords["postgres"],
            },
            **self.secrets,
        }
        return Command(
            (node(), *NODE_FLAGS, MAIN),
            process.inherited(NODE_COMPILE_CACHE=str(self.parts.folder / "compiled")),
            text_in=json.dumps(configuration),
        )

    def ready(self) -> bool:
        """Whether Auth answers, which asks the database."""
        return http_status(self.port, "/auth/v1/health") == 200
