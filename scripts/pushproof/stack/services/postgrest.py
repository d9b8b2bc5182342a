"""PostgREST: https://docs.postgrest.org/en/v12/references/configuration.html"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path

from pushproof.base import process
from pushproof.stack.services.base import HOST, Command, http_status
from pushproof.stack.services.postgres import DATABASE
from pushproof.target.database import options_of


@dataclass(frozen=True)
class ApiSettings:
    """The settings of the REST API from `[api]` of supabase/config.toml."""

    schemas: tuple[str, ...] = ("public",)
    extra_search_path: tuple[str, ...] = ("public", "extensions")
    max_rows: int = 1000
    auto_expose_new_tables: bool = False


# A session notices within a second that PostgREST has ended, and ends too, whatever its statement does.
OPTIONS = options_of({"client_connection_check_interval": "1s"})


@dataclass(frozen=True)
class Postgrest:
    """The REST server of one stack, behind its origin.

    It accepts every request as anon, so it listens on a Unix socket in a folder that only we can enter. `admin_port`
    only reports whether it is ready. `public_url` is the address in its OpenAPI description.
    """

    binary: Path
    socket: Path
    admin_port: int
    public_url: str
    database_port: int
    api: ApiSettings
    password: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    database: str = DATABASE
    numbered: bool = False  # requests come from a gateway that numbers them, to a cluster of this version
    name: str = "postgrest"
    needs: tuple[str, ...] = ("postgres",)
    stop_signal: signal.Signals = signal.SIGTERM

    def prepare(self) -> None:
        """Do nothing: it needs no files."""

    def command(self) -> Command:
        """PostgREST with its whole configuration in the environment."""
        env = process.inherited(
            PGPASSWORD=self.password,
            PGOPTIONS=OPTIONS,
            PGRST_DB_URI=f"postgresql://authenticator@{HOST}:{self.database_port}/{self.database}",
            PGRST_DB_SCHEMAS=",".join(self.api.schemas),
            PGRST_DB_EXTRA_SEARCH_PATH=",".join(self.api.extra_search_path),
            PGRST_DB_MAX_ROWS=str(self.api.max_rows),
            PGRST_DB_ANON_ROLE="anon",
            PGRST_DB_PRE_REQUEST="pg_catalog.pushproof_request" if self.numbered else "",
            PGRST_JWT_SECRET=self.jwt_secret,
            PGRST_SERVER_UNIX_SOCKET=str(self.socket),
            PGRST_SERVER_UNIX_SOCKET_MODE="600",
            PGRST_SERVER_HOST=HOST,  # host of the admin port
            PGRST_ADMIN_SERVER_PORT=str(self.admin_port),
            PGRST_OPENAPI_SERVER_PROXY_URI=f"{self.public_url}/rest/v1",
            PGRST_LOG_LEVEL="error",
            GHCRTS="-A1m",  # smaller allocation areas keep a quarter less memory after large answers
        )
        return Command((self.binary,), env)

    def ready(self) -> bool:
        """Whether it is connected and has loaded its schema cache."""
        return http_status(self.admin_port, "/ready") == 200
