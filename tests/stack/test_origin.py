"""The origin (gateway, Auth, admin API) as its clients see it."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import Event
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from supabase import AuthError, Client, ClientOptions, PostgrestAPIError, create_client

from pushproof.base.waiting import wait_until
from tests.fix_stack import Project

PASSWORD = "correct horse"


def mail() -> str:
    """An address nobody has."""
    return f"{uuid.uuid4()}@example.com"


@pytest.fixture
def client(stack: Any) -> Iterator[Callable[[str], Client]]:
    """Makes clients by key, each with a connection of its own that is closed in the end."""
    with ExitStack() as opened:

        def create(key: str) -> Client:
            connection = opened.enter_context(httpx.Client())
            options = ClientOptions(httpx_client=connection, auto_refresh_token=False)
            return create_client(stack.url, key, options=options)

        yield create


@pytest.fixture
def visitor(stack: Any, client: Callable[[str], Client]) -> Client:
    return client(stack.publishable_key)


@pytest.fixture
def admin(stack: Any, client: Callable[[str], Client]) -> Client:
    return client(stack.secret_key)


@pytest.fixture
def http(stack: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, headers={"apikey": stack.publishable_key}) as client:
        yield client


@pytest.fixture
def notes(postgres: psycopg.Connection[Any]) -> Iterator[str]:
    """A table of its own, whose rows belong to their user; PostgREST has seen it."""
    name = f"notes_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"""
        create table public.{name} (
          id bigint generated always as identity primary key,
          user_id uuid not null default auth.uid() references auth.users on delete cascade,
          body text not null
        );
        alter table public.{name} enable row level security;
        create policy own on public.{name} to authenticated
          using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
        grant select, insert, update, delete on public.{name} to authenticated, service_role;
    """)
    yield name
    postgres.execute(f"drop table public.{name}")


@pytest.fixture
def seen(stack: Any, notes: str) -> str:
    """The table, once the REST server has heard of it."""
    headers = {"apikey": stack.secret_key}
    deadline = time.monotonic() + 5
    while httpx.options(f"{stack.url}/rest/v1/{notes}", headers=headers).status_code == 404:
        assert time.monotonic() < deadline, "the REST server never reloaded its schema"
    return notes


@pytest.fixture
def member(admin: Any) -> Callable[..., Any]:
    def create(**attributes: Any) -> Any:
        given = {"email": mail(), "password": PASSWORD, "email_confirm": True} | attributes
        return admin.auth.admin.create_user(given).user

    return create


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def failing(call: Callable[[], object]) -> Any:
    """The error that Auth answers a call with."""
    with pytest.raises(AuthError) as caught:
        call()
    return caught.value


# --- keys and routes


def test_no_key(stack: Any) -> None:
    """Without an API key a request is refused, with the words of a hosted project."""
    answer = httpx.get(f"{stack.url}/rest/v1/anything")
    assert answer.status_code == 401
    assert answer.json()["message"] == "No API key found in request"


@pytest.mark.parametrize(
    "key", ["sb_publishable_wrong", "sb_secret_wrong", "eyJhbGciOiJIUzI1NiJ9.e30.x", "constructor"]
)
def test_wrong_key(stack: Any, key: str) -> None:
    """A key that is not this project's is refused."""
    answer = httpx.get(f"{stack.url}/rest/v1/anything", headers={"apikey": key})
    assert (answer.status_code, answer.json()["message"]) == (401, "Invalid API key")


def test_a_key_in_authorization_alone_is_no_key(stack: Any) -> None:
    """The key counts in `apikey` only."""
    answer = httpx.get(f"{stack.url}/rest/v1/", headers={"authorization": f"Bearer {stack.secret_key}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/", "/rest/v2/x", "/storage/v1/bucket", "/restful/v1", "/rest/v1x"])
def test_unknown_route(http: httpx.Client, path: str) -> None:
    """What is neither REST nor Auth is not routed."""
    answer = http.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"message": "no Route matched with those values"}


@pytest.mark.parametrize("key", ["publishable_key", "secret_key", "anon_key", "service_role_key"])
def test_every_key_has_its_role(stack: Any, seen: str, key: str) -> None:
    """Publishable and anon keys act as anon, the others as service_role, repeated as bearer or not."""
    value = getattr(stack, key)
    for bearer in ({}, {"authorization": f"Bearer {value}"}, {"authorization": "Bearer sb_publishable_other"}):
        answer = httpx.get(f"{stack.url}/rest/v1/{seen}", headers={"apikey": value} | bearer)
        if key in ("secret_key", "service_role_key"):
            assert (answer.status_code, answer.json()) == (200, [])
        else:
            assert (answer.status_code, answer.json()["code"]) == (401, "42501")


def test_key_in_the_query(stack: Any, seen: str) -> None:
    """A publishable key in `?apikey=` is as good as in the header, and no column of the REST server."""
    answer = httpx.get(f"{stack.url}/rest/v1/{seen}?select=id&apikey={stack.publishable_key}&limit=1")
    assert (answer.status_code, answer.json()["code"]) == (401, "42501")


def test_a_users_token_outranks_the_secret_key(stack: Any, seen: str, member: Any, client: Any) -> None:
    """With the secret key and a user's token, the user is who asks."""
    user = member()
    person = client(stack.publishable_key)
    session = person.auth.sign_in_with_password({"email": user.email, "password": PASSWORD}).session
    headers = {"apikey": stack.secret_key, "prefer": "return=representation"}
    asked = httpx.post(
        f"{stack.url}/rest/v1/{seen}",
        json={"body": "x", "user_id": str(uuid.uuid4())},
        headers=headers | {"authorization": f"Bearer {session.access_token}"},
    )
    assert (asked.status_code, asked.json()["code"]) == (403, "42501")


@pytest.mark.parametrize("flaw", ["forged", "expired", "nonsense"])
def test_bad_user_token(stack: Any, http: httpx.Client, seen: str, flaw: str) -> None:
    """A forged or expired token is not silently anon: 401."""
    body = {"sub": str(uuid.uuid4()), "role": "service_role", "exp": 1 if flaw == "expired" else 4_000_000_000}
    token = jwt.encode(body, stack.jwt_secret if flaw == "expired" else "x" * 40, "HS256")
    headers = {"authorization": f"Bearer {token if flaw != 'nonsense' else 'nonsense'}"}
    assert http.get(f"/rest/v1/{seen}", headers=headers).status_code == 401
    assert http.get("/auth/v1/user", headers=headers).status_code in (401, 403)


def test_secret_key_in_a_browser(stack: Any) -> None:
    """A browser that shows the secret key is turned away."""
    headers = {"apikey": stack.secret_key, "user-agent": "Mozilla/5.0 (X11)"}
    assert httpx.get(f"{stack.url}/rest/v1/", headers=headers).status_code == 401


def test_public_auth_paths(stack: Any) -> None:
    """Health, settings and verification links need no key."""
    assert httpx.get(f"{stack.url}/auth/v1/health").json()["name"] == "GoTrue"
    assert httpx.get(f"{stack.url}/auth/v1/settings").json()["mailer_autoconfirm"] is True
    assert httpx.get(f"{stack.url}/auth/v1/verify?type=signup&token=x").status_code == 303


# --- the gateway as a proxy


def test_preflight(stack: Any) -> None:
    """A preflight is answered without a key and echoes the headers asked for."""
    headers = {
        "origin": "http://app.test",
        "access-control-request-method": "POST",
        "access-control-request-headers": "apikey, x-mine",
    }
    answer = httpx.options(f"{stack.url}/rest/v1/anything", headers=headers)
    assert answer.status_code in (200, 204)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == "apikey, x-mine"


@pytest.mark.parametrize("path", ["/rest/v1/", "/auth/v1/settings", "/auth/v1/admin/users", "/nowhere"])
def test_cors_on_every_answer(http: httpx.Client, path: str) -> None:
    """Every answer, errors too, may be read by any web page, and says so once."""
    answer = http.get(path, headers={"origin": "http://app.test"})
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


def test_counts_and_head(stack: Any, seen: str) -> None:
    """HEAD answers the range without a body; the PostgREST connection it leaves behind breaks no later write."""
    with httpx.Client(headers={"apikey": stack.secret_key, "prefer": "count=exact"}) as client:
        for _ in range(10):
            answer = client.head(f"{stack.url}/rest/v1/{seen}")
            assert (answer.status_code, answer.content, answer.headers["content-range"]) == (200, b"", "*/0")
            assert client.patch(f"{stack.url}/rest/v1/{seen}?id=eq.1", json={"body": "x"}).status_code == 204


def test_no_content(stack: Any, seen: str) -> None:
    """204 comes without a body or a length, and the connection stays usable."""
    with httpx.Client(headers={"apikey": stack.secret_key}) as client:
        for _ in range(3):
            answer = client.delete(f"{stack.url}/rest/v1/{seen}?id=eq.1")
            assert (answer.status_code, answer.content) == (204, b"")
            assert "content-length" not in answer.headers


@pytest.mark.parametrize("chunked", [True, False])
def test_large_bodies(stack: Any, seen: str, member: Any, chunked: bool) -> None:
    """Megabytes pass in both directions, unchanged, framed by length or by chunks."""
    user = member()
    rows = [{"body": f"{n} " + "ü" * 20_000, "user_id": user.id} for n in range(100)]
    sent = json.dumps(rows).encode()
    with httpx.Client(headers={"apikey": stack.secret_key, "content-type": "application/json"}, timeout=30) as client:
        body = iter([sent[:1], sent[1:2_000_000], sent[2_000_000:]]) if chunked else sent
        assert client.post(f"{stack.url}/rest/v1/{seen}", content=body).status_code == 201
        got = client.get(f"{stack.url}/rest/v1/{seen}?select=body,user_id&order=id")
    assert got.json() == rows
    assert got.headers["content-type"] == "application/json; charset=utf-8"


def test_answers_are_not_mixed_up(stack: Any, http: httpx.Client) -> None:
    """Requests in one pipeline are answered in their order."""
    host, port = http.base_url.host, http.base_url.port
    request = f"GET /rest/v1/%s HTTP/1.1\r\nHost: localhost\r\napikey: {stack.publishable_key}\r\n%s\r\n"
    with socket.create_connection((host, port), timeout=5) as line:
        line.sendall((request % ("no_such_a", "") + request % ("no_such_b", "Connection: close\r\n")).encode())
        text = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    assert 0 < text.index("no_such_a") < text.index("no_such_b")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Content-Length: 3\r\nContent-Length: 4\r\n", 400),
        ("Transfer-Encoding: chunked, identity\r\n", 400),
        ("Transfer-Encoding: gzip, chunked\r\n", 400),
        ("Host: example.com\r\nContent-Length: 3\r\n", 400),
        ("Content-Length : 3\r\n", 400),
        ("Content-Length: 3\r\nX-Folded: a\r\n b\r\n", 400),
        (f"X-Large: {'x' * 40_000}\r\nContent-Length: 3\r\n", 431),
        ("Expect: something\r\nTransfer-Encoding: gzip, chunked\r\n", 400),
    ],
)
def test_smuggling(stack: Any, http: httpx.Client, head: str, status: int) -> None:
    """A head that two servers could read in two ways, or an endless one, is refused and the connection closed."""
    request = f"POST /rest/v1/x HTTP/1.1\r\nHost: localhost\r\napikey: {stack.publishable_key}\r\n{head}\r\nabc"
    with socket.create_connection((http.base_url.host, http.base_url.port), timeout=5) as line:
        line.sendall(request.encode())
        answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert answer.count("HTTP/1.1 ") == 1
    assert "access-control-allow-origin: *" in answer.lower()


def test_a_leaving_client_is_no_trouble(stack: Any, http: httpx.Client, postgres: psycopg.Connection[Any]) -> None:
    """When clients go away in the middle of a request, others are served as before."""
    host, port = http.base_url.host, http.base_url.port
    for _ in range(20):
        with socket.create_connection((host, port)) as line:
            line.sendall(
                f"POST /rest/v1/x HTTP/1.1\r\nHost: localhost\r\napikey: {stack.secret_key}\r\n"
                "Content-Length: 99\r\n\r\n[".encode()
            )
    assert http.get("/auth/v1/health").status_code == 200


def test_new_tables_appear_by_themselves(seen: str, admin: Any) -> None:
    """A table made by `postgres` is served without anybody reloading anything."""
    assert admin.table(seen).select("*").execute().data == []


# --- sign-up, sign-in


def test_sign_up_and_row_level_security(stack: Any, seen: str, admin: Any, client: Any) -> None:
    """A new user is signed in at once and owns what he writes; another one sees nothing of it."""
    ann, bob = (client(stack.publishable_key) for _ in range(2))
    first = ann.auth.sign_up({"email": mail(), "password": PASSWORD})
    assert first.session and first.user
    bob.auth.sign_up({"email": mail(), "password": PASSWORD})
    ann.table(seen).insert({"body": "mine"}, returning="minimal").execute()
    assert [row["user_id"] for row in ann.table(seen).select("*").execute().data] == [first.user.id]
    assert bob.table(seen).select("*").execute().data == []
    with pytest.raises(PostgrestAPIError, match="row-level security"):
        bob.table(seen).insert({"body": "x", "user_id": first.user.id}, returning="minimal").execute()
    assert len(admin.table(seen).select("*").execute().data) == 1


def test_claims(stack: Any, visitor: Any) -> None:
    """The access token carries what GoTrue's carries, metadata included, and lives an hour."""
    result = visitor.auth.sign_up({"email": mail(), "password": PASSWORD, "options": {"data": {"plan": "free"}}})
    assert result.session and result.user
    found = jwt.decode(result.session.access_token, stack.jwt_secret, ["HS256"], audience="authenticated")
    assert found["sub"] == result.user.id and found["email"] == result.user.email
    assert found["role"] == "authenticated" and found["aal"] == "aal1" and found["is_anonymous"] is False
    assert found["user_metadata"]["plan"] == "free"
    assert found["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert found["exp"] - found["iat"] == 3600 and found["iss"] == f"{stack.url}/auth/v1"
    assert uuid.UUID(found["session_id"])


def test_metadata_is_json_in_the_database(visitor: Any, postgres: psycopg.Connection[Any]) -> None:
    """A trigger on auth.users can read raw_user_meta_data ->> 'name'; the identity has its e-mail."""
    user = visitor.auth.sign_up({"email": mail(), "password": PASSWORD, "options": {"data": {"name": "Ann"}}}).user
    assert user
    row = postgres.execute(
        "select raw_user_meta_data ->> 'name', i.email from auth.users u join auth.identities i on i.user_id = u.id "
        "where u.id = %s",
        [user.id],
    ).fetchone()
    assert row == ("Ann", user.email)


def test_taken_and_weak(visitor: Any) -> None:
    """A second sign-up, a short password and a wrong password are refused by their codes."""
    email = mail()
    visitor.auth.sign_up({"email": email, "password": PASSWORD})
    assert failing(lambda: visitor.auth.sign_up({"email": email, "password": PASSWORD})).code == "user_already_exists"
    assert failing(lambda: visitor.auth.sign_up({"email": mail(), "password": "short"})).code == "weak_password"
    wrong = {"email": email, "password": "wrong horse"}
    assert failing(lambda: visitor.auth.sign_in_with_password(wrong)).code == "invalid_credentials"


def test_refresh_keeps_session_and_claims(visitor: Any) -> None:
    """A refreshed token is of the same session and as complete as the first."""
    first = visitor.auth.sign_up({"email": mail(), "password": PASSWORD}).session
    assert first
    second = visitor.auth.refresh_session(first.refresh_token).session
    assert second
    a, b = claims(first.access_token), claims(second.access_token)
    assert a["session_id"] == b["session_id"] and a["app_metadata"] == b["app_metadata"]


def test_sign_out_ends_the_session(stack: Any, visitor: Any, http: httpx.Client, client: Any) -> None:
    """After sign-out the token opens nothing at Auth and cannot be refreshed."""
    session = visitor.auth.sign_up({"email": mail(), "password": PASSWORD}).session
    assert session
    visitor.auth.sign_out()
    bearer = {"authorization": f"Bearer {session.access_token}"}
    assert http.get("/auth/v1/user", headers=bearer).status_code == 403
    fresh = client(stack.publishable_key)
    assert failing(lambda: fresh.auth.refresh_session(session.refresh_token)).status == 400


def test_user_updates_himself(visitor: Any) -> None:
    """A user changes his metadata and his password; the new password works."""
    user = visitor.auth.sign_up({"email": mail(), "password": PASSWORD}).user
    assert user
    changed = visitor.auth.update_user({"password": "another horse", "data": {"colour": "red"}}).user
    assert changed.user_metadata["colour"] == "red"
    assert visitor.auth.sign_in_with_password({"email": user.email or "", "password": "another horse"}).session


def test_anonymous_user(visitor: Any, seen: str) -> None:
    """An anonymous user is a user with a token that says so, and stays one after a refresh."""
    result = visitor.auth.sign_in_anonymously()
    assert result.user and result.user.is_anonymous
    visitor.table(seen).insert({"body": "x"}, returning="minimal").execute()
    session = visitor.auth.refresh_session().session
    assert session and claims(session.access_token)["is_anonymous"] is True
    assert visitor.auth.get_user().user.is_anonymous


def test_anonymous_users_are_asked_for(projects: Callable[..., Project]) -> None:
    """A project that does not say so takes none, as hosted."""
    project = projects(empty=True)
    config = (project.folder / "supabase" / "config.toml").read_text()
    project.write("config.toml", config.replace("enable_anonymous_sign_ins = true", ""))
    project.stack.start()
    target = project.stack.target()
    with httpx.Client() as http:
        options = ClientOptions(httpx_client=http)
        visitor = create_client(target.url, target.publishable_key, options)
        refusal = failing(lambda: visitor.auth.sign_in_anonymously())
    assert (refusal.status, refusal.code) == (422, "anonymous_provider_disabled")


def test_failing_trigger_is_a_database_error(visitor: Any, superuser: psycopg.Connection[Any]) -> None:
    """A trigger on auth.users that raises makes sign-up fail as GoTrue would say it."""
    name = f"t{uuid.uuid4().hex[:8]}"
    superuser.execute(f"""
        create function public.{name}() returns trigger language plpgsql as $$
        begin if new.email like '{name}%' then raise 'no'; end if; return new; end $$;
        create trigger {name} before insert on auth.users for each row execute function public.{name}();
    """)
    try:
        error = failing(lambda: visitor.auth.sign_up({"email": f"{name}@example.com", "password": PASSWORD}))
        assert (error.status, error.message) == (500, "Database error saving new user")
    finally:
        superuser.execute(f"drop function public.{name}() cascade")


# --- the admin API


@pytest.mark.parametrize("call", [("GET", ""), ("POST", ""), ("GET", "/x"), ("PUT", "/x"), ("DELETE", "/x")])
def test_admin_is_for_the_secret_key(http: httpx.Client, visitor: Any, call: tuple[str, str]) -> None:
    """The publishable key and a user's token are refused everywhere."""
    session = visitor.auth.sign_up({"email": mail(), "password": PASSWORD}).session
    assert session
    for headers in ({}, {"authorization": f"Bearer {session.access_token}"}):
        answer = http.request(call[0], f"/auth/v1/admin/users{call[1]}", headers=headers, json={})
        assert (answer.status_code, answer.json()["error_code"]) == (403, "not_admin")


def test_a_user_with_the_secret_key_is_still_a_user(stack: Any, visitor: Any) -> None:
    """A user's token outranks the secret key in the admin API too; a forged service_role token is refused."""
    session = visitor.auth.sign_up({"email": mail(), "password": PASSWORD}).session
    assert session
    forged = jwt.encode({"role": "service_role"}, "x" * 40, "HS256")
    for token, code in ((session.access_token, "not_admin"), (forged, "bad_jwt")):
        headers = {"apikey": stack.secret_key, "authorization": f"Bearer {token}"}
        answer = httpx.get(f"{stack.url}/auth/v1/admin/users", headers=headers)
        assert (answer.status_code, answer.json()["error_code"]) == (403, code)


def test_created_user_signs_in(admin: Any, visitor: Any, postgres: psycopg.Connection[Any]) -> None:
    """A user made by the admin API has an identity, the metadata given, and can sign in."""
    email = mail()
    user = admin.auth.admin.create_user(
        {
            "email": email.upper(),
            "password": PASSWORD,
            "email_confirm": True,
            "user_metadata": {"name": "Bob"},
            "app_metadata": {"tenant": 7},
        }
    ).user
    assert user.email == email and user.identities and user.identities[0].provider == "email"
    token = claims(visitor.auth.sign_in_with_password({"email": email, "password": PASSWORD}).session.access_token)
    assert token["app_metadata"] == {"tenant": 7, "provider": "email", "providers": ["email"]}
    assert token["user_metadata"]["name"] == "Bob"
    assert postgres.execute(
        "select left(encrypted_password, 2) from auth.users where id = %s", [user.id]
    ).fetchone() == ("$2",)


def test_unconfirmed_user_cannot_sign_in(member: Any, visitor: Any) -> None:
    """Without email_confirm a created user has to confirm first."""
    user = member(email_confirm=False)
    error = failing(lambda: visitor.auth.sign_in_with_password({"email": user.email, "password": PASSWORD}))
    assert error.code == "email_not_confirmed"


def test_create_refusals(admin: Any, member: Any) -> None:
    """Duplicates, weak passwords and malformed input are refused by GoTrue's codes."""
    create = admin.auth.admin.create_user
    taken = member().email
    for attributes, status, code in (
        ({"email": taken, "password": PASSWORD}, 422, "email_exists"),
        ({"email": mail(), "password": "short"}, 422, "weak_password"),
        ({"email": "nonsense", "password": PASSWORD}, 400, "validation_failed"),
        ({"password": PASSWORD}, 400, "validation_failed"),
        ({"email": mail(), "id": "nonsense"}, 400, "validation_failed"),
        ({"email": mail(), "ban_duration": "nonsense"}, 400, "validation_failed"),
    ):
        error = failing(partial(create, attributes))
        assert (error.status, error.code) == (status, code), attributes


def test_given_id(member: Any) -> None:
    """A user may be created with an id of one's choice, once."""
    chosen = str(uuid.uuid4())
    assert member(id=chosen).id == chosen


def test_get_and_missing(stack: Any, admin: Any, member: Any) -> None:
    """One user is found by id; an unknown id and a malformed one are 404."""
    user = member()
    assert admin.auth.admin.get_user_by_id(user.id).user.email == user.email
    assert failing(lambda: admin.auth.admin.get_user_by_id(str(uuid.uuid4()))).code == "user_not_found"
    answer = httpx.get(f"{stack.url}/auth/v1/admin/users/nonsense", headers={"apikey": stack.secret_key})
    assert (answer.status_code, answer.json()["error_code"]) == (404, "validation_failed")


def test_list_pages(stack: Any, member: Any) -> None:
    """Users come newest first, by the page, with the total and the way to the next page."""
    made = [member().id for _ in range(3)]

    def get(page: int) -> httpx.Response:
        query = {"page": page, "per_page": 2}
        return httpx.get(f"{stack.url}/auth/v1/admin/users", params=query, headers={"apikey": stack.secret_key})

    first, second = get(1), get(2)
    ids = [user["id"] for user in first.json()["users"] + second.json()["users"]]
    assert ids[:3] == made[::-1]
    assert int(first.headers["x-total-count"]) >= 3
    assert 'page=2&per_page=2>; rel="next"' in first.headers["link"]
    assert get(0).status_code == 400


def test_admin_update(admin: Any, member: Any, visitor: Any) -> None:
    """The admin changes address, password and metadata; old sessions end, members set to null go."""
    user = member(user_metadata={"a": 1, "b": 2})
    email = mail()
    session = visitor.auth.sign_in_with_password({"email": user.email, "password": PASSWORD}).session
    changed = admin.auth.admin.update_user_by_id(
        user.id,
        {
            "email": email,
            "password": "another horse",
            "user_metadata": {"a": None, "c": 3},
            "app_metadata": {"role": "boss"},
        },
    ).user
    assert changed.email == email and changed.identities[0].identity_data["email"] == email
    assert "a" not in changed.user_metadata and changed.user_metadata["b"] == 2 and changed.user_metadata["c"] == 3
    assert changed.app_metadata["provider"] == "email" and changed.app_metadata["role"] == "boss"
    assert failing(lambda: visitor.auth.refresh_session(session.refresh_token)).status == 400
    assert visitor.auth.sign_in_with_password({"email": email, "password": "another horse"}).session


def test_ban(admin: Any, member: Any, visitor: Any) -> None:
    """A banned user neither signs in nor refreshes until the ban is lifted."""
    user = member()
    credentials = {"email": user.email, "password": PASSWORD}
    visitor.auth.sign_in_with_password(credentials)
    assert admin.auth.admin.update_user_by_id(user.id, {"ban_duration": "24h"}).user
    assert failing(visitor.auth.refresh_session).code == "user_banned"
    assert failing(lambda: visitor.auth.sign_in_with_password(credentials)).code == "user_banned"
    admin.auth.admin.update_user_by_id(user.id, {"ban_duration": "none"})
    assert visitor.auth.sign_in_with_password(credentials).session


def test_delete_cascades(stack: Any, admin: Any, member: Any, seen: str, visitor: Any) -> None:
    """Deleting a user deletes his rows and his sign-in; a second time there is nobody."""
    user = member()
    visitor.auth.sign_in_with_password({"email": user.email, "password": PASSWORD})
    visitor.table(seen).insert({"body": "x"}, returning="minimal").execute()
    admin.auth.admin.delete_user(user.id)
    assert admin.table(seen).select("*").execute().data == []
    assert failing(lambda: visitor.auth.sign_in_with_password({"email": user.email, "password": PASSWORD}))
    assert failing(lambda: admin.auth.admin.delete_user(user.id)).code == "user_not_found"


def test_soft_delete(admin: Any, member: Any, visitor: Any, postgres: psycopg.Connection[Any]) -> None:
    """A softly deleted user keeps his row without his address, cannot sign in, and the address is free again."""
    user = member()
    admin.auth.admin.delete_user(user.id, should_soft_delete=True)
    row = postgres.execute(
        "select deleted_at is not null, email = %s from auth.users where id = %s", [user.email, user.id]
    ).fetchone()
    assert row == (True, False)
    assert failing(lambda: visitor.auth.sign_in_with_password({"email": user.email, "password": PASSWORD}))
    assert member(email=user.email)


def test_admin_sign_out(admin: Any, visitor: Any, http: httpx.Client) -> None:
    """The admin ends somebody's session by his token."""
    session = visitor.auth.sign_up({"email": mail(), "password": PASSWORD}).session
    assert session
    admin.auth.admin.sign_out(session.access_token)
    assert http.get("/auth/v1/user", headers={"authorization": f"Bearer {session.access_token}"}).status_code == 403


# --- links


@pytest.mark.parametrize("way", ["hash", "code", "link"])
@pytest.mark.parametrize("kind", ["signup", "magiclink", "recovery", "invite"])
def test_links_sign_in(stack: Any, admin: Any, member: Any, visitor: Any, client: Any, kind: str, way: str) -> None:
    """A generated link signs in once: by its hash, by its code, or followed."""
    email = mail() if kind in ("signup", "invite") else member().email
    link = admin.auth.admin.generate_link({"type": kind, "email": email, "password": PASSWORD})
    assert link.properties.verification_type == kind and link.user.email == email
    by_hash = {"token_hash": link.properties.hashed_token, "type": kind}
    if way == "link":
        fragment = httpx.get(link.properties.action_link).headers["location"].partition("#")[2]
        assert "access_token=" in fragment
    else:
        by_code = {"email": email, "token": link.properties.email_otp, "type": kind}
        session = visitor.auth.verify_otp(by_hash if way == "hash" else by_code).session
        assert session and claims(session.access_token)["email"] == email
        assert claims(session.access_token)["app_metadata"]["provider"] == "email"
    again = client(stack.publishable_key)
    assert failing(lambda: again.auth.verify_otp(by_hash)).code == "otp_expired"


def test_verify_type_email(admin: Any, member: Any, visitor: Any) -> None:
    """The type `email` stands for whichever link was sent."""
    link = admin.auth.admin.generate_link({"type": "magiclink", "email": member().email})
    assert visitor.auth.verify_otp({"token_hash": link.properties.hashed_token, "type": "email"}).session


def test_an_address_with_a_fragment_of_its_own(member: Any, stack: Any) -> None:
    """The session stands behind the last mark, whatever the address that the link leads to holds."""
    wish = {"type": "magiclink", "email": member().email, "redirect_to": "http://127.0.0.1:3000/#access_token=foo"}
    headers = {"apikey": stack.secret_key}
    link = httpx.post(f"{stack.url}/auth/v1/admin/generate_link", json=wish, headers=headers).json()
    answer = httpx.get(link["action_link"], follow_redirects=False)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("http://127.0.0.1:3000/#access_token=foo#access_token=ey")


def test_change_of_address(admin: Any, member: Any, visitor: Any) -> None:
    """An address changes once both mailboxes confirmed, not before."""
    user, new = member(), mail()
    for_old = admin.auth.admin.generate_link(
        {"type": "email_change_current", "email": user.email, "new_email": new}
    ).properties
    for_new = admin.auth.admin.generate_link(
        {"type": "email_change_new", "email": user.email, "new_email": new}
    ).properties
    answer = visitor.auth._request  # the first half is no session, which the client's model cannot say
    half = answer("POST", "verify", body={"type": "email_change", "token_hash": for_old.hashed_token})
    assert "other email" in half.json()["msg"]
    assert admin.auth.admin.get_user_by_id(user.id).user.email == user.email
    done = visitor.auth.verify_otp({"email": new, "token": for_new.email_otp, "type": "email_change"})
    assert done.user and done.user.email == new
    assert visitor.auth.sign_in_with_password({"email": new, "password": PASSWORD}).session


@pytest.fixture
def link(admin: Any) -> Callable[[str, str, str], Any]:
    """Makes one of the two links that change an address."""
    make = admin.auth.admin.generate_link
    return lambda kind, old, new: make({"type": kind, "email": old, "new_email": new}).properties


@pytest.mark.parametrize("first", ["old", "new"])
def test_change_of_address_by_links(admin: Any, member: Any, link: Callable[..., Any], first: str) -> None:
    """Links as mails hold them: the first one signs nobody in and changes nothing, whichever it is."""
    user, new = member(), mail()
    links = {
        half: admin.auth.admin.generate_link(
            {"type": kind, "email": user.email, "new_email": new}
        ).properties.action_link
        for half, kind in (("old", "email_change_current"), ("new", "email_change_new"))
    }
    half = httpx.get(links.pop(first))
    assert (half.status_code, "access_token" in half.headers["location"]) == (303, False)
    assert "other+email" in half.headers["location"]
    assert admin.auth.admin.get_user_by_id(user.id).user.email == user.email
    whole = httpx.get(links.popitem()[1])
    assert "access_token" in whole.headers["location"]
    assert admin.auth.admin.get_user_by_id(user.id).user.email == new


def test_the_second_half_twice_at_once(admin: Any, member: Any, stack: Any, link: Callable[..., Any]) -> None:
    """One of them changes the address, and the other finds its token used."""
    for _ in range(4):
        user, new = member(), mail()
        hashes = [
            admin.auth.admin.generate_link(
                {"type": kind, "email": user.email, "new_email": new}
            ).properties.hashed_token
            for kind in ("email_change_current", "email_change_new")
        ]
        with httpx.Client(base_url=f"{stack.url}/auth/v1", headers={"apikey": stack.publishable_key}) as client:
            bodies = [{"type": "email_change", "token_hash": one} for one in hashes]
            assert client.post("/verify", json=bodies[0]).status_code == 200
            with ThreadPoolExecutor(2) as pool:
                asked = [pool.submit(client.post, "/verify", json=bodies[1]) for _ in range(2)]
            assert sorted(one.result().status_code for one in asked) == [200, 403]
        assert admin.auth.admin.get_user_by_id(user.id).user.email == new


def test_what_happens_to_one_user_at_once(admin: Any, member: Any, stack: Any) -> None:
    """A refresh beside a logout, a sign-in beside the end of the account: never an error of the server."""
    headers = {"apikey": stack.publishable_key}
    service = {"apikey": stack.secret_key}
    with httpx.Client(base_url=f"{stack.url}/auth/v1", timeout=60) as client, ThreadPoolExecutor(2) as pool:
        for _ in range(6):
            user, address = member(), mail()
            given = {"email": user.email, "password": PASSWORD}
            session = client.post("/token?grant_type=password", json=given, headers=headers).json()
            bearer = headers | {"authorization": f"Bearer {session['access_token']}"}
            token = {"refresh_token": session["refresh_token"]}
            pairs = [
                [("POST", "/token?grant_type=refresh_token", token, headers), ("POST", "/logout", {}, bearer)],
                [
                    ("POST", "/token?grant_type=password", given, headers),
                    ("DELETE", f"/admin/users/{user.id}", {}, service),
                ],
                [
                    ("POST", "/signup", {"email": address, "password": PASSWORD}, headers),
                    ("POST", "/admin/users", {"email": address, "password": PASSWORD}, service),
                ],
            ]
            for pair in pairs:
                asked = [
                    pool.submit(client.request, verb, path, json=body, headers=keys) for verb, path, body, keys in pair
                ]
                assert max(one.result().status_code for one in asked) < 500, [one.result().text for one in asked]


def test_one_user_by_either_spelling_of_the_id(admin: Any, member: Any, stack: Any) -> None:
    """Changes of one user take turns however the id is written: none is lost."""
    user, service = member(), {"apikey": stack.secret_key}
    with (
        httpx.Client(base_url=f"{stack.url}/auth/v1/admin/users", headers=service) as client,
        ThreadPoolExecutor(6) as pool,
    ):
        for turn in range(6):
            asked = [
                pool.submit(client.put, id_, json={"user_metadata": {f"k{turn}{n}": n}})
                for n, id_ in enumerate([user.id, user.id.upper()] * 3)
            ]
            assert {one.result().status_code for one in asked} == {200}
    found = {*admin.auth.admin.get_user_by_id(user.id).user.user_metadata}
    assert {f"k{turn}{n}" for turn in range(6) for n in range(6)} <= found


def test_one_address_for_several_at_once(member: Any, stack: Any) -> None:
    """By a sign-up and by changes of others: one gets it, and the others are told that it is taken."""
    headers, service = {"apikey": stack.publishable_key}, {"apikey": stack.secret_key}
    with httpx.Client(base_url=f"{stack.url}/auth/v1") as client, ThreadPoolExecutor(4) as pool:
        for _ in range(12):
            address, others = mail(), [member().id, member().id]
            given = {"email": address, "password": PASSWORD}
            asked = [
                *(
                    pool.submit(client.put, f"/admin/users/{id_}", json={"email": address}, headers=service)
                    for id_ in others
                ),
                pool.submit(client.post, "/signup", json=given, headers=headers),
                pool.submit(client.post, "/admin/users", json=given, headers=service),
            ]
            assert sorted(one.result().status_code for one in asked) == [200, 422, 422, 422]


def test_connections_that_the_server_ends(stack: Any, superuser: psycopg.Connection[Any], member: Any) -> None:
    """However often: the gateway lives, and Auth answers once that is over."""
    headers = {"apikey": stack.publishable_key}
    given = [{"email": member().email, "password": PASSWORD} for _ in range(4)]
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'supabase_auth_admin'"
    over = Event()
    with httpx.Client(base_url=f"{stack.url}/auth/v1", headers=headers, timeout=60) as client:

        def sign_in(body: dict[str, str]) -> int:
            return client.post("/token?grant_type=password", json=body).status_code

        def keep_on(body: dict[str, str]) -> None:
            while not over.is_set():
                sign_in(body)

        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(keep_on, body) for body in given]
            ends = time.monotonic() + 4
            while time.monotonic() < ends:
                superuser.execute(kill)
            over.set()
            for one in asked:
                one.result()
        # An answer may still be on a connection whose end the gateway has not read.
        assert wait_until(lambda: [sign_in(body) for body in given] == [200] * 4, timeout=60)


def test_link_refusals(admin: Any, member: Any) -> None:
    """Links for nobody, for somebody confirmed, or of no known type are refused."""
    link = admin.auth.admin.generate_link
    taken = member().email
    assert failing(lambda: link({"type": "recovery", "email": mail()})).code == "user_not_found"
    assert failing(lambda: link({"type": "invite", "email": taken})).code == "email_exists"
    assert failing(lambda: link({"type": "nonsense", "email": taken})).code == "validation_failed"


def test_invite(admin: Any) -> None:
    """An invitation makes an unconfirmed user."""
    user = admin.auth.admin.invite_user_by_email(mail()).user
    assert user and user.invited_at and not user.email_confirmed_at


# --- the role model, as migrations meet it


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("create table auth.x ()", "permission denied for schema auth"),
        ("alter table auth.users add x int", "must be owner of table users"),
        (
            "create or replace function auth.uid() returns uuid language sql as 'select null::uuid'",
            "permission denied for schema auth",
        ),
        ("drop schema auth cascade", "must be owner of schema auth"),
        ("set role supabase_auth_admin", "permission denied to set role"),
        ("set role authenticator", "permission denied to set role"),
        ("set role anon; table auth.users", "permission denied for table users"),
    ],
)
def test_postgres_is_no_superuser(postgres: psycopg.Connection[Any], statement: str, words: str) -> None:
    """What a hosted project refuses a migration is refused here, in the same words."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match=words):
        postgres.execute(statement)


def test_other_session_settings_do_not_help(postgres: psycopg.Connection[Any]) -> None:
    """Ordinary triggers can be switched off for a session; these cannot."""
    with postgres.transaction(force_rollback=True):
        postgres.execute("set local session_replication_role = replica")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="must be owner of table users"):
            postgres.execute("alter table auth.users add column x int")


@pytest.mark.parametrize("statement", ["alter table auth.users add column x int", "drop table auth.users cascade"])
def test_operators_of_ones_own_do_not_help(postgres: psycopg.Connection[Any], statement: str) -> None:
    """What refuses does not look for its operators where the session does."""
    with postgres.transaction(force_rollback=True):
        postgres.execute("""
            create schema mine;
            create function mine.no(text, text) returns boolean language sql immutable as 'select false';
            create operator mine.!~ (leftarg = text, rightarg = text, function = mine.no);
            create operator mine.<> (leftarg = text, rightarg = text, function = mine.no);
            create operator mine.= (leftarg = text, rightarg = text, function = mine.no);
            set local search_path = mine, pg_catalog;
        """)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="must be owner of table users"):
            postgres.execute(statement.encode())


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_new_tables_are_not_exposed(postgres: psycopg.Connection[Any], role: str) -> None:
    """A table without grants is invisible to every API role, which may nonetheless use the schemas."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege), postgres.transaction():
        postgres.execute(
            f"create table public.unexposed (id int); set local role {role}; select auth.uid(); table public.unexposed"
        )


def test_postgres_may_hang_triggers_on_users(postgres: psycopg.Connection[Any]) -> None:
    """References to auth.users and triggers on it are allowed, as in every tutorial."""
    with postgres.transaction(force_rollback=True):
        postgres.execute("""
            create table public.profiles_x (id uuid primary key references auth.users on delete cascade);
            create function public.new_user_x() returns trigger language plpgsql as $$ begin return new; end $$;
            create trigger new_user_x after insert on auth.users for each row execute function public.new_user_x();
        """)


@pytest.mark.parametrize("way", ["signup", "admin"])
def test_an_address_is_confirmed_by_an_update(
    admin: Any, visitor: Any, superuser: psycopg.Connection[Any], way: str
) -> None:
    """As hosted: triggers on the insert see an address that is not confirmed, those on the update see it become so."""
    name, address = f"t{uuid.uuid4().hex[:8]}", mail()
    superuser.execute(f"""
        create table public.{name} (n int generated always as identity, event text, before bool, after bool);
        create function public.{name}() returns trigger language plpgsql security definer as $$
        begin
          if new.email = '{address}' then
            insert into public.{name} (event, before, after)
            values (tg_op, old.email_confirmed_at is not null, new.email_confirmed_at is not null);
          end if;
          return new;
        end $$;
        create trigger {name} after insert or update on auth.users for each row execute function public.{name}();
    """)
    try:
        if way == "signup":
            made = visitor.auth.sign_up({"email": address, "password": PASSWORD}).user
        else:
            made = admin.auth.admin.create_user({"email": address, "password": PASSWORD, "email_confirm": True}).user
        events = superuser.execute(f"select event, before, after from public.{name} order by n".encode()).fetchall()
        assert events[:2] == [("INSERT", False, False), ("UPDATE", False, True)]
        assert made.email_confirmed_at is not None
    finally:
        superuser.execute(f"drop function public.{name}() cascade; drop table public.{name}")
