"""A query measured end to end: through the one origin and PostgREST, by users who signed in with a password."""

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
    """These users, by id, each given a password by Auth and signed in with it."""
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


def milliseconds(api: RestApi, one: Query, rows: Sequence[Row], actors: Mapping[str, Actor]) -> list[float]:
    """Of each row's request, asked a second time; what is slow is asked less often.

    Raises FailedError where one is not answered well.
    """
    seen: list[float] = []
    budget = Budget()
    for row in rows:
        if budget.spent:
            break
        with budget:
            actor, request = actors[str(row["caller"])], one.request(row)
            if (said := api.ask(actor, request)).status >= 300:
                raise FailedError(f"{one.name}: {request.path} answers {said.words}", "mend its `rest`")
            began = time.perf_counter()
            api.ask(actor, request)
            seen.append(1000 * (time.perf_counter() - began))
    return seen


def document_of(one: Query, rows: Sequence[Row], actors: Mapping[str, Actor]) -> list[dict[str, Any]]:
    """Its requests as the load generator takes them, one of each row."""
    found = []
    for row in rows:
        request = one.request(row)
        body = None if request.body is None else json.dumps(request.body)
        headers = {**actors[str(row["caller"])].headers, **request.headers}
        found.append({"method": request.method, "path": f"/rest/v1/{request.url}", "headers": headers, "body": body})
    return found
