"""Tokens of another time are refused, and that is what is said: no cell fails for it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import jwt
import pytest

from pushproof.stack import state as states
from tests.fix_stack import Completed, Project, RunningStack
from tests.tasks.answers import remote_settings, succeeds

HOUR = 3600
FORWARDED = ("apikey", "authorization", "content-type", "prefer", "accept-profile", "content-profile")


def names_the_clock(done: Completed, code: int, *words: str) -> None:
    """About an hour, no verdict."""
    line = next(line for line in done.stderr.splitlines() if line.startswith("ERROR ") and "tests/smoke" not in line)
    assert done.code == code, done.output
    assert "clock" in line and all(one in line for one in words), done.output
    assert [HOUR - 120 < int(found) <= HOUR + 120 for found in re.findall(r" (\d+) s\b", line)] == [True], line
    assert "not as declared" not in done.output and "smoke failed" not in done.output


@pytest.mark.parametrize("words", [("rls", "--no-findings"), ("smoke",)], ids=" ".join)
def test_the_clock_was_put_back_after_the_keys_were_made(
    projects: Callable[..., Project], words: tuple[str, ...]
) -> None:
    """As in a virtual machine that woke up with a wrong time: the REST server takes the secret key for a later one."""
    project = projects()
    succeeds(project.invoke("push"))
    project.stack.stop()
    state = project.stack.state
    for name in ("anon_key", "service_role_key"):
        claims = jwt.decode(state.secrets[name], options={"verify_signature": False})
        claims["iat"] = int(time.time()) + HOUR
        state.secrets[name] = jwt.encode(claims, state.secrets["jwt_secret"], "HS256")
    states.save(project.settings.state_dir, state)
    names_the_clock(project.invoke(*words), 13, "in the future")
    project.stack.stop()


@pytest.fixture
def other_time(stack: RunningStack, request: pytest.FixtureRequest) -> Iterator[str]:
    """The shared stack with an Auth whose clock differs by so many seconds."""

    class Proxy(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name: self.headers[name] for name in FORWARDED if name in self.headers}
            got = httpx.request(self.command, f"{stack.url}{self.path}", content=body, headers=headers)
            content = self.shifted(got.json()) if self.path.startswith("/auth/v1/token") else got.content
            self.send_response(got.status_code)
            for name in ("content-type", "content-range"):
                if name in got.headers:
                    self.send_header(name, got.headers[name])
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do_HEAD = answer  # noqa: N815

        def shifted(self, session: dict[str, object]) -> bytes:
            claims = jwt.decode(str(session["access_token"]), options={"verify_signature": False})
            claims |= {name: claims[name] + request.param for name in ("iat", "exp")}
            return json.dumps(session | {"access_token": jwt.encode(claims, stack.jwt_secret, "HS256")}).encode()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("other_time", "words"), [(HOUR, "in the future"), (-2 * HOUR, "expired")], indirect=["other_time"]
)
def test_auth_goes_by_another_time_than_the_rest_server(
    client_project: Project, project: Project, other_time: str, words: str
) -> None:
    """Of a stack that is not ours, exit 16: what it says of tokens is about their time, not about policies."""
    settings = remote_settings(project) | {"SUPABASE_URL": other_time}
    client_project.write("access.toml", (project.folder / "supabase/access.toml").read_text())
    done = client_project.invoke("rls", "--no-findings", **settings)
    names_the_clock(done, 16, other_time, words)


@pytest.mark.parametrize("other_time", [HOUR], indirect=True)
def test_tests_that_fail_for_a_clock(client_project: Project, project: Project, other_time: str) -> None:
    """They are not said to have failed."""
    done = client_project.invoke("smoke", **remote_settings(project) | {"SUPABASE_URL": other_time})
    assert done.code == 16, done.output
    assert "ERROR a clock disagrees" in done.stderr and "smoke failed" not in done.output
