"""Measure a query end to end: through the origin and PostgREST, as users who signed in with a password."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pushproof.base.errors import FailedError
from pushproof.bench.files import Budget, Query, Row
from pushproof.proof.asking import Actor, RestApi
from pushproof.target.patience import http_client
from pushproof.target.targets import Target
from pushproof.target.testusers import client


@contextmanager
def signed_in(target: Target, ids: Sequence[str]) -> Iterator[dict[str, Actor]]:
    """Give each of these users a password by Auth and sign them in; the actors by user id."""
    with http_client(target) as http:
        admin = client(target, target.secret_key, http)
        actors = {}
        for user_id in ids:
            password = secrets.token_urlsafe(24)
            email = admin.auth.admin.update_user_by_id(user_id, {"password": password}).user.email or ""
            visitor = client(target, target.publishable_key, http)
            session = visitor.auth.sign_in_with_password({"email": email, "password": password}).session
            token = session.access_token if session else ""
            headers = {"apikey": target.publishable_key, "Authorization": f"Bearer {token}"}
            actors[user_id] = Actor("owner", headers, user_id)
        yield actors


def milliseconds(api: RestApi, query: Query, rows: Sequence[Row], actors: Mapping[str, Actor]) -> list[float]:
    """Milliseconds of each row's request, sent a second time. A slow query gets fewer rows.

    Raises FailedError for a response with a status of 300 or more.
    """
    durations: list[float] = []
    budget = Budget()
    for row in rows:
        if budget.spent:
            break
        with budget:
            actor, request = actors[str(row["caller"])], query.request(row)
            if (response := api.ask(actor, request)).status >= 300:
                raise FailedError(f"{query.name}: {request.path} answers {response.summary}", "fix its `rest`")
            began = time.perf_counter()
            api.ask(actor, request)
            durations.append(1000 * (time.perf_counter() - began))
    return durations


def document_of(query: Query, rows: Sequence[Row], actors: Mapping[str, Actor]) -> list[dict[str, Any]]:
    """One request of the query for each row, in the format of the load generator."""
    requests = []
    for row in rows:
        request = query.request(row)
        body = None if request.body is None else json.dumps(request.body)
        headers = {**actors[str(row["caller"])].headers, **request.headers}
        requests.append({"method": request.method, "path": f"/rest/v1/{request.url}", "headers": headers, "body": body})
    return requests
