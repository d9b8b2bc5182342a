"""A signed-in Locust user for locustfiles, which counts the rows of other users that it can read.

https://docs.locust.io/en/stable/. Each process of Locust makes its own test users, on the target that the settings
name, and removes them with their rows. A row belongs to another user if its `owner` column in access.toml holds another
id, or any column another visitor's mark. Rows that access.toml lets others select are not judged.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import statistics
import time
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from locust import FastHttpUser, events
from locust.env import Environment
from locust.exception import RescheduleTask
from locust.runners import WorkerRunner

from pushproof.base.console import Console
from pushproof.base.errors import PushproofError
from pushproof.migrations.gate import refuse_production
from pushproof.proof.actors import Actors
from pushproof.proof.asking import Actor
from pushproof.proof.intent import FILE
from pushproof.stack.run import Run
from pushproof.target.patience import http_client
from pushproof.target.testusers import test_run

MARK = re.compile(r"visitor-[0-9a-f]{12}")
EVERYBODY, SHARED = {"other", "anon"}, "*"
SHOWN = 5  # rows of others that a report quotes
GRACE_SECONDS = 10  # for a visitor who is signing up at the end


@dataclass
class Seen:
    """The rows that the visitors of a process read: all, their own, others'; and when the last visitor signed in."""

    rows: int = 0
    own: int = 0
    foreign: int = 0
    examples: list[str] = field(default_factory=list)
    arrived: float = 0

    def add(self, other: dict[str, Any]) -> None:
        """Add what another process saw."""
        self.rows, self.own = self.rows + other["rows"], self.own + other["own"]
        self.foreign, self.examples = self.foreign + other["foreign"], self.examples + other["examples"]
        self.arrived = max(self.arrived, other["arrived"])


class Visitors:
    """The visitors of this process: their users, and the rows that they read."""

    def __init__(self, run: Run) -> None:
        self.target = run.target
        self.owners = _owners(run.settings.supabase_dir / FILE)
        self._started = 0
        self.seen = Seen()
        self._cleanup = contextlib.ExitStack()
        http = self._cleanup.enter_context(http_client(self.target))
        recorded = self._cleanup.enter_context(test_run(run.settings.state_dir, self.target.url))
        self.actors = Actors(self.target, http, recorded)
        self._signed_up = 0

    def sign_up(self) -> Actor:
        """A new user who signed up and in. The name consists of letters, as for each test user."""
        self._started += 1
        name = "v" + "".join(chr(ord("a") + int(digit)) for digit in str(self._started))
        actor = self.actors.sign_up(name)
        self._signed_up += 1
        self.seen.arrived = time.time()
        return actor

    def remove(self) -> None:
        """Remove all users and their rows. If some remain, the run's file stays for `pushproof sweep`."""
        if not self.actors.leave() and self._signed_up == self._started:
            self._cleanup.close()


class Visitor(FastHttpUser):
    """Base class of a locustfile's users. Locust's statistics have a line for each method and relation or function."""

    abstract = True
    insecure = False  # certificates are checked
    host = ""  # set to the target's URL
    visitors: Visitors

    def on_start(self) -> None:
        """Sign up and in, then call `arrive`."""
        actor = self.visitors.sign_up()
        self.name, self.id, self.mark = actor.name, actor.id, f"visitor-{secrets.token_hex(6)}"
        self.arrive()

    def arrive(self) -> None:
        """Override this for what a visitor does once, before the tasks."""

    def select(self, relation: str, **params: str) -> list[dict[str, Any]]:
        """Select rows; `params` are PostgREST's, such as `order="created_at.desc"`."""
        rows: list[dict[str, Any]] = self._send("GET", relation, params)
        return rows

    def insert(self, relation: str, row: dict[str, Any]) -> dict[str, Any]:
        """Insert a row; the row as stored."""
        stored: dict[str, Any] = self._send("POST", relation, {}, body=row)[0]
        return stored

    def update(self, relation: str, values: dict[str, Any], **params: str) -> list[dict[str, Any]]:
        """Update the rows that match `params`; the updated rows."""
        rows: list[dict[str, Any]] = self._send("PATCH", relation, params, body=values)
        return rows

    def delete(self, relation: str, **params: str) -> list[dict[str, Any]]:
        """Delete the rows that match `params`; the deleted rows."""
        rows: list[dict[str, Any]] = self._send("DELETE", relation, params)
        return rows

    def rpc(self, function: str, **arguments: Any) -> Any:
        """Call a function; its result."""
        return self._send("POST", f"rpc/{function}", {}, body=arguments)

    def _send(self, method: str, name: str, params: dict[str, str], body: Any = None) -> Any:
        """The JSON of the response. Raises RescheduleTask for an error: Locust counts it and begins the next task."""
        headers = {**self.visitors.actors.sign_up(self.name).headers, "Prefer": "return=representation"}
        with self.client.request(
            method, f"/rest/v1/{name}", name=name, params=params, json=body, headers=headers, catch_response=True
        ) as response:
            text = response.text or ""
            if not 200 <= response.status_code < 300:
                response.failure(_kind(response, text))
                raise RescheduleTask
            result = json.loads(text) if text else None
            reads = method == "GET" or name.startswith("rpc/")  # the response to a write is what was written
            if reads and (foreign := self._count_owners(name, result)):
                response.failure("a row of another user")
                examples = self.visitors.seen.examples
                examples += [f"{method} {name}: {foreign}"][: SHOWN - len(examples)]
        return result

    def _count_owners(self, name: str, result: Any) -> str:
        """Count the rows by owner. Returns the ids and marks in the first row of another user, or an empty string."""
        seen, first = self.visitors.seen, ""
        column = self.visitors.owners.get(name, "")
        rows = result if isinstance(result, list) else [result]
        for row in rows if result is not None else ():
            seen.rows += 1
            owner = row.get(column) if isinstance(row, dict) else None
            ids = [] if column == SHARED else [*MARK.findall(str(row)), *([owner] if owner else [])]
            foreign = [value for value in ids if value not in (self.id, self.mark)]
            seen.foreign += bool(foreign)
            seen.own += bool(ids) and not foreign
            first = first or ", ".join(f"{column} {value}" if value == owner else value for value in foreign)
        return first


def _owners(access: Path) -> dict[str, str]:
    """The owner column of each relation, or SHARED if others may select its rows."""
    relations = tomllib.loads(access.read_text(encoding="utf-8")).get("relations", {}) if access.exists() else {}
    return {
        name.removeprefix("public."): SHARED if EVERYBODY & {*table.get("select", ())} else table.get("owner", "")
        for name, table in relations.items()
    }


def _kind(response: Any, text: str) -> str:
    """The kind of a failure, by which Locust counts: the status with PostgREST's code, or the exception's name."""
    if not response.status_code:
        return str(response.error.__class__.__name__)
    with contextlib.suppress(ValueError, AttributeError):
        return f"{response.status_code} {json.loads(text).get('code') or ''}".strip()
    return f"{response.status_code}"


def _add_report(parser: Any) -> None:
    parser.add_argument(
        "--report", default="", help="write the measurements and the rows seen, by owner, to this JSON file"
    )


def _open(environment: Environment, **_: Any) -> None:
    """Prepare the visitors of this process. Raises SystemExit, the only exception that Locust does not catch."""
    run = Run("", as_json=True, quiet=True)
    try:
        refuse_production(run.settings, "a load makes users and rows")
        Visitor.visitors = Visitors(run)
    except PushproofError as error:
        Console().error(error)
        raise SystemExit(error.code) from None
    environment.stop_timeout = max(environment.stop_timeout or 0, GRACE_SECONDS)
    Visitor.host = Visitor.visitors.target.url
    for user_class in environment.user_classes:
        user_class.host = Visitor.visitors.target.url


def _send_seen(data: dict[str, Any], **_: Any) -> None:
    """In a worker: move the counts of rows into its report."""
    data["seen"], Visitor.visitors.seen = asdict(Visitor.visitors.seen), Seen()


def _add_seen(data: dict[str, Any], **_: Any) -> None:
    """In the master: add the counts of a worker's report."""
    Visitor.visitors.seen.add(data["seen"])


def _close(environment: Environment, **_: Any) -> None:
    """Stop the run, write the report, unless this is a worker, and remove the users."""
    runner, options = environment.runner, environment.parsed_options
    if runner is not None:
        runner.stop()
    if not isinstance(runner, WorkerRunner) and options is not None and options.report:
        Path(options.report).write_text(json.dumps(_document(environment)), encoding="utf-8")
    Visitor.visitors.remove()


def _document(environment: Environment) -> dict[str, Any]:
    """The report. `requests_a_second` is the median of the seconds in which all visitors were active."""
    stats, runner = environment.stats, environment.runner
    seen, total = Visitor.visitors.seen, stats.total
    full = [count for second, count in sorted(total.num_reqs_per_sec.items()) if second > seen.arrived][:-1]
    errors = [(f"{e.method} {e.name}", str(e.error), e.occurrences) for e in stats.errors.values()]
    errors += [("the flow", e["msg"], e["count"]) for e in (runner.exceptions.values() if runner else ())]
    return {
        **asdict(seen),
        "requests": total.num_requests,
        "failures": total.num_failures,
        "requests_a_second": statistics.median(full) if full else round(total.total_rps, 1),
        "by_request": [
            {"method": e.method, "name": e.name, "requests": e.num_requests, "failures": e.num_failures, **_times(e)}
            for e in (*stats.entries.values(), total)
        ],
        "errors": [
            {"request": request, "kind": kind, "times": times}
            for request, kind, times in sorted(errors, key=lambda error: -error[2])
        ],
    }


def _times(entry: Any) -> dict[str, float]:
    """Percentiles of an entry of Locust's statistics, in milliseconds."""
    percentiles = {"median": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: entry.get_response_time_percentile(percentile) for name, percentile in percentiles.items()}


events.init_command_line_parser.add_listener(_add_report)
events.init.add_listener(_open)
events.report_to_master.add_listener(_send_seen)
events.worker_report.add_listener(_add_seen)
events.quitting.add_listener(_close)
