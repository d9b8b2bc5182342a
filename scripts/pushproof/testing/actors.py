"""The actors of a project's tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
from supabase import Client

from pushproof.target.targets import Target


@dataclass(frozen=True)
class Actor:
    """A test's actor with a Supabase client. `id` and `email` are empty for anon and admin."""

    name: str
    target: Target
    http: httpx.Client
    client: Client
    id: str = ""
    email: str = ""

    @cached_property
    def token(self) -> str:
        """The access token of the client's session, or its API key if it has none."""
        session = self.client.auth.get_session()
        return session.access_token if session else self.client.supabase_key

    def table(self, name: str) -> Any:
        """supabase-py's query builder for a table. The data of its results is any JSON."""
        return self.client.table(name)

    def rpc(self, function: str, arguments: dict[str, Any]) -> Any:
        """supabase-py's builder for a call of a function."""
        return self.client.rpc(function, arguments)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a REST request as this actor; `path` follows /rest/v1/, `options` go to httpx."""
        headers = {"apikey": self.client.supabase_key, "authorization": f"Bearer {self.token}"}
        return self.http.request(method, f"{self.target.url}/rest/v1/{path}", headers=headers, **options)
