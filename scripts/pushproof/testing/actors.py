"""Who asks in a project's tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
from supabase import Client

from pushproof.target.targets import Target


@dataclass(frozen=True)
class Actor:
    """Somebody with a client. `id` is a user's, empty for anon and admin."""

    name: str
    target: Target
    http: httpx.Client
    client: Client
    id: str = ""
    email: str = ""

    @cached_property
    def token(self) -> str:
        """The access token that the client sends, or else its key."""
        session = self.client.auth.get_session()
        return session.access_token if session else self.client.supabase_key

    def table(self, name: str) -> Any:
        """supabase-py's query builder, whose results are JSON of any shape."""
        return self.client.table(name)

    def rpc(self, function: str, arguments: dict[str, Any]) -> Any:
        """supabase-py's call of a function."""
        return self.client.rpc(function, arguments)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A REST request of this actor with everything visible: status, headers, body."""
        headers = {"apikey": self.client.supabase_key, "authorization": f"Bearer {self.token}"}
        return self.http.request(method, f"{self.target.url}/rest/v1/{path}", headers=headers, **more)
