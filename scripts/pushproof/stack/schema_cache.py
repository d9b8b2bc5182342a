"""PostgREST's schema cache: the paths that it should answer after a push, and whether it does."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import quote

from pushproof.base.queries import query
from pushproof.base.waiting import wait_until
from pushproof.stack.run import Run
from pushproof.target.api import http_status, service_headers
from pushproof.target.targets import Target

RELOAD_SECONDS = 10


def exposed(connection: Any, schema: str) -> set[str]:
    """The paths of the schema that the REST API should answer, such as /notes and /rpc/search."""
    return {row[0] for row in connection.execute(query("stack/exposed_objects"), {"schema": schema})}


def await_api(run: Run, target: Target, new: set[str]) -> None:
    """Wait until PostgREST answers the paths `new`; a warning names those that it does not answer in time.

    PostgREST loads a schema as a whole. So if there are new relations, new functions are not checked.
    """
    relations = {path for path in new if not path.startswith("/rpc/")}
    missing = set(relations or new)

    def arrived() -> bool:
        missing.difference_update(_answering(target, missing) if relations else _described(target))
        return not missing

    if not wait_until(arrived, timeout=RELOAD_SECONDS):
        run.console.status(", ".join(sorted(missing)), head="the REST API does not show yet", style="yellow")


def _answering(target: Target, relations: set[str]) -> set[str]:
    """The relations that PostgREST answers. OPTIONS uses its cache; a read may bypass the cache."""
    headers = service_headers(target)
    return {r for r in relations if http_status(target.url, f"/rest/v1{quote(r)}", headers, method="OPTIONS") == 200}


def _described(target: Target) -> set[str]:
    """The paths in the API's OpenAPI description for service_role; empty if it cannot be read."""
    request = urllib.request.Request(  # noqa: S310 - an http(s) URL, checked with the settings
        f"{target.url}/rest/v1/", headers=service_headers(target)
    )
    try:
        with urllib.request.urlopen(request, timeout=RELOAD_SECONDS) as answer:  # noqa: S310
            return set(json.load(answer)["paths"])
    except (OSError, ValueError, KeyError):
        return set()
