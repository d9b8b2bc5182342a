"""`invoke rls` and `invoke mutate` as their users meet them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pushproof.base.queries import query
from pushproof.proof.catalog import read_catalog
from pushproof.target.database import connect
from tests.fix_stack import Connection, Project, RunningStack

Editor = Callable[[Callable[[str], str]], None]
ENTRY = '[relations."public.brands"]'


@pytest.fixture
def access(project: Project) -> Editor:
    """Changes access.toml of the shared project, until the test is over."""

    def change(edit: Callable[[str], str]) -> None:
        file = project.folder / "supabase" / "access.toml"
        file.write_text(edit(file.read_text()))

    return change


@pytest.fixture(autouse=True)
def restored(project: Project) -> Iterator[None]:
    """The shared project keeps its access.toml."""
    file = project.folder / "supabase" / "access.toml"
    text = file.read_text()
    yield
    file.write_text(text)


def test_everything_is_as_declared(project: Project, stack: RunningStack, tmp_path: Path) -> None:
    """Green, with the same in each format, no secret in any of them, and nobody left behind."""
    done = project.invoke(
        "rls", "--json", "--differential", "--junit", str(tmp_path / "a.xml"), "--sarif", str(tmp_path / "a.sarif")
    )
    assert done.code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["failed"], len(found["cells"])) == (0, 186)
    assert all(policy["allowing"] and policy["denying"] for policy in found["policies"])
    junit, sarif = (tmp_path / "a.xml").read_text(), (tmp_path / "a.sarif").read_text()
    assert len(ElementTree.fromstring(junit).findall("testcase")) == 186 + len(found["findings"])  # noqa: S314 - ours
    assert {r["source"] for f in found["findings"] for r in f["reports"]} >= {"advisors", "pgrls"}
    assert {f["verdict"] for f in found["findings"]} <= {"refuted", "unproved"}
    assert json.loads(sarif)["runs"][0]["results"] == []
    for text in (done.output, junit, sarif):
        assert not any(secret in text for secret in (*stack.secrets.values(), *stack.passwords.values(), "eyJ"))
    with stack.connect("postgres") as connection:
        assert connection.execute("select count(*) from auth.users where email like 'pushproof-o%'").fetchone() == (0,)


def test_what_is_not_as_declared_fails(
    project: Project,
    postgres: Connection,
    access: Editor,
    tmp_path: Path,
) -> None:
    """One sentence, the request as curl without secrets, exit code 1."""
    sarif = tmp_path / "a.sarif"
    access(lambda text: text.replace('select = ["owner", "service"]', 'select = ["anon", "owner", "service"]', 1))
    done = project.invoke("rls", "--only", "select public.brands", "--sarif", str(sarif))
    assert done.code == 1
    assert "✗ anon should be able to select on public.brands, but got 401 42501" in done.stdout
    assert 'curl -X GET "$SUPABASE_URL/rest/v1/brands?' in done.stdout
    assert "ERROR select public.brands select as anon" in done.stderr
    assert [r["ruleId"] for r in json.loads(sarif.read_text())["runs"][0]["results"]] == ["rls/select"]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda text: text + '\n[relations."public.brandz"]\n',
            "'public.brandz' is not a relation of the exposed schemas",
        ),
        (lambda text: text.replace(ENTRY, '[relations."public.nothing"]'), "is not a relation of the exposed schemas"),
        (lambda text: text.replace('select = ["owner"', 'select = ["ovner"', 1), "line 8: 'ovner' is not an actor"),
        (lambda text: text.replace("owner_id", "ovner_id", 1), "'ovner_id' is not a column of public.brands"),
        (lambda text: text.replace('columns = ["name"]', "columns = 1"), "columns must be a list of strings"),
        (lambda text: text.replace(ENTRY, ENTRY + "\nnonsense = 1"), "'nonsense' is not a key"),
        (lambda text: text.replace(ENTRY, "[relations.public.brands"), "is not TOML"),
        (lambda text: text[: text.index("[functions")], "does not mention public.cancel_conversation_session(uuid)"),
    ],
)
def test_a_wrong_access_file_is_an_error_that_names_the_line(
    project: Project,
    stack: RunningStack,
    access: Editor,
    edit: Callable[[str], str],
    words: str,
) -> None:
    """Before anybody signs up."""
    access(edit)
    done = project.invoke("rls")
    assert done.code == 22, done.output
    assert words in done.stderr
    assert "line " in done.stderr
    assert "FIX" in done.stderr


def test_without_an_access_file_init_is_proposed_and_writes_one(project: Project, stack: RunningStack) -> None:
    """What it observes is what we declared, but for what needs a sample; a second one adds only what is missing."""
    file = project.folder / "supabase" / "access.toml"
    file.unlink()
    done = project.invoke("rls")
    assert (done.code, "invoke rls --init" in done.stderr) == (22, True)
    assert project.invoke("rls", "--init").code == 0
    written = file.read_text()
    assert written.count("# look: nobody got anything") == 2
    assert project.invoke("rls").code == 0
    assert project.invoke("rls", "--init").code == 2
    assert file.read_text() == written
    entry = written[written.index('[relations."public.brands"]') : written.index('[relations."public.conv')]
    file.write_text(written.replace(entry, "") + "# a remark of ours\n")
    assert project.invoke("rls", "--init").code == 0
    assert file.read_text() == f"{written.replace(entry, '')}# a remark of ours\n\n{entry.rstrip()}\n"


def test_production_is_refused(project: Project, stack: RunningStack) -> None:
    """The proof makes users."""
    done = project.invoke("rls", SUPABASE_PRODUCTION="true")
    assert (done.code, "marked as production" in done.stderr) == (21, True)
    assert project.invoke("rls", SUPABASE_PRODUCTION="maybe").code == 11


def test_findings_that_were_left_out_are_said_to_be(project: Project, stack: RunningStack) -> None:
    """Not checked is not passed."""
    for words in (("--no-findings",), ("--only", "select public.brands")):
        done = project.invoke("rls", *words)
        assert (done.code, "findings what linters say was not checked" in done.stdout) == (0, True), done.output


def test_nothing_to_ask_is_a_failure(project: Project, stack: RunningStack, blank: Project) -> None:
    """No relation, or no cell of that name: nothing is proved."""
    assert project.invoke("rls", "--only", "no such cell").code == 1
    done = blank.invoke("rls")
    assert (done.code, "nothing would be proved" in done.stderr) == (1, True)


def test_mutants_are_killed_on_copies(project: Project, stack: RunningStack, postgres: Connection) -> None:
    """A few of them, on a stack of its own: the project's database is not touched."""
    before = read_catalog(postgres, ["public"])
    done = project.invoke("mutate", "--only", "using_true: policy conversation_sessions", "--json")
    assert done.code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["score"], len(found["mutants"])) == (100.0, 3)
    assert all(mutant["killed_by"] for mutant in found["mutants"])
    assert read_catalog(postgres, ["public"]) == before
    assert project.invoke("mutate", "--only", "no such mutant").code == 1
    assert project.invoke("mutate", SUPABASE_TARGET="remote").code == 21


def test_the_projects_own_tests_are_scored(project: Project, stack: RunningStack) -> None:
    """By their names; a hole that no request shows without a risk to every row stays unseen by them."""
    seen = "drop_policy: policy brands_insert on public.brands"
    done = project.invoke("mutate", "--suite", "pytest", "--only", seen, "--json")
    assert done.code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["suite"], found["score"]) == ("pytest", 100.0)
    assert found["mutants"][0]["killed_by"][0].startswith("tests/smoke/test_")
    unseen = project.invoke("mutate", "--suite", "pytest", "--only", "using_true: policy brands_update")
    assert (unseen.code, "survived" in unseen.stdout) == (1, True), unseen.output
    assert project.invoke("mutate", "--suite", "none").code == 2


def test_policies_of_other_apis_are_named(blank: Project, sql: Callable[..., list[tuple[object, ...]]]) -> None:
    """They are not asked, and that is said."""
    (blank.folder / "supabase/access.toml").unlink(missing_ok=True)
    sql("create table public.notes (id int primary key); create policy p on storage.objects for select using (true)")
    try:
        assert blank.invoke("rls", "--init").code == 0
        done = blank.invoke("rls", "--no-findings")
        assert "not asked 1 policies on storage.objects: only the REST API is asked" in done.stdout, done.output
        assert json.loads(blank.invoke("rls", "--no-findings", "--json").stdout)["policies_not_asked"] == {
            "storage.objects": 1
        }
    finally:
        sql("drop policy p on storage.objects")


def test_a_survivor_fails_the_run(project: Project, access: Editor) -> None:
    """Without the line that declares it, and without a check, nobody notices."""
    access(lambda text: text.replace('insert_columns = ["owner_id", "name"]\n', ""))
    done = project.invoke("mutate", "--only", "insert of public.brands.created_at")
    assert done.code == 1
    assert "survived grant_column: insert of public.brands.created_at, granted to authenticated" in done.stdout


LEAKY = """
create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, email text);
alter table public.profiles enable row level security;
create policy "view all" on public.profiles for select using (true);
create policy "insert own" on public.profiles for insert with check (auth.uid() = id);
create table public.duels (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  rival_id uuid not null references auth.users (id) on delete cascade,
  note text,
  check (user_id <> rival_id)
);
alter table public.duels enable row level security;
create policy "own duels" on public.duels for all using (auth.uid() = user_id);
create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$
begin insert into public.profiles values (new.id, new.email); return new; end $$;
create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();
"""


def test_a_project_of_old_that_leaks(blank: Project) -> None:
    """Everything is granted to everybody: what leaks is told, also by a first access.toml that nobody reviewed."""
    config, access = (blank.folder / "supabase" / name for name in ("config.toml", "access.toml"))
    former = config.read_text()
    try:
        config.write_text(former.replace("\n[api]", "\n[api]\nauto_expose_new_tables = true"))
        blank.write("migrations/001_leaky.sql", LEAKY)
        assert blank.invoke("push").code == 0
        proposed = blank.invoke("rls", "--init")
        assert 'look relations."public.profiles": select' in proposed.stdout, proposed.output
        done = blank.invoke("rls", "--json")
        found = json.loads(done.stdout)
        assert done.code == 1
        leaks = {f["object"]: f["verdicts"][0]["sentence"] for f in found["findings"] if f["severe"]}
        assert "without signing in, can read other users' rows in public.profiles" in leaks["public.profiles"]
        assert [c["reason"] for c in found["cells"] if c["observed"] == "failed"] == []
        access.write_text(access.read_text().replace("# look: ", "# reviewed: "))
        assert [f for f in json.loads(blank.invoke("rls", "--json").stdout)["findings"] if f["severe"]] == []
    finally:
        config.write_text(former)
        with connect(blank.stack.target()) as connection:
            undone = (
                query("migrations/auto_expose").replace("grant all", "revoke all").replace(" to anon", " from anon")
            )
            connection.execute(undone.encode())


HELD = """
create table public.profiles (id uuid primary key references auth.users (id), name text);
create table public.posts (
  id uuid primary key default gen_random_uuid(), author_id uuid not null references public.profiles (id), body text
);
alter table public.profiles enable row level security;
alter table public.posts enable row level security;
grant select, insert, update, delete on public.profiles, public.posts to authenticated, service_role;
create policy own on public.profiles to authenticated using (id = (select auth.uid()));
create policy own on public.posts to authenticated using (author_id = (select auth.uid()));
create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = ''
  as $$ begin insert into public.profiles (id) values (new.id); return new; end $$;
revoke execute on function public.handle_new_user() from public;
create trigger on_auth_user_created after insert on auth.users
  for each row execute function public.handle_new_user();
"""


def test_keys_without_a_cascade_hold_nobody(blank: Project, sql: Callable[..., list[tuple[object, ...]]]) -> None:
    """Rows that a trigger made for the test users at sign-up go with them, and so do those that hang on these."""
    (blank.folder / "supabase/access.toml").unlink(missing_ok=True)
    blank.write("migrations/001_held.sql", HELD)
    assert blank.invoke("push").code == 0
    done = blank.invoke("rls", "--init")
    assert done.code == 0, done.output
    done = blank.invoke("rls", "--no-findings")
    assert "unexpected" not in done.output
    assert sql("select (select count(*) from auth.users), (select count(*) from public.profiles)") == [(0, 0)]


CHOSEN = """
create table public.profiles (id uuid primary key references auth.users (id) on delete cascade,
  role text not null default 'user' check (role in ('user', 'admin')));
alter table public.profiles enable row level security;
create policy own on public.profiles for select to authenticated using (id = (select auth.uid()));
grant select on public.profiles to authenticated;
grant all on public.profiles to service_role;
create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = ''
as $$ begin
  insert into public.profiles (id, role) values (new.id, coalesce({role}, 'user'));
  return new;
end $$;
revoke execute on function public.handle_new_user() from public, anon, authenticated;
create trigger on_auth_user_created after insert on auth.users
  for each row execute function public.handle_new_user();
"""
PROFILES_ACCESS = """
[relations."public.profiles"]
owner = "id"
select = ["owner", "service"]
insert = ["service"]
update = ["service"]
delete = ["service"]
"""


@pytest.mark.parametrize(
    ("role", "leaks"),
    [
        (
            "new.raw_user_meta_data ->> 'role'",
            ["Anybody who signs up with role: admin in their metadata is given role admin in public.profiles"],
        ),
        ("nullif(left(new.raw_user_meta_data ->> 'role', 0), '')", []),
    ],
)
def test_a_role_that_people_choose_at_sign_up(blank: Project, role: str, leaks: list[str]) -> None:
    """A trigger that copies it from their metadata gives it to them; one that only looks at it does not."""
    blank.write("access.toml", PROFILES_ACCESS)
    blank.write("migrations/001_profiles.sql", CHOSEN.format(role=role))
    assert blank.invoke("push").code == 0
    found = json.loads(blank.invoke("rls", "--json").stdout)
    assert [c["reason"] for c in found["cells"] if not c["ok"]] == []
    shown = [v for f in found["findings"] if f["severe"] for v in f["verdicts"] if v["verdict"] == "confirmed"]
    assert [v["sentence"] for v in shown] == leaks


def test_a_trigger_that_asks_for_metadata(blank: Project) -> None:
    """Nobody can sign up without: the error says where it is given, and with it the users are there."""
    needy = CHOSEN.format(role="(case when new.raw_user_meta_data ? 'name' then 'user' else 'nobody' end)")
    blank.write("access.toml", PROFILES_ACCESS)
    blank.write("migrations/001_profiles.sql", needy)
    assert blank.invoke("push").code == 0
    done = blank.invoke("rls", "--no-findings")
    assert (done.code, "the database refuses the new user owner" in done.stderr) == (16, True), done.output
    assert "[actors.owner]" in done.stderr
    metadata = "".join(f'[actors.{name}]\nuser_metadata = {{ name = "x" }}\n' for name in ("owner", "other"))
    blank.write("access.toml", PROFILES_ACCESS + metadata)
    done = blank.invoke("rls", "--no-findings")
    assert done.code == 0, done.output
