"""Code of a project's that never returns: cells that say so, and a run that ends."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
import urllib3

from pushproof.base.waiting import wait_until
from pushproof.checks import promises
from pushproof.proof import asking, records
from pushproof.proof.asking import Actor, Answer, Request, RestApi
from pushproof.proof.catalog import read_catalog
from pushproof.proof.leftovers import remove_rows_of
from pushproof.target.api import PATIENCE_SECONDS, service_headers
from pushproof.target.database import connect
from tests.fix_rls import Laboratory
from tests.fix_stack import Connection, RunningStack
from tests.rls.test_engine import NOTES, NOTES_ACCESS, wrong

# PostgREST takes the function's own time limit for the whole call, so that the test need not wait for the role's.
ENDLESS = """
create function public.wait_for_nobody() returns integer language plpgsql set statement_timeout = '1s' as $$
begin
  loop perform pg_catalog.pg_sleep(1); end loop;
end $$;
grant execute on function public.wait_for_nobody() to authenticated, service_role;
"""
ENDLESS_ACCESS = """
[functions."public.wait_for_nobody()"]
call = {call}
"""
# What its time limit does not end.
CATCHES = "loop begin perform pg_catalog.pg_sleep(1000); exception when query_canceled then null; end; end loop;"
SLOW_TRIGGER = """
create function public.slow() returns trigger language plpgsql as $$
begin
  {body}
  return new;
end $$;
create trigger slow before insert on public.notes for each row execute function public.slow();
"""
AT_COMMIT = SLOW_TRIGGER.replace(
    "create trigger slow before insert", "create constraint trigger slow after insert"
).replace("for each row", "deferrable initially deferred for each row")


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is all that a statement gets."""
    monkeypatch.setattr(records, "LIMIT_SECONDS", 1)


@pytest.mark.parametrize("call", ['["owner", "other", "service"]', "[]"])
def test_a_function_that_does_not_return(laboratory: Laboratory, call: str) -> None:
    """Neither allowed nor denied, whoever may call it: it did not answer."""
    access = NOTES_ACCESS + ENDLESS_ACCESS.format(call=call)
    cells = laboratory.prove(NOTES + ENDLESS, access)
    found = {name: reason for name, reason in wrong(cells).items() if "as anon" not in name}
    assert {*found} == {f"call public.wait_for_nobody() call as {who}" for who in ("owner", "other", "service")}
    assert all(reason.endswith("did not answer in 1 s") for reason in found.values()), found


@pytest.mark.parametrize("body", ["perform pg_catalog.pg_sleep(1000);", CATCHES])
@pytest.mark.parametrize("trigger", [SLOW_TRIGGER, AT_COMMIT])
def test_a_trigger_that_does_not_return(laboratory: Laboratory, body: str, trigger: str) -> None:
    """No row can be made, as `postgres` neither: each cell that needs one says so, and others are asked.

    So it is where the trigger catches the end of its time: its connection is ended. PostgreSQL knows no time limit of
    a COMMIT, to which a constraint's trigger may be deferred.
    """
    found = wrong(laboratory.prove(NOTES + trigger.format(body=body), NOTES_ACCESS))
    assert found["select public.notes select as owner"] == "the database did not answer in 1 s"
    assert not [name for name in found if name.startswith("grants ")]


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A REST API that takes requests and never answers."""
    over = Event()

    class Silent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            over.wait(60)

    with ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        over.set()
        server.shutdown()
        thread.join()


def test_an_api_that_does_not_answer(silent_server: str) -> None:
    """The answer says so; others, of requests that are answered, can still be had."""
    api = RestApi(urllib3.PoolManager(**{**asking.OPTIONS, "timeout": 0.2}), silent_server)
    answer = api.ask(Actor("anon", {}), Request("GET", "notes"))
    assert (answer.status, answer.summary) == (504, f"did not answer in {asking.SECONDS} s")


def test_a_request_that_goes_on_is_ended(
    stack: RunningStack, postgres: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function may catch the end of its time: its connection is ended, or REST would soon have none left."""
    monkeypatch.setattr(asking, "SECONDS", 2)
    monkeypatch.setattr(asking, "OPTIONS", {**asking.OPTIONS, "timeout": 2})
    postgres.execute(f"""
        create function public.unstoppable() returns void language plpgsql as $$
          begin {CATCHES} end $$;
        grant execute on function public.unstoppable() to service_role;
        notify pgrst, 'reload schema';
    """)
    service = Actor("service", service_headers(stack.target))
    try:
        api = RestApi.of(stack.target)
        call = Request("POST", "rpc/unstoppable", body={})
        answer = wait_until(lambda: (found := api.ask(service, call)).status != 404 and found, timeout=20)
        assert isinstance(answer, Answer) and answer.summary == "did not answer in 2 s"
        running = "select 1 from pg_stat_activity where usename = 'authenticator' and state = 'active'"
        assert wait_until(lambda: postgres.execute(running).fetchall() == [], timeout=10)
    finally:
        postgres.execute("drop function public.unstoppable()")


def test_a_check_that_does_not_return(
    stack: RunningStack, postgres: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is red, whatever it does against its time limit, and the others are asked."""
    monkeypatch.setattr(promises, "LIMIT_SECONDS", 1)
    postgres.execute(f"""
        create function public.forever() returns text language plpgsql as $$
          begin {CATCHES} end $$
    """)
    (tmp_path / "a.sql").write_text("-- Never.\nselect 'x' as expected, public.forever() as found")
    (tmp_path / "b.sql").write_text("-- Always.\nselect 'x' as expected, 'x' as found")
    try:
        first, second = promises.results_of(stack.target, tmp_path)
    finally:
        postgres.execute("drop function public.forever()")
    assert (first.ok, first.title, first.found) == (False, "Never.", "no answer in 1 s")
    assert second.ok


def test_a_table_that_somebody_else_holds(laboratory: Laboratory) -> None:
    """The catalog is not waited for without an end."""
    target = laboratory.clone.target
    with connect(target, autocommit=False) as holder, connect(target, lock="100ms") as reader:
        assert holder.execute("show lock_timeout").fetchone() == ("30s",)
        holder.execute("create view public.held as select 1 as id")
        holder.commit()
        holder.execute("lock table public.held in access exclusive mode")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            read_catalog(reader, ("public",))


@pytest.mark.parametrize("body", ["perform pg_catalog.pg_sleep(1000);", CATCHES])
def test_rows_whose_removal_does_not_return(laboratory: Laboratory, body: str) -> None:
    """They stay; the user's rows elsewhere go all the same, and nothing runs on."""
    schema = (
        NOTES
        + NOTES.replace("notes", "tasks")
        + SLOW_TRIGGER.format(body=body).replace("before insert", "before delete")
    )
    target = laboratory.clone.target
    laboratory.build(schema)
    owner = laboratory.clone.probe.actors["owner"].id
    with connect(target) as connection:
        for table in ("notes", "tasks"):
            connection.execute(f"insert into public.{table} (user_id, body) values (%s, 'a')".encode(), [owner])
        remove_rows_of(target, [owner])
        left = "select (select count(*) from public.notes), (select count(*) from public.tasks)"
        assert connection.execute(left.encode()).fetchone() == (1, 0)
        running = "select from pg_stat_activity where state = 'active' and query like 'delete%'"
        assert wait_until(lambda: connection.execute(running).rowcount == 0, timeout=10)


def test_a_function_that_ends_its_own_connection(laboratory: Laboratory) -> None:
    """Its cells say so; the run goes on, for everybody else is served."""
    schema = (
        NOTES
        + """
    create function public.hang_up() returns boolean language sql volatile security definer set search_path = ''
      as 'select pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())';
    grant execute on function public.hang_up() to service_role;
    revoke execute on function public.hang_up() from public;
    """
    )
    access = NOTES_ACCESS + '[functions."public.hang_up()"]\ncall = ["service"]\n'
    found = wrong(laboratory.prove(schema, access))
    assert {*found} == {f"call public.hang_up() call as {who}" for who in ("anon", "other", "owner", "service")}
    assert " 503 " in found["call public.hang_up() call as service"]


def test_a_function_that_answers_429(laboratory: Laboratory) -> None:
    """It is the project's own answer, and no rate limit to wait out."""
    schema = (
        NOTES
        + """
    create function public.limited() returns void language plpgsql as
      $$ begin raise sqlstate 'PT429' using message = 'slow down'; end $$;
    grant execute on function public.limited() to authenticated, service_role;
    revoke execute on function public.limited() from public;
    """
    )
    access = NOTES_ACCESS + '[functions."public.limited()"]\ncall = ["owner", "other", "service"]\n'
    with laboratory.probe(laboratory.build(schema), access) as probe:
        answer = probe.ask("owner", Request("POST", "rpc/limited", body={}))
    assert (answer.status, answer.code) == (429, "PT429")
    assert answer.seconds < PATIENCE_SECONDS
