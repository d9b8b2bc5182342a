"""A Locust user who signed in, for locustfiles: what it is answered must be its own.

https://docs.locust.io/en/stable/. Each process of Locust makes its own test users, on the target that the settings
name, and removes them with their rows. A row is another's where the column that access.toml calls its `owner` says so,
unless that file lets others select it, or where it holds another visitor's mark.
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
GRACE_SECONDS = 10  # for a visitor amid signing up


@dataclass
class Seen:
    """What a process was shown: rows, those of the asker and of another; when the last visitor had signed in."""

    rows: int = 0
    own: int = 0
    foreign: int = 0
    examples: list[str] = field(default_factory=list)
    arrived: float = 0

    def add(self, other: dict[str, Any]) -> None:
        """Take over what another process saw."""
        self.rows, self.own = self.rows + other["rows"], self.own + other["own"]
        self.foreign, self.examples = self.foreign + other["foreign"], self.examples + other["examples"]
        self.arrived = max(self.arrived, other["arrived"])


class Party:
    """The visitors of this process: who they are, and what they saw."""

    def __init__(self, run: Run) -> None:
        self.target = run.target
        self.owners = _owners(run.settings.supabase_dir / FILE)
        self.invited = 0
        self.seen = Seen()
        self._cleanup = contextlib.ExitStack()
        http = self._cleanup.enter_context(http_client(self.target))
        marked = self._cleanup.enter_context(test_run(run.settings.state_dir, self.target.url))
        self.actors = Actors(self.target, http, marked)
        self._arrived = 0

    def invite(self) -> Actor:
        """Somebody who signed up and in. Their name is of letters alone, as a test user's is."""
        self.invited += 1
        name = "v" + "".join(chr(ord("a") + int(digit)) for digit in str(self.invited))
        actor = self.actors.sign_up(name)
        self._arrived += 1
        self.seen.arrived = time.time()
        return actor

    def leave(self) -> None:
        """Remove everybody and their rows; unless all are gone, the run's file stays for `pushproof sweep`."""
        if not self.actors.leave() and self._arrived == self.invited:
            self._cleanup.close()


class Visitor(FastHttpUser):
    """Base of a locustfile's users. Each request is one line of Locust's statistics, named by method and object."""

    abstract = True
    insecure = False  # certificates are checked
    host = ""  # the target's
    party: Party

    def on_start(self) -> None:
        """Sign up and in, then `arrive`."""
        actor = self.party.invite()
        self.name, self.id, self.mark = actor.name, actor.id, f"visitor-{secrets.token_hex(6)}"
        self.arrive()

    def arrive(self) -> None:
        """What a visitor does once, before the tasks."""

    def select(self, relation: str, **params: str) -> list[dict[str, Any]]:
        """Rows; `params` are PostgREST's, such as `order="created_at.desc"`."""
        found: list[dict[str, Any]] = self._ask("GET", relation, params)
        return found

    def insert(self, relation: str, row: dict[str, Any]) -> dict[str, Any]:
        """The row as it was stored."""
        found: dict[str, Any] = self._ask("POST", relation, {}, body=row)[0]
        return found

    def update(self, relation: str, values: dict[str, Any], **params: str) -> list[dict[str, Any]]:
        """The rows as they are then."""
        found: list[dict[str, Any]] = self._ask("PATCH", relation, params, body=values)
        return found

    def delete(self, relation: str, **params: str) -> list[dict[str, Any]]:
        """The rows that went."""
        found: list[dict[str, Any]] = self._ask("DELETE", relation, params)
        return found

    def rpc(self, function: str, **arguments: Any) -> Any:
        """What the function answers."""
        return self._ask("POST", f"rpc/{function}", {}, body=arguments)

    def _ask(self, method: str, name: str, params: dict[str, str], body: Any = None) -> Any:
        """Raises RescheduleTask where it is refused: the next task begins, the failure is counted."""
        headers = {**self.party.actors.sign_up(self.name).headers, "Prefer": "return=representation"}
        with self.client.request(
            method, f"/rest/v1/{name}", name=name, params=params, json=body, headers=headers, catch_response=True
        ) as answer:
            text = answer.text or ""
            if not 200 <= answer.status_code < 300:
                answer.failure(_kind(answer, text))
                raise RescheduleTask
            found = json.loads(text) if text else None
            asked = method == "GET" or name.startswith("rpc/")  # a write's answer is what was written
            if asked and (foreign := self._look(name, found)):
                answer.failure("a row of another")
                self.party.seen.examples += [f"{method} {name}: {foreign}"][: SHOWN - len(self.party.seen.examples)]
        return found

    def _look(self, name: str, found: Any) -> str:
        """What tells of another in the first row that does; empty where none does."""
        seen, first = self.party.seen, ""
        owner = self.party.owners.get(name, "")
        rows = found if isinstance(found, list) else [found]
        for row in rows if found is not None else ():
            seen.rows += 1
            said = row.get(owner) if isinstance(row, dict) else None
            signs = [] if owner == SHARED else [*MARK.findall(str(row)), *([said] if said else [])]
            foreign = [sign for sign in signs if sign not in (self.id, self.mark)]
            seen.foreign += bool(foreign)
            seen.own += bool(signs) and not foreign
            first = first or ", ".join(f"{owner} {sign}" if sign == said else sign for sign in foreign)
        return first


def _owners(access: Path) -> dict[str, str]:
    """The owner's column of each relation, or SHARED where others may select its rows."""
    relations = tomllib.loads(access.read_text(encoding="utf-8")).get("relations", {}) if access.exists() else {}
    return {
        name.removeprefix("public."): SHARED if EVERYBODY & {*table.get("select", ())} else table.get("owner", "")
        for name, table in relations.items()
    }


def _kind(answer: Any, text: str) -> str:
    """A failure in few words, so that those of a kind are counted together."""
    if not answer.status_code:
        return str(answer.error.__class__.__name__)
    with contextlib.suppress(ValueError, AttributeError):
        return f"{answer.status_code} {json.loads(text).get('code') or ''}".strip()
    return f"{answer.status_code}"


def _add_report(parser: Any) -> None:
    parser.add_argument("--report", default="", help="write what was measured, and whose rows were seen, as JSON")


def _open(environment: Environment, **_: Any) -> None:
    """Each process that has visitors lets them in; SystemExit is all that Locust lets out."""
    run = Run("", as_json=True, quiet=True)
    try:
        refuse_production(run.settings, "a load makes users and rows")
        Visitor.party = Party(run)
    except PushproofError as error:
        Console().error(error)
        raise SystemExit(error.code) from None
    environment.stop_timeout = max(environment.stop_timeout or 0, GRACE_SECONDS)
    Visitor.host = Visitor.party.target.url
    for made in environment.user_classes:
        made.host = Visitor.party.target.url


def _tell(data: dict[str, Any], **_: Any) -> None:
    data["seen"], Visitor.party.seen = asdict(Visitor.party.seen), Seen()


def _hear(data: dict[str, Any], **_: Any) -> None:
    Visitor.party.seen.add(data["seen"])


def _close(environment: Environment, **_: Any) -> None:
    runner, options = environment.runner, environment.parsed_options
    if runner is not None:
        runner.stop()
    if not isinstance(runner, WorkerRunner) and options is not None and options.report:
        Path(options.report).write_text(json.dumps(_document(environment)), encoding="utf-8")
    Visitor.party.leave()


def _document(environment: Environment) -> dict[str, Any]:
    """Milliseconds by request; `requests_a_second` is the median of the seconds in which everybody was there."""
    stats, runner = environment.stats, environment.runner
    seen, total = Visitor.party.seen, stats.total
    full = [count for second, count in sorted(total.num_reqs_per_sec.items()) if second > seen.arrived][:-1]
    errors = [(f"{e.method} {e.name}", str(e.error), e.occurrences) for e in stats.errors.values()]
    errors += [("the flow", one["msg"], one["count"]) for one in (runner.exceptions.values() if runner else ())]
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
    parts = {"median": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: entry.get_response_time_percentile(part) for name, part in parts.items()}


events.init_command_line_parser.add_listener(_add_report)
events.init.add_listener(_open)
events.report_to_master.add_listener(_tell)
events.worker_report.add_listener(_hear)
events.quitting.add_listener(_close)
