"""What the gateway lets through: listed routes in one spelling, whole requests, named rows, loopback names."""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
import socket
import stat
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

import httpx
import jwt
import psutil
import psycopg
import pytest

from pushproof.base.waiting import wait_until
from tests.fix_stack import Project
from tests.stack.test_origin import mail

INTERNAL = (
    "_system/info",
    "_system/introspect",
    "_system/config",
    "_system/status",
    "_system/ping",
    "storage/v1/bucket",
    "auth/v1/signup",
    "auth/v1/token",
    "auth/v1/admin/users",
    "rest/v1/rpc/anything",
)
PREFIXES = (
    "/",
    "/auth/v1/",
    "/auth/v1/.well-known/",
    "/auth/v1/health/",
    "/auth/v1/verify/",
    "/auth/v1/admin/users/",
    "/rest/v1/",
    "/rest/v1/rpc/",
)
DOT_SEGMENTS = (
    "..",
    "%2e%2e",
    "%2E%2E",
    ".%2e",
    "%2e.",
    "%252e%252e",
    "..;",
    "..%00",
    "..%20",
    "%c0%ae%c0%ae",
    "./..",
    ".\\..",
)
SLASHES = ("/", "//", "%2f", "%2F", "\\", "%5c", "%252f")


def spellings(prefix: str, path: str) -> Iterator[str]:
    """The path reached upwards from the prefix, in each way to write a dot segment and each way to write a slash."""
    depth = prefix.count("/") - 1
    for dots, slash in itertools.product(DOT_SEGMENTS, SLASHES):
        yield prefix + (dots + slash) * depth + path.replace("/", slash if slash != "//" else "/")
    yield prefix + path


class Raw:
    """Requests whose path no client library has put in order, on one connection."""

    def __init__(self, url: str) -> None:
        self.host = url.removeprefix("http://")
        self.line = socket.create_connection(("127.0.0.1", int(self.host.rpartition(":")[2])), timeout=10)
        self.answers = self.line.makefile("rb")

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.answers.close()
        self.line.close()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
        """The status and the body of the answer."""
        fields = {"host": self.host, "content-length": str(len(body)), **headers}
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        self.line.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin1") + body)
        status = int(self.answers.readline().split()[1])
        length = 0
        while (line := self.answers.readline().strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return status, self.answers.read(length).decode()


@pytest.fixture
def raw(stack: Any) -> Iterator[Raw]:
    with Raw(stack.url) as line:
        yield line


@pytest.fixture
def rows(postgres: psycopg.Connection[Any], stack: Any) -> Iterator[str]:
    """A table with two rows that the API serves to service_role."""
    name = f"rows_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"""
        create table public.{name} (id integer primary key, word text);
        insert into public.{name} values (1, 'one'), (2, 'two');
        grant select, insert, update, delete on public.{name} to service_role;
    """)
    deadline = time.monotonic() + 10
    while httpx.options(f"{stack.url}/rest/v1/{name}", headers={"apikey": stack.secret_key}).status_code == 404:
        assert time.monotonic() < deadline, "the REST server never reloaded its schema"
    yield name
    postgres.execute(f"drop table public.{name}")


# --- paths


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("internal", INTERNAL)
def test_no_spelling_leads_past_the_list(stack: Any, raw: Raw, prefix: str, internal: str) -> None:
    """Whatever the library behind has besides, nobody reaches it: no answer is a success, and none holds a secret."""
    secrets = (*stack.secrets.values(), *stack.passwords.values())
    asked = list(spellings(prefix, internal))
    for path in asked:
        status, body = raw.ask("GET", path)
        assert 400 <= status < 500, path
        assert not [secret for secret in secrets if secret in body], path
    assert len(asked) > 20


@pytest.mark.parametrize(
    "path",
    [
        "/auth/v1/.well-known/../signup",
        "/auth/v1/.well-known/%2e%2e/signup",
        "/auth/v1/health/..%2fsignup",
        "/auth/v1//signup",
    ],
)
def test_nobody_signs_up_without_a_key(raw: Raw, postgres: psycopg.Connection[Any], path: str) -> None:
    """A route that needs no key is no way to one that does."""
    address = mail()
    body = json.dumps({"email": address, "password": "correct horse"}).encode()
    status, _ = raw.ask("POST", path, body, content_type="application/json")
    assert status in (400, 404)
    assert postgres.execute("select from auth.users where email = %s", [address]).fetchall() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/auth/v1/%68ealth", 200),  # an escape of a letter is that letter
        ("HEAD", "/auth/v1/health", 200),
        ("POST", "/auth/v1/health", 405),
        ("DELETE", "/auth/v1/user", 405),
        ("GET", "/auth/v1/health/", 404),
        ("GET", "/auth/v1/HEALTH", 404),
        ("GET", "/auth%2fv1/health", 404),
        ("GET", "/auth/v1/%zz", 400),
        ("GET", "/auth/v1/%ff", 400),
        ("GET", "/auth/v1/a%00b", 400),
        ("GET", "http://127.0.0.1/auth/v1/health", 400),
        ("OPTIONS", "*", 400),
    ],
)
def test_one_form_of_a_path_decides(raw: Raw, method: str, path: str, status: int) -> None:
    """Escapes are read once; what is not on the list, or not in a form that everybody reads alike, is refused."""
    assert raw.ask(method, path)[0] == status


@pytest.mark.parametrize("name", ["a b", "a/b", "p%20x", "h#x", "a?b", "ä", "a\\b", "a.b", "...", "(a)'!*~"])
def test_any_name_of_a_table_has_an_address(
    stack: Any, postgres: psycopg.Connection[Any], rows: str, name: str
) -> None:
    """An escaped slash is a part of a name, as PostgREST reads it."""
    quoted = '"' + name + '"'
    postgres.execute(f"create view public.{quoted} as select * from public.{rows}".encode())
    postgres.execute(f"grant select on public.{quoted} to service_role".encode())
    try:
        with Raw(stack.url) as line:
            path = "/rest/v1/" + "".join(f"%{byte:02x}" for byte in name.encode())
            deadline = time.monotonic() + 10
            while (answer := line.ask("GET", path, apikey=stack.secret_key))[0] == 404:
                assert time.monotonic() < deadline, answer
        assert answer[0] == 200
    finally:
        postgres.execute(f"drop view public.{quoted}".encode())


OPEN = {
    "GET /auth/v1/health",
    "GET /auth/v1/settings",
    "GET /auth/v1/.well-known/jwks.json",
    "GET /auth/v1/.well-known/openid-configuration",
    "GET /auth/v1/verify",
    "POST /auth/v1/verify",
    "GET /auth/v1/authorize",
    "GET /auth/v1/callback",
    "POST /auth/v1/callback",
}
CLOSED = {
    *(f"POST /auth/v1/{name}" for name in ("signup", "token", "otp", "magiclink", "recover", "resend", "logout")),
    *(f"{method} /auth/v1/user" for method in ("GET", "PUT")),
    "GET /auth/v1/reauthenticate",
    "POST /auth/v1/invite",
    "POST /auth/v1/admin/generate_link",
    *(f"{method} /auth/v1/admin/users" for method in ("GET", "POST")),
    *(f"{method} /auth/v1/admin/users/{uuid.UUID(int=1)}" for method in ("GET", "PUT", "DELETE")),
    *(f"{method} /rest/v1/anything" for method in ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS")),
    "GET /rest/v1/",
    "POST /rest/v1/rpc/anything",
}


@pytest.mark.parametrize("route", sorted(OPEN | CLOSED))
def test_what_needs_no_key(stack: Any, route: str) -> None:
    """Links of mails and sign-in pages, and what is public anyway; no other route."""
    method, path = route.split()
    status = httpx.request(method, f"{stack.url}{path}", follow_redirects=False).status_code
    assert (status == 401) == (route in CLOSED)
    assert status < 500


# --- bodies


def test_a_connection_answers_after_a_body_that_was_too_large(stack: Any, raw: Raw) -> None:
    """413, and the same connection goes on."""
    large = b'{"email": "' + b"x" * 3_000_000 + b'"}'
    for _ in range(2):
        assert raw.ask("POST", "/auth/v1/signup", large, apikey=stack.publishable_key)[0] == 413
        assert raw.ask("GET", "/auth/v1/health")[0] == 200


@pytest.mark.parametrize("size", [300_000, 8_000_000])
def test_a_refusal_before_the_body_was_read(stack: Any, size: int) -> None:
    """PostgREST refuses a token and closes the connection: the client gets that answer, not 502."""
    headers = {"apikey": stack.publishable_key, "Authorization": "Bearer no.token"}
    with httpx.Client(base_url=stack.url, headers=headers) as client:
        for _ in range(20):
            answer = client.post("/rest/v1/rpc/anything", content=b" " * size)
            assert answer.status_code == 401, answer.text


def test_a_long_pipeline(stack: Any) -> None:
    """Whoever sends requests without end and reads no answer is cut off before the origin's memory is full."""
    body = b'{"type": "signup", "token_hash": "' + b"a" * 900_000 + b'"}'
    head = f"POST /auth/v1/verify HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    host, _, port = stack.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line, contextlib.suppress(ConnectionError):
        for _ in range(500):
            line.sendall(head + body)
        pytest.fail("it took 450 MB of requests")
    with Raw(stack.url) as raw:
        assert raw.ask("GET", "/auth/v1/health")[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        "perform pg_sleep(600);",
        "loop begin perform pg_sleep(600); exception when query_canceled then null; end; end loop;",
        "perform set_config('statement_timeout', '0', false), pg_sleep(600);",
    ],
)
def test_a_trigger_that_does_not_return(stack: Any, superuser: psycopg.Connection[Any], body: str) -> None:
    """Sign-ups that it holds up end by Auth's own time limit, whatever it does against that, and Auth answers again."""
    superuser.execute(f"""
        create function public.never() returns trigger language plpgsql
          as $$ begin {body} return new; end $$;
        create trigger never before insert on auth.users for each row execute function public.never();
    """)
    try:
        with httpx.Client(base_url=stack.url, headers={"apikey": stack.publishable_key}, timeout=60) as client:
            answer = client.post("/auth/v1/signup", json={"email": mail(), "password": "correct horse"})
            assert answer.status_code == 500
            assert answer.json()["msg"].startswith("Database error saving new user")
            assert client.get("/auth/v1/health").status_code == 200
    finally:
        superuser.execute("drop function public.never() cascade")


def test_a_token_that_two_tabs_refresh_at_once(stack: Any) -> None:
    """Both stay signed in, as when one comes after the other."""
    headers = {"apikey": stack.publishable_key}
    with httpx.Client(base_url=f"{stack.url}/auth/v1", headers=headers, timeout=60) as client:
        session = client.post("/signup", json={"email": mail(), "password": "correct horse"}).json()
        ask = partial(client.post, "/token?grant_type=refresh_token")
        for _ in range(4):
            token = {"refresh_token": session["refresh_token"]}
            with ThreadPoolExecutor(6) as pool:
                answers = [one.result() for one in [pool.submit(ask, json=token) for _ in range(6)]]
            assert {one.status_code for one in answers} == {200}
            assert len({one.json()["refresh_token"] for one in answers}) == 1
            session = answers[0].json()


@pytest.mark.parametrize("path", ["/signup", "/otp"])
def test_an_address_that_signs_up_twice_at_once(stack: Any, path: str) -> None:
    """One does, the others are told so: none of it is an error of the server."""
    headers = {"apikey": stack.publishable_key}
    with httpx.Client(base_url=f"{stack.url}/auth/v1", headers=headers, timeout=60) as client:
        for _ in range(3):
            body = {"email": mail(), "password": "correct horse"}
            with ThreadPoolExecutor(6) as pool:
                asked = [pool.submit(client.post, path, json=body) for _ in range(6)]
            assert {one.result().status_code for one in asked} <= {200, 422}


@pytest.mark.parametrize("password", ["é" * 40, "a" * 73])
def test_a_password_of_more_bytes_than_are_compared(stack: Any, password: str) -> None:
    """Refused by every route that sets one: two that differ behind the 72nd byte would be the same."""
    headers = {"apikey": stack.secret_key}
    with httpx.Client(base_url=f"{stack.url}/auth/v1", headers=headers) as client:
        for path in ("/signup", "/admin/users"):
            answer = client.post(path, json={"email": mail(), "password": password})
            assert (answer.status_code, "72" in answer.json()["msg"]) == (400, True)
        token = client.post("/signup", json={"email": mail(), "password": "é" * 36}).json()["access_token"]
        answer = client.put("/user", json={"password": password}, headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, "72" in answer.json()["msg"]) == (400, True)


@pytest.mark.parametrize("name", ["redirect_to", "redirect%5Fto", "%72edirect_to"])
@pytest.mark.parametrize("mark", ["%0d", "%0A", "%00", "%7F", "%0b"])
def test_an_address_that_no_header_can_hold(stack: Any, mark: str, name: str) -> None:
    """Whoever follows such a link is sent to the project's own address."""
    path = f"/auth/v1/verify?type=magiclink&token=x&{name}=http://127.0.0.1:3000/{mark}X"
    answer = httpx.get(stack.url + path)
    assert answer.status_code == 303
    assert "X" not in answer.headers["location"].partition("#")[0]


@pytest.mark.parametrize("query", ["id=eq.%E9", "%E9=eq.1", "id=eq.%c0%ae", "x=%ff"])
def test_a_query_that_is_not_utf_8(raw: Raw, stack: Any, rows: str, query: str) -> None:
    """Refused, and the connection goes on."""
    for method in ("GET", "PATCH", "DELETE"):
        assert raw.ask(method, f"/rest/v1/{rows}?{query}", apikey=stack.secret_key)[0] == 400
    assert raw.ask("GET", f"/rest/v1/{rows}?word=eq.%C3%A9", apikey=stack.secret_key) == (200, "[]")


@pytest.mark.parametrize("name", ["x-a", "user-agent", "prefer", "accept", "content-type"])
def test_a_header_that_is_not_utf_8(raw: Raw, stack: Any, rows: str, name: str) -> None:
    """PostgREST would break off; what is UTF-8 goes on."""
    key = {"apikey": stack.secret_key}
    assert raw.ask("GET", f"/rest/v1/{rows}", b"", **{**key, name: "text/\xff"})[0] == 400
    preflight = {"access_control_request_method": "GET", name: "text/\xff"}
    assert raw.ask("OPTIONS", f"/rest/v1/{rows}", b"", **preflight)[0] == 400
    assert httpx.get(f"{stack.url}/rest/v1/{rows}", headers=key | {"x-a": "é".encode()}).status_code == 200


def test_a_request_for_another_protocol(stack: Any, raw: Raw) -> None:
    """It is answered, and the connection is closed: whoever waits for a further answer on it would wait for good."""
    fields = {"apikey": stack.publishable_key, "connection": "Upgrade", "upgrade": "h2c"}
    assert raw.ask("GET", "/auth/v1/health", **fields)[0] == 200
    assert raw.answers.read() == b""


ROUTES_WITH_A_BODY = (
    "POST /signup",
    "POST /token?grant_type=password",
    "POST /token?grant_type=refresh_token",
    "POST /otp",
    "POST /magiclink",
    "POST /recover",
    "POST /resend",
    "POST /verify",
    "POST /logout",
    "PUT /user",
    "POST /invite",
    "POST /admin/users",
    "POST /admin/generate_link",
    "PUT /admin/users/{id}",
    "DELETE /admin/users/{id}",
)


@pytest.mark.parametrize("route", ROUTES_WITH_A_BODY)
@pytest.mark.parametrize(
    "body",
    [
        "null",
        "[]",
        '"text"',
        "7",
        "{",
        "[" * 100_000,
        '{"email": "a\\u0000b@example.com", "password": "correct horse"}',
        '{"email": 7, "password": "correct horse"}',
        '{"email": "\\ud800@example.com", "password": "correct horse"}',
        '{"data": {"x": "\\ud800"}, "user_metadata": {"x": "\\ud800"}}',
        '{"email": "a@example.com", "password": {"length": 9}, "type": "signup"}',
        '{"data": [], "user_metadata": [], "email": "a@example.com", "password": "correct horse"}',
        '{"data": {"name\\u0000": 1}, "user_metadata": {"name\\u0000": 1}}',
        '{"type": 1, "token": 2, "refresh_token": 3}',
    ],
)
def test_a_body_of_another_shape_is_a_bad_request(stack: Any, visitor: Any, route: str, body: str) -> None:
    """400 in GoTrue's words, never 500."""
    method, path = route.split(" ")
    path = path.format(id=visitor[0])
    headers = {"apikey": stack.secret_key, "content-type": "application/json"}
    if path in ("/logout", "/user"):
        headers = {"apikey": stack.publishable_key, "authorization": f"Bearer {visitor[1]}"}
    answer = httpx.request(method, f"{stack.url}/auth/v1{path}", content=body.encode(), headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "bad_json")


@pytest.fixture(scope="module")
def visitor(stack: Any) -> tuple[str, str]:
    """The id and the token of somebody who signed up."""
    body = {"email": mail(), "password": "correct horse"}
    answer = httpx.post(f"{stack.url}/auth/v1/signup", json=body, headers={"apikey": stack.publishable_key}).json()
    return answer["user"]["id"], answer["access_token"]


@pytest.mark.parametrize(
    ("route", "body"),
    [
        *((f"POST /{name}", {"email": "x" * 70_000 + "@example.com"}) for name in ("otp", "magiclink", "invite")),
        ("POST /signup", {"email": "x" * 300 + "@example.com", "password": "correct horse"}),
        ("POST /admin/users", {"email": "long@example.com", "role": "x" * 300}),
        ("POST /admin/users", {"email": "twice@example.com", "id": "{id}"}),
        ("POST /admin/users", {"phone": secrets.token_hex(2000)}),
        ("PUT /admin/users/{id}", {"phone": secrets.token_hex(2000)}),
        ("POST /token?grant_type=pkce", {"auth_code": True, "code_verifier": "x"}),
        ("POST /token?grant_type=pkce", {"auth_code": "x", "code_verifier": []}),
        *(
            ("PUT /admin/users/{id}", {"ban_duration": value})
            for value in ("99999999999999h", "1.1.1h", ".h", "100000000000000000000000ms", "1h x")
        ),
        ("GET /admin/users?page=99999999999999999999", {}),
    ],
)
def test_a_value_that_no_column_takes(stack: Any, visitor: Any, route: str, body: dict[str, Any]) -> None:
    """A bad request, not a failure of the server."""
    method, path = route.split(" ")
    body = {name: visitor[0] if value == "{id}" else value for name, value in body.items()}
    headers = {"apikey": stack.secret_key}
    answer = httpx.request(method, f"{stack.url}/auth/v1{path.format(id=visitor[0])}", json=body, headers=headers)
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ('[{"Content-Length": "abc"}]', None),
        ('[{"Content-Length": "-5"}]', None),
        ('[{"Content-Length": "1e3"}]', None),
        ('[{"X A": "b"}]', None),
        ('[{"X-A": "\\u007f"}]', None),
        ('[{"X-A": "b"}]', "99"),
        ('[{"X-A": "b"}]', "103"),
    ],
)
def test_headers_that_a_function_sets(
    stack: Any, postgres: psycopg.Connection[Any], rows: str, headers: str, status: str | None
) -> None:
    """Those that no server can send are answered as a failure of the REST server, and others go on being served."""
    name = f"headers_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"""
        create function public.{name}(h text, s text default null) returns text language plpgsql as $$ begin
          perform set_config('response.headers', h, true);
          if s is not null then perform set_config('response.status', s, true); end if;
          return 'x';
        end $$;
        grant execute on function public.{name}(text, text) to service_role;
    """)
    try:
        deadline = time.monotonic() + 10
        key = {"apikey": stack.secret_key}
        url = f"{stack.url}/rest/v1/rpc/{name}"
        while (answer := httpx.post(url, json={"h": headers, "s": status}, headers=key, timeout=20)).status_code == 404:
            assert time.monotonic() < deadline, answer.text
        assert answer.status_code >= 500
        assert httpx.get(f"{stack.url}/rest/v1/{rows}", headers=key).status_code == 200
    finally:
        postgres.execute(f"drop function public.{name}")


# --- whole tables


@pytest.mark.parametrize(
    ("method", "query", "refused"),
    [
        ("DELETE", "", True),
        ("PATCH", "", True),
        ("DELETE", "?select=id", True),
        ("PATCH", "?columns=word&select=id&order=id", True),
        ("DELETE", "?child.id=eq.1", True),
        *(
            (method, f"?{query}", True)
            for method in ("DELETE", "PATCH")
            for query in (
                "x",
                "id",
                "id&",
                "x;select=id",
                "limit",
                "or",
                "not.and",
                "*",
                "%zz",
                "offset=0&order=id",
                "id->a.order=id",
                "id->>a.order=id",
                "id-%3Ea.order=id",
                "x->y.limit=1",
                "x->y.offset=0",
                "x->y.or=(id.eq.1)",
                "%22x->y%22.order=id",
                "%22x->y%22.limit=1&order=id",
                "%22x->y%22.id=eq.1",
                "child.or=(id.eq.1)",
                ";",
                *(
                    f"{limits}&order=id"
                    for limits in (
                        "limit=",
                        "limit=abc",
                        "limit=%00",
                        "limit=0x5",
                        "limit=5.0",
                        "limit=(5)",
                        "limit=-1",
                        "limit=3&limit=x",
                        "limit=x&limit=3",
                    )
                ),
            )
        ),
        ("DELETE", "?id=eq.1", False),
        ("PATCH", "?id=eq.1", False),
        ("DELETE", "?or=(id.eq.1,id.eq.2)", False),
        ("DELETE", "?not.and=(id.eq.1,id.eq.2)", False),
        ("DELETE", "?limit=1&order=id", False),
        ("DELETE", "?%22id%22=eq.1", False),
    ],
)
def test_a_whole_table_is_not_emptied(
    stack: Any, postgres: psycopg.Connection[Any], rows: str, method: str, query: str, refused: bool
) -> None:
    """Without a condition the answer is that of the library safeupdate, which hosted projects load, for every key."""
    answer = httpx.request(
        method,
        f"{stack.url}/rest/v1/{rows}{query}",
        headers={"apikey": stack.secret_key},
        json={"word": "new"} if method == "PATCH" else None,
    )
    left = postgres.execute(f"select id, word from public.{rows} order by id".encode()).fetchall()
    if refused:
        verb = {"DELETE": "DELETE", "PATCH": "UPDATE"}[method]
        assert (answer.status_code, answer.json()["code"]) == (400, "21000")
        assert answer.json()["message"] == f"{verb} requires a WHERE clause"
        assert left == [(1, "one"), (2, "two")]
    else:
        assert answer.status_code == 204
        assert left != [(1, "one"), (2, "two")]


# --- who reaches what


def test_postgrest_has_no_port(project: Project) -> None:
    """It listens on a socket in a folder of its owner's alone; its port says whether it is ready, and nothing else."""
    state = project.stack.state
    pid = state.services["postgrest"].pid
    ports = {at.laddr.port for at in psutil.Process(pid).net_connections() if at.status == psutil.CONN_LISTEN}
    assert ports == {state.ports["rest_admin"]}
    where = project.stack.rest_socket
    assert where.is_socket()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (where, where.parent)] == [0o600, 0o700]
    for path, status in {
        "/ready": 200,
        "/live": 200,
        "/": 404,
        "/config": 404,
        "/brands": 404,
        "/metrics": 404,
    }.items():
        assert httpx.get(f"http://127.0.0.1:{state.ports['rest_admin']}{path}").status_code == status


def test_the_description_of_the_api_names_the_origin(stack: Any) -> None:
    """Whoever makes a client from it comes by the gateway."""
    document = httpx.get(f"{stack.url}/rest/v1/", headers={"apikey": stack.secret_key}).json()
    address = f"{document['schemes'][0]}://{document['host']}{document['basePath']}"
    assert address.rstrip("/") == f"{stack.url}/rest/v1"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("LocalHost:1", 200),
        ("[::1]:8000", 200),
        ("evil.example", 421),
        ("evil.example:80", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost@evil.example", 421),
        ("", 421),
    ],
)
def test_only_loopback_names(raw: Raw, host: str, status: int) -> None:
    """A web page whose name was pointed here gets nothing, a page on this machine does."""
    assert raw.ask("GET", "/auth/v1/health", host=host)[0] == status


@pytest.mark.parametrize("key", ["secret_key", "service_role_key"])
def test_a_secret_key_in_a_query_is_refused(stack: Any, rows: str, key: str) -> None:
    """A query stands in logs and histories. The publishable key may stand there."""
    for path in (f"/rest/v1/{rows}", "/auth/v1/admin/users"):
        assert httpx.get(f"{stack.url}{path}?apikey={getattr(stack, key)}").status_code == 401
    assert httpx.get(f"{stack.url}/auth/v1/settings?apikey={stack.publishable_key}").status_code == 200


@pytest.mark.parametrize(("begins", "status"), [(3600, 403), (-5, 200)])
def test_a_token_that_has_not_begun(stack: Any, begins: int, visitor: Any, status: int) -> None:
    """`nbf` counts: for Auth, for its admin API and for REST."""
    claims = jwt.decode(visitor[1], options={"verify_signature": False})

    def headers(**changed: Any) -> dict[str, str]:
        token = jwt.encode(claims | {"nbf": int(time.time()) + begins} | changed, stack.jwt_secret, "HS256")
        return {"apikey": stack.publishable_key, "authorization": f"Bearer {token}"}

    assert httpx.get(f"{stack.url}/auth/v1/user", headers=headers()).status_code == status
    admin = headers(role="service_role")
    assert httpx.get(f"{stack.url}/auth/v1/admin/users", headers=admin).status_code == status
    assert (httpx.get(f"{stack.url}/rest/v1/", headers=headers()).status_code == 200) == (status == 200)


@pytest.mark.parametrize(("claim", "status"), [("sub", 400), ("session_id", 403)])
@pytest.mark.parametrize("call", ["GET user", "PUT user", "POST logout", "GET reauthenticate", "GET settings"])
@pytest.mark.parametrize("wrong", ["first", 5, True, ["a"]])
def test_an_id_of_another_form(stack: Any, visitor: Any, claim: str, status: int, call: str, wrong: object) -> None:
    """A token that was signed with the secret, but whose ids are none, is the caller's fault, as in GoTrue."""
    claims = jwt.decode(visitor[1], options={"verify_signature": False})
    token = jwt.encode(claims | {claim: wrong}, stack.jwt_secret, "HS256")
    headers = {"apikey": stack.publishable_key, "authorization": f"Bearer {token}"}
    method, path = call.split()
    answer = httpx.request(method, f"{stack.url}/auth/v1/{path}", headers=headers, json=None if method == "GET" else {})
    assert (answer.status_code, answer.json()["error_code"]) == (status, "bad_jwt")


def test_logs_are_for_their_owner_alone(project: Project, stack: Any) -> None:
    """As the state is: a log may hold what somebody typed, and who can open a lock can hold it."""
    logs = [file for file in (project.settings.state_dir / "logs").iterdir() if file.is_file()]
    assert {file.name for file in logs} >= {"postgres.log", "postgrest.log", "origin.log"}
    logs += [project.settings.state_dir / name for name in ("lock", "turns/lock")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in logs} == {0o600}


def test_a_column_called_as_the_key_is(stack: Any, postgres: psycopg.Connection[Any], rows: str) -> None:
    """A key in a header leaves the query alone; one in the query is taken out, and nothing else."""
    postgres.execute(f"alter table public.{rows} rename column word to apikey; notify pgrst, 'reload schema'")
    postgres.execute(f"grant select on public.{rows} to anon")
    url, key = f"{stack.url}/rest/v1/{rows}", {"apikey": stack.secret_key}
    assert wait_until(
        lambda: httpx.get(f"{url}?apikey=eq.one", headers=key).json() == [{"id": 1, "apikey": "one"}], timeout=10
    )
    found = httpx.get(f"{url}?apikey=eq.two&apikey={stack.publishable_key}").json()
    assert found == [{"id": 2, "apikey": "two"}]
    assert httpx.patch(f"{url}?apikey=eq.none&id=gt.0", json={"id": 9}, headers=key).status_code == 204
    assert httpx.delete(f"{url}?apikey=eq.one", headers=key).status_code == 204
    assert postgres.execute(f"select id from public.{rows}").fetchall() == [(2,)]


@pytest.mark.parametrize("body", [b"{}", [b"{", b"}"]], ids=["whole", "chunked"])
@pytest.mark.parametrize(("seconds", "setting"), [(0, ""), (0.4, ""), (1.5, "set application_name = 'job'")])
def test_a_transaction_that_postgrest_repeats(
    stack: Any, postgres: psycopg.Connection[Any], seconds: float, setting: str, body: bytes | list[bytes]
) -> None:
    """Without an end, and for clients that are gone too: the REST server answers others again."""
    name = f"conflict_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"""
        create function public.{name}() returns text language plpgsql {setting} as $$ begin
          perform pg_catalog.pg_sleep({seconds});
          raise exception 'a newer version is there' using errcode = 'serialization_failure';
        end $$;
        grant execute on function public.{name}() to anon;
    """)
    url = f"{stack.url}/rest/v1/rpc/{name}"
    headers = {"apikey": stack.publishable_key, "content-type": "application/json"}

    def ask(_: int) -> int:
        content = body if isinstance(body, bytes) else iter(body)
        try:
            return httpx.post(url, headers=headers, content=content, timeout=2).status_code
        except httpx.TimeoutException:
            return 0

    try:
        assert wait_until(lambda: ask(0) == 0, timeout=20)
        with ThreadPoolExecutor(12) as pool:
            assert len([*pool.map(ask, range(12))]) == 12
        busy = "select from pg_stat_activity where usename = 'authenticator' and state <> 'idle'"
        assert wait_until(lambda: postgres.execute(busy).rowcount == 0, timeout=30)
        assert httpx.get(f"{stack.url}/rest/v1/", headers={"apikey": stack.secret_key}, timeout=20).status_code == 200
    finally:
        postgres.execute(f"drop function public.{name}")


def test_with_a_pre_request_function_of_the_projects_own(stack: Any, postgres: psycopg.Connection[Any]) -> None:
    """The gateway does not know whose a statement is, but after more than a minute it serves nobody."""
    name = f"deaf_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"""
        create function public.{name}_first() returns void language sql as '';
        create function public.{name}() returns text language plpgsql as $$ begin
          loop
            begin perform pg_catalog.pg_sleep(1); exception when query_canceled then null; end;
          end loop;
        end $$;
        grant execute on function public.{name}_first(), public.{name}() to anon;
        alter role authenticator set pgrst.db_pre_request = 'public.{name}_first';
        notify pgrst, 'reload config';
        notify pgrst, 'reload schema';
    """)
    working = """
        select from pg_stat_activity
        where usename = 'authenticator' and state = 'active' and application_name not like 'request %'
    """

    def ask() -> bool:
        with contextlib.suppress(httpx.TimeoutException):
            httpx.post(f"{stack.url}/rest/v1/rpc/{name}", headers={"apikey": stack.publishable_key}, json={}, timeout=1)
        return postgres.execute(working).rowcount > 0

    try:
        assert wait_until(ask, timeout=30)
        assert wait_until(lambda: postgres.execute(working).rowcount == 0, timeout=100, interval=1)
    finally:
        postgres.execute("alter role authenticator reset pgrst.db_pre_request; notify pgrst, 'reload config'")
        postgres.execute(f"drop function public.{name}, public.{name}_first")


def test_an_answer_to_a_body_in_parts_may_take_its_time(stack: Any, postgres: psycopg.Connection[Any]) -> None:
    """As one to a whole body."""
    name = f"slow_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"""
        create function public.{name}() returns text language sql set statement_timeout = '30s' as
          $$ select pg_catalog.pg_sleep(11)::text $$;
        grant execute on function public.{name}() to anon;
        notify pgrst, 'reload schema';
    """)
    url = f"{stack.url}/rest/v1/rpc/{name}"
    headers = {"apikey": stack.publishable_key, "content-type": "application/json"}
    try:
        assert wait_until(lambda: httpx.head(url, headers=headers, timeout=20).status_code != 404, timeout=30)
        assert httpx.post(url, headers=headers, content=iter([b"{", b"}"]), timeout=30).status_code == 200
    finally:
        postgres.execute(f"drop function public.{name}")


def test_a_request_without_a_body_is_not_waited_for_without_an_end(
    stack: Any, postgres: psycopg.Connection[Any]
) -> None:
    """After a minute it is answered, and its transaction is ended, while its client still waits."""
    name = f"again_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"""
        create function public.{name}() returns text language plpgsql stable as
          $$ begin raise exception 'a newer version is there' using errcode = 'serialization_failure'; end $$;
        grant execute on function public.{name}() to anon;
        notify pgrst, 'reload schema';
    """)
    url, headers = f"{stack.url}/rest/v1/rpc/{name}", {"apikey": stack.publishable_key}
    repeats = (
        f"select from pg_stat_activity where usename = 'authenticator' and query like '%{name}%' and state <> 'idle'"
    )

    def is_repeated() -> bool:
        return any(postgres.execute(repeats).rowcount for _ in range(50))

    def ask(timeout: float) -> int:
        try:
            return httpx.get(url, headers=headers, timeout=timeout).status_code
        except httpx.TimeoutException:
            return 0

    try:
        assert wait_until(lambda: ask(1) == 0, timeout=20)
        assert ask(90) == 504
        assert wait_until(lambda: not is_repeated(), timeout=30, interval=0.5)
    finally:
        postgres.execute(f"drop function public.{name}")


@pytest.mark.parametrize("mark", "&;")
def test_a_query_of_many_parts_is_refused(stack: Any, rows: str, mark: str) -> None:
    """PostgREST takes the square of their number, and divides it at both marks."""
    answer = httpx.get(f"{stack.url}/rest/v1/{rows}?limit=0{mark * 10_000}", headers={"apikey": stack.publishable_key})
    assert answer.status_code == 414


def sessions_killed(postgres: psycopg.Connection[Any]) -> int:
    """How many sessions of the database lost their connection; PostgREST may answer 503 to others then."""
    row = postgres.execute("select sessions_killed from pg_stat_database where datname = current_database()").fetchone()
    assert row
    return int(row[0])


def test_what_is_repeated_ends_beside_requests_that_are_answered(stack: Any, postgres: psycopg.Connection[Any]) -> None:
    """Others who read the same table meanwhile are all answered, and do not keep it from ending."""
    name = f"contested_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"""
        create table public.{name} (id int primary key);
        insert into public.{name} select generate_series(1, 300);
        grant select, update on public.{name} to anon;
        create function public.{name}() returns trigger language plpgsql as
          $$ begin raise exception 'a newer version is there' using errcode = 'serialization_failure'; end $$;
        create trigger contested before update on public.{name} for each row execute function public.{name}();
        create function public.slow(public.{name}) returns text language sql volatile as
          'select pg_catalog.pg_sleep(0.001)::text';
        grant execute on function public.slow(public.{name}) to anon;
        notify pgrst, 'reload schema';
    """)
    url, headers = f"{stack.url}/rest/v1/{name}", {"apikey": stack.publishable_key}
    repeats = """
        select from pg_stat_activity
        where usename = 'authenticator' and (query like '%UPDATE%' or query like 'ABORT%' or query like 'ROLLBACK%')
    """

    def read(query: str, over: Event) -> set[int]:
        return {httpx.get(f"{url}?{query}", headers=headers, timeout=30).status_code for _ in iter(over.is_set, True)}

    def is_repeated() -> bool:
        return any(postgres.execute(repeats).rowcount for _ in range(100))

    over = Event()
    killed = sessions_killed(postgres)
    with contextlib.ExitStack() as cleanup, ThreadPoolExecutor(3) as pool:
        cleanup.callback(postgres.execute, f"drop table public.{name} cascade; drop function public.{name}()")
        with contextlib.ExitStack() as ends:
            ends.callback(over.set)
            assert wait_until(lambda: httpx.get(f"{url}?select=slow", headers=headers).status_code == 200, timeout=20)
            answers = [pool.submit(read, query, over) for query in ("select=*,slow", "select=*,slow", "id=eq.1")]
            with pytest.raises(httpx.ReadTimeout):
                httpx.patch(f"{url}?id=eq.1", json={"id": 2}, headers=headers, timeout=1)
            assert is_repeated()
            assert wait_until(lambda: not is_repeated(), timeout=60, interval=0.5)
        assert [one.result() for one in answers] == [{200}] * 3
    assert sessions_killed(postgres) == killed


@pytest.mark.parametrize(
    ("head", "body", "times"),
    [
        (f"GET /rest/v1/x HTTP/1.1\r\nconnection: x{' ' * 31_000}y\r\n", "", 16),
        ('DELETE /rest/v1/x?"' + '\\"' * 15_000 + "x=eq.1 HTTP/1.1\r\n", "", 16),
        ("POST /auth/v1/admin/users HTTP/1.1\r\n", f'{{"email": "{mail()}", "ban_duration": "{"1" * 120_000}"}}', 1),
    ],
)
def test_a_long_value_holds_nobody_up(stack: Any, head: str, body: str, times: int) -> None:
    """Reading it takes a time that grows with its length, not with the square of it."""
    request = f"{head}host: localhost\r\napikey: {stack.secret_key}\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    address = httpx.URL(stack.url)
    with socket.create_connection((address.host, address.port), timeout=5) as line:
        line.sendall(request.encode() * times)
        assert line.recv(9).startswith(b"HTTP/1.1")
        assert httpx.get(f"{stack.url}/auth/v1/health", timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("wait", "is_killed"),
    [
        ("perform pg_catalog.set_config('application_name', 'job', false); perform pg_catalog.pg_sleep(1);", False),
        ("begin perform pg_catalog.pg_sleep(1); exception when query_canceled then null; end;", True),
    ],
    ids=["cancelled", "killed"],
)
def test_triggers_at_commit_keep_no_connection(
    stack: Any, postgres: psycopg.Connection[Any], wait: str, is_killed: bool
) -> None:
    """PostgreSQL has no time limit of a COMMIT: requests that were given up there are ended, and REST answers."""
    name = f"late_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"""
        create table public.{name} (id bigint generated always as identity);
        grant insert on public.{name} to anon;
        create function public.{name}() returns trigger language plpgsql as
          $$ begin loop {wait} end loop; end $$;
        create constraint trigger late after insert on public.{name} deferrable initially deferred
          for each row execute function public.{name}();
    """)
    url, headers = f"{stack.url}/rest/v1/{name}", {"apikey": stack.publishable_key, "Prefer": "return=minimal"}

    def ask(_: int) -> int:
        try:
            return httpx.post(url, headers=headers, json={}, timeout=1).status_code
        except httpx.TimeoutException:
            return 0

    killed = sessions_killed(postgres)
    try:
        assert wait_until(lambda: ask(0) == 0, timeout=20)
        with ThreadPoolExecutor(12) as pool:
            assert 0 in pool.map(ask, range(12))
        busy = "select from pg_stat_activity where usename = 'authenticator' and state = 'active'"
        assert wait_until(lambda: postgres.execute(busy).rowcount == 0, timeout=60, interval=0.5)
        assert httpx.get(f"{stack.url}/rest/v1/", headers={"apikey": stack.secret_key}, timeout=20).status_code == 200
        assert (sessions_killed(postgres) > killed) is is_killed
    finally:
        postgres.execute(f"drop table public.{name}; drop function public.{name}")


def test_a_client_that_leaves_disturbs_no_other(stack: Any, postgres: psycopg.Connection[Any]) -> None:
    """Requests that ask the same in turn look like a transaction that is repeated; they are answered all the same."""
    name = f"work_{uuid.uuid4().hex[:8]}"
    postgres.execute(f"""
        create function public.{name}(seconds float) returns void language plpgsql set statement_timeout = '40s'
          as 'begin perform pg_catalog.pg_sleep(seconds); end';
        grant execute on function public.{name}(float) to anon;
        notify pgrst, 'reload schema';
    """)
    url, headers = f"{stack.url}/rest/v1/rpc/{name}", {"apikey": stack.publishable_key}
    asleep = """
        select from pg_stat_activity
        where usename = 'authenticator' and state = 'active' and query_start < now() - interval '10 s'
    """

    def ask(seconds: float, timeout: float) -> int:
        return httpx.post(url, headers=headers, json={"seconds": seconds}, timeout=timeout).status_code

    def ask_on(over: Event) -> set[int]:
        return {ask(0.1, 20) for _ in iter(over.is_set, True)}

    over = Event()
    with contextlib.ExitStack() as cleanup, ThreadPoolExecutor(4) as pool:
        cleanup.callback(postgres.execute, f"drop function public.{name}")
        with contextlib.ExitStack() as ends:
            ends.callback(over.set)
            assert wait_until(lambda: ask(0, 20) == 204, timeout=20)
            answers = [pool.submit(ask_on, over) for _ in range(4)]
            with pytest.raises(httpx.ReadTimeout):
                ask(18, 0.5)
            assert wait_until(lambda: postgres.execute(asleep).rowcount, timeout=20, interval=0.2)
            assert wait_until(lambda: not postgres.execute(asleep).rowcount, timeout=20, interval=0.2)
        assert [one.result() for one in answers] == [{204}] * 4


@pytest.mark.parametrize("size", [100, 9_000, 16_384, 50_000, 100_000])
def test_a_token_that_is_refused_before_the_body_was_read(stack: Any, rows: str, size: int) -> None:
    """Clients renew theirs at a 401, and at nothing else."""
    token = jwt.encode({"role": "authenticated", "exp": 1}, stack.jwt_secret, "HS256")
    headers = {"apikey": stack.publishable_key, "authorization": f"Bearer {token}"}

    def ask(_: int) -> int:
        return httpx.post(f"{stack.url}/rest/v1/{rows}", headers=headers, json={"a": "x" * size}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert {*pool.map(ask, range(40))} == {401}
