"""Bad input: one line of cause, one of remedy, an exit code of its kind, no secret, nothing half done."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import pytest

from pushproof.base.waiting import exclusive
from pushproof.target.database import connect
from tests.fix_stack import REPOSITORY, Project, RunningStack
from tests.tasks.answers import document, refuses, remote_settings, says, states, succeeds

PASSWORD = "hunter2-hunter2"
SECRET = "sb_secret_hunter2hunter2"
PUBLISHABLE = "sb_publishable_public"
NOWHERE = "postgresql://postgres:hunter2-hunter2@127.0.0.1:9/postgres"
EXPIRED = jwt.encode({"role": "service_role", "exp": 1_000_000_000}, "a secret of at least 32 bytes, hunter2", "HS256")
REMOTE = {
    "SUPABASE_TARGET": "remote",
    "SUPABASE_URL": "https://abc.supabase.co",
    "SUPABASE_PUBLISHABLE_KEY": PUBLISHABLE,
    "SUPABASE_SECRET_KEY": SECRET,
    "SUPABASE_DB_URL": f"postgresql://postgres.abc:{PASSWORD}@pooler.invalid:5432/postgres",
}


@dataclass(frozen=True)
class Case:
    """What somebody got wrong, and what they are told."""

    name: str
    words: str
    code: int
    cause: str
    remedy: str
    files: dict[str, str | bytes] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


def remote(name: str, cause: str, remedy: str, *, code: int = 11, **wrong: str) -> Case:
    """A target remote with one setting that is wrong."""
    return Case(name, "push", code, cause, remedy, ONE_FILE, {**REMOTE, **wrong})


FILES = "supabase/migrations"
ONE_FILE: dict[str, str | bytes] = {f"{FILES}/001_a.sql": "select 1"}
CASES = (
    Case("line end in a name", "push", 10, "a\\nb.sql is not", "033_add_tags.sql", {f"{FILES}/a\nb.sql": ""}),
    Case("misnamed", "push", 10, "create brands.sql is not", "033_add_tags.sql", {f"{FILES}/create brands.sql": ""}),
    Case(
        "same version twice",
        "push",
        10,
        "001_a.sql and 001_b.sql have the same version",
        "next free number",
        {f"{FILES}/001_a.sql": "", f"{FILES}/001_b.sql": ""},
    ),
    Case(
        "odd width",
        "migrations",
        10,
        "0003_c.sql: its version has 4 digits, others 3",
        "as wide as the others",
        {f"{FILES}/{name}": "" for name in ("001_a.sql", "002_b.sql", "0003_c.sql")},
    ),
    *(
        Case(f"{name}, {task}", task, 10, cause, remedy, {f"{FILES}/001_a.sql": content})
        for task in ("push", "lint")
        for name, content, cause, remedy in (
            ("byte order mark", b"\xef\xbb\xbfselect 1", "begins with a byte order mark", "save it as UTF-8"),
            ("NUL byte", b"select\n'\0'", "001_a.sql line 2 holds a NUL byte", "remove it"),
        )
    ),
    *(
        Case(f"no migration, {task}", task, 10, "there is no migration in", "033_add_tags.sql", {f"{FILES}/a.txt": ""})
        for task in ("push", "smoke", "lint")
    ),
    Case(
        "config.toml",
        "push",
        10,
        "config.toml is not TOML",
        "fix that line",
        {**ONE_FILE, "supabase/config.toml": "[api\n"},
    ),
    Case("unknown option", "push --hard", 2, "--hard", "invoke --help push"),
    Case("option without a value", "push --target", 2, "Flag --target needed", "invoke --help push"),
    Case("unknown task", "pusch", 2, "pusch", "invoke --list"),
    Case("unknown target", "push --target mars", 2, "'mars'", "embedded, local, remote"),
    Case("both sources", "execute --file a.sql --sql select", 2, "either --file or --sql", "invoke execute"),
    Case("no such file", "execute --file /none.sql", 2, "/none.sql: No such file", "name a file"),
    Case("nothing to execute", "execute --file /dev/null", 2, "null holds no statement", "something to run"),
    Case("blanks to execute", "execute --sql=;", 2, "--sql holds no statement", "something to run"),
    Case("own transaction", "execute --sql commit", 10, "line 1 has its own `commit`", "leave it out"),
    Case("line of .env", "push", 11, ".env line 2 is not NAME=value", ".env.example", {".env": "A=1\nB c\n"}),
    Case("port", "start", 11, "PUSHPROOF_API_PORT is not a port", "1 to 65535", {".env": "PUSHPROOF_API_PORT=x"}),
    Case("remote reset", "reset-local --target remote", 21, "never touches a remote target", "embedded or local"),
    Case("remote stop", "stop --target remote", 21, "the target is remote", "--target"),
    remote("swapped keys", "SUPABASE_SECRET_KEY holds a publishable key", "swap", SUPABASE_SECRET_KEY=PUBLISHABLE),
    remote("expired key", "expired on 2001-09-09", "API Keys", code=16, SUPABASE_SECRET_KEY=EXPIRED),
    *(
        remote(
            f"not encoded {mark}",
            "is not postgresql://user:password@host:port/database",
            "percent-encode",
            SUPABASE_DB_URL=NOWHERE.replace(PASSWORD, f"hunter2{mark}hunter2"),
        )
        for mark in ("@", "#", "/", "?", "@hunter2/", "%")
    ),
    *(
        remote(name, "is not postgresql://", "percent-encode", SUPABASE_DB_URL=NOWHERE.replace("127.0.0.1:9", host))
        for name, host in (("a host name that is too long", f"{'a' * 64}.com:5432"), ("port 0", "127.0.0.1:0"))
    ),
    remote("unknown database host", "pooler.invalid:5432/postgres does not answer", "network", code=15),
    remote("closed database port", "127.0.0.1:9/postgres does not answer", "network", code=15, SUPABASE_DB_URL=NOWHERE),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_told_and_left_alone(bare: Project, case: Case) -> None:
    """Each mistake is told with its remedy before anything is started or made."""
    for name, content in case.files.items():
        file = bare.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    done = bare.invoke(*case.words.split(), **case.environment)
    refuses(done, case.code, case.cause, case.remedy)
    assert all(secret not in done.output for secret in ("hunter2", EXPIRED))
    assert not (bare.folder / ".pushproof" / "state.json").exists()


def test_no_parts_and_no_network(bare: Project) -> None:
    """Told as such; nothing half installed stays."""
    bare.write("migrations/001_a.sql", "select 1")
    with tempfile.TemporaryDirectory(prefix="pushproof-cache-") as cache:
        Path(cache).chmod(0o755)  # for PostgreSQL's user
        done = bare.invoke("push", PUSHPROOF_CACHE_DIR=cache, npm_config_registry="http://127.0.0.1:9")
        refuses(done, 12, "npm registry does not answer", "connect to the network once")
        assert [file.name for file in Path(cache, "parts").iterdir()] == ["lock"]


@pytest.mark.parametrize(
    ("content", "cause", "remedy"),
    [
        ("\\i a.sql", r"has `\i`, a command of psql", "leave it out"),
        ("copy a from stdin", "has `copy … from stdin`", "insert into"),
        ("set role anon", "leaves `set role anon` in force", "set local role"),
    ],
)
def test_what_is_no_migration(blank: Project, content: str, cause: str, remedy: str) -> None:
    """Named before anything is pushed, the files before it neither."""
    blank.write("migrations/001_a.sql", "create table public.a ()")
    blank.write("migrations/002_b.sql", content)
    refuses(blank.invoke("push"), 10, f"002_b.sql line 1 {cause}", remedy)
    assert states(blank) == {"001": "pending", "002": "pending"}


@pytest.mark.parametrize("task", ["push", "smoke", "lint", "reset-local", "migrations", "drift"])
def test_no_folder_of_migrations(bare: Project, task: str) -> None:
    """Missing or misspelt, it is no folder without migrations."""
    folder = bare.settings.migrations_dir
    folder.rename(folder.with_name("migration"))
    try:
        refuses(bare.invoke(task), 10, f"there is no folder {folder}", f"is {folder.with_name('migration')} meant?")
    finally:
        folder.with_name("migration").rename(folder)


def test_no_project(tmp_path: Path) -> None:
    """Outside of a project, what is missing and how to name another folder."""
    refuses(Project(tmp_path).invoke("push"), 10, f"no supabase/ folder in {tmp_path}", "SUPABASE_WORKDIR")


@pytest.mark.parametrize("words", ["push --target mars", "execute --sql commit", "migrations --target remote"])
def test_json_on_failure(bare: Project, words: str) -> None:
    """With --json a failure is one document too, the same as the lines on standard error."""
    done = bare.invoke(*words.split(), "--json")
    error = document(done)["error"]
    assert error["code"] == done.code
    assert f"ERROR {error['message']}\n" in done.stderr
    assert f"FIX   {error['hint']}\n" in done.stderr


def test_port_in_use(bare: Project) -> None:
    """A port that was asked for and is taken stops the start; no service stays behind."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = bare.invoke("start", PUSHPROOF_API_PORT=port)
    cause = f"port {port}, asked for as the api port, cannot be used: Address already in use"
    refuses(done, 14, cause, "stop what listens there")
    assert bare.stack.state.services == {}


def test_port_of_the_system(bare: Project) -> None:
    """A port that only the system may give out is not called in use."""
    without = ["/usr/bin/setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"]
    words = [*(without if os.geteuid() == 0 else []), sys.executable, "-m", "invoke", "start"]
    if os.geteuid() == 0 and not Path(without[0]).exists():
        pytest.skip("root may take every port, and there is no setpriv to forbid it")
    done = subprocess.run(
        words, cwd=REPOSITORY, env=bare.environment | {"PUSHPROOF_API_PORT": "80"}, capture_output=True, text=True
    )
    assert (done.returncode, "cannot be used: Permission denied" in done.stderr) == (14, True), done.stderr
    assert "above 1023" in done.stderr


@pytest.mark.parametrize(
    "words", ["bundle --from 0 --out {}/a.sql", "bundle --from 0 --out={}/a.sql", "bundle -f 0 -o {}"]
)
def test_output_that_cannot_be_written(bare: Project, words: str) -> None:
    """The option that names the file is what is to change, not a setting."""
    bare.write("migrations/001_a.sql", "select 1")
    place = bare.folder / "place"
    place.symlink_to(place)
    done = bare.invoke(*words.format(place).split())
    refuses(done, 2, f"cannot write {place}", "choose another place for -")
    assert "STATE_DIR" not in done.output


@pytest.mark.parametrize("words", ["smoke -k", "test -k"])
def test_expression_that_is_none(project: Project, stack: RunningStack, words: str) -> None:
    """pytest's own words, with the place in the expression."""
    done = project.invoke(*words.split(), "brands and")
    refuses(done, 2, "Wrong expression passed to '-k': brands and: at column 11", "names with and, or, not")


def test_option_that_pytest_does_not_know(project: Project, stack: RunningStack) -> None:
    """In one line, without its usage."""
    refuses(
        project.invoke("smoke", "--", "--nonsense"), 2, "pytest: unrecognized arguments: --nonsense", "pytest --help"
    )


def test_setting_that_stands_twice(bare: Project) -> None:
    """Said by name, not by value; the last one counts."""
    bare.write_env("PUSHPROOF_API_PORT=1\nSUPABASE_SECRET_KEY=hunter2\nPUSHPROOF_API_PORT=x\n")
    assert "PUSHPROOF_API_PORT is not a port" in bare.invoke("start").stderr
    bare.write_env("SUPABASE_SECRET_KEY=hunter2\nSUPABASE_SECRET_KEY=hunter2\n")
    done = bare.invoke("status")
    assert ".env sets SUPABASE_SECRET_KEY more than once: the last one counts" in done.stderr
    assert "hunter2" not in done.output


def test_database_that_is_not_there(client_project: Project, project: Project) -> None:
    """The server answers: its words come first."""
    url = remote_settings(project)["SUPABASE_DB_URL"].removesuffix("/postgres") + "/nowhere"
    for words in ("migrations", "push"):
        done = client_project.invoke(words, SUPABASE_DB_URL=url)
        refuses(done, 11, 'there is no database "nowhere" on 127.0.0.1', "at the end of SUPABASE_DB_URL")


@pytest.mark.parametrize("words", ["--list", "--help push"])
def test_output_that_nobody_reads(bare: Project, words: str) -> None:
    """As `| head` does it: no traceback. (`invoke --help` alone reads no file of ours.)"""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *words.split()],
        cwd=REPOSITORY,
        env=bare.environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, "")


def test_a_table_that_nobody_reads(blank: Project) -> None:
    """It is no failed check: the exit code is that of a broken pipe."""
    blank.write("migrations/001_a.sql", "create table public.a (id int primary key);")
    succeeds(blank.invoke("push"))
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "invoke", "migrations"]
    done = subprocess.run(
        words, cwd=REPOSITORY, env=blank.environment, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert done.returncode == 128 + signal.SIGPIPE, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["push --hard --json", "pusch --json", "push -j --target"])
def test_json_of_a_usage_error(bare: Project, words: str) -> None:
    """With --json it is one document too."""
    done = bare.invoke(*words.split())
    assert document(done)["error"]["code"] == done.code == 2


def test_full_disk(bare: Project) -> None:
    """No room for the state file: told as a full disk; nothing was started."""
    state = bare.folder / ".pushproof"
    state.mkdir()
    (state / "state.json.new").symlink_to("/dev/full")
    refuses(bare.invoke("start"), 20, "the disk is full", "free some space")
    assert bare.stack.state.services == {}


@pytest.mark.parametrize("folder", ["/dev/null", f"/tmp/{'a' * 300}", "/proc/nowhere"])  # noqa: S108 - not made
def test_folder_that_cannot_be_used(bare: Project, folder: str) -> None:
    """A state folder that is none, or cannot be one, is a wrong setting, not a bug."""
    refuses(bare.invoke("start", PUSHPROOF_STATE_DIR=folder), 11, folder, "folder")


@pytest.mark.parametrize("name", ["supabase/config.toml", "supabase/access.toml", ".env"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_folder_for_a_file(blank: Project, name: str, make: Callable[[Path], None]) -> None:
    """Named at once: to read a pipe would wait for good."""
    blank.write("migrations/001_notes.sql", "create table public.notes (id bigint primary key);")
    succeeds(blank.invoke("push"))
    place = blank.folder / name
    former = place.read_bytes() if place.exists() else None
    place.unlink(missing_ok=True)
    make(place)
    try:
        done = blank.invoke("rls")
    finally:
        place.rmdir() if place.is_dir() else place.unlink()
        if former is not None:
            place.write_bytes(former)
    refuses(done, {"supabase/config.toml": 10, "supabase/access.toml": 22, ".env": 11}[name], str(place), "text file")


def test_a_file_for_the_folder_of_runs(client_project: Project) -> None:
    """The tests are not blamed for it."""
    runs = client_project.settings.state_dir / "runs"
    runs.parent.mkdir(exist_ok=True)
    runs.write_text("")
    refuses(client_project.invoke("smoke", "-k", "nothing"), 11, str(runs), "move it away")


@pytest.mark.parametrize(("words", "code"), [("status", 0), ("push", 10)])
def test_a_full_disk_for_messages(bare: Project, words: str, code: int) -> None:
    """A task goes on where standard error takes nothing, and its result is its own."""
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" -m invoke "$1" 2>/dev/full', sys.executable, words],
        cwd=REPOSITORY,
        env=bare.environment,
        stdout=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == code


@pytest.mark.parametrize(
    ("verb", "words"),
    [("db reset", "reset-local"), ("gen types", "types"), ("db query", "execute --sql select")],
)
def test_a_cli_that_does_nothing(
    blank: Project, stand_in: Callable[[str, str], str], tmp_path: Path, verb: str, words: str
) -> None:
    """Its exit code 0 is no proof: without a word from it nothing is taken for done."""
    blank.write("migrations/001_notes.sql", "create table public.notes (id bigint primary key);")
    succeeds(blank.invoke("push"))
    out = ["--out", str(tmp_path / "types.py")] if words == "types" else []
    done = blank.invoke(*words.split(), *out, SUPABASE_CLI=stand_in(verb, ""))
    refuses(done, 12, "exited with code 0 and printed nothing", "unset SUPABASE_CLI")
    assert not (tmp_path / "types.py").exists()


def test_a_seed_that_fails(blank: Project) -> None:
    """It is named, not the last migration."""
    blank.write("migrations/001_notes.sql", "create table public.notes (id bigint primary key);")
    blank.write("seed.sql", "x")
    refuses(blank.invoke("reset-local"), 18, "seed.sql: syntax error", "syntax")


@pytest.mark.parametrize(
    ("cli", "cause"),
    [("/nonexistent", "cannot run the Supabase CLI"), ("/bin/true", "is not the Supabase CLI")],
)
def test_cli_that_is_none(blank: Project, cli: str, cause: str) -> None:
    """A SUPABASE_CLI that cannot be run, or is something else."""
    refuses(blank.invoke("execute", "--sql", "select 1", SUPABASE_CLI=cli), 12, cause, "SUPABASE_CLI")


def test_nothing_to_verify(blank: Project) -> None:
    """No check is not a green check."""
    refuses(blank.invoke("verify"), 10, "no check in supabase/checks", "`invoke init` writes")


def test_a_check_of_another_form(blank: Project) -> None:
    """Numbers are compared as they are shown; a second select would not be looked at, so that it is red."""
    blank.write("checks/a.sql", "-- Number.\nselect 1 as expected, 1 as found")
    blank.write("checks/b.SQL", "-- Two.\nselect 'a' as expected, 'a' as found; select 'x', 'y'")
    done = blank.invoke("verify")
    refuses(done, 1, "1 of 2 checks are red: b", "compare expected")
    assert "✓ a: 1" in done.stdout
    assert "cannot insert multiple commands" in done.stdout


def test_the_columns_of_a_check(blank: Project) -> None:
    """They are known by their names, in either order; a check of other columns compares nothing."""
    blank.write("checks/a.sql", "-- Misnamed.\nselect 1 as one, 1 as other")
    blank.write("checks/b.sql", "-- In turn.\nselect 'got' as found, 'promised' as expected")
    done = blank.invoke("verify")
    refuses(done, 1, "2 of 2 checks are red: a, b", "compare expected")
    assert "1 row with the columns one, other" in done.stdout
    assert "expected promised\n    found    got" in done.stdout


def test_a_check_that_waits_for_a_lock_of_another(blank: Project, sql: Callable[..., object]) -> None:
    """Nothing is said of the schema: it was not looked at."""
    sql("create table public.notes (id int)")
    blank.write("checks/a.sql", "-- A.\nselect '0' as expected, count(*) as found from public.notes")
    with connect(blank.stack.target(), autocommit=False) as holder:
        holder.execute("lock table public.notes in access exclusive mode")
        refuses(blank.invoke("verify"), 18, "a lock could not be acquired in time", "`invoke monitor` shows which")


@pytest.mark.parametrize("text", ["import nosuch_module", "def f(:"])
def test_a_conftest_that_cannot_be_imported(blank: Project, text: str) -> None:
    """It is no option that pytest does not know."""
    blank.write("checks/a.sql", "-- A.\nselect 'a' as expected, 'a' as found")
    for name, content in (("conftest.py", text), ("test_a.py", "def test_a(): pass")):
        file = blank.folder / "tests" / "smoke" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    blank.write("migrations/001_a.sql", "create table public.a (id int);")
    refuses(blank.invoke("smoke"), 1, "a test file cannot be read: nothing is proved", "pytest's output above")
    shutil.rmtree(blank.folder / "tests")


def test_a_check_that_does_more_than_to_select(blank: Project, sql: Callable[..., object]) -> None:
    """It is red, the others are asked, and nothing that it says is done."""
    sql("create table public.notes (id int)")
    blank.write("checks/a.sql", "-- Commits.\ncommit; drop table public.notes; select 'a' as expected, 'a' as found")
    blank.write("checks/b.sql", "-- Copies.\ncopy (select 1) to stdout")
    blank.write("checks/c.sql", "-- Ends itself.\nselect 'a', pg_terminate_backend(pg_backend_pid())")
    blank.write("checks/d.sql", "-- Fine.\nselect 'a' as expected, 'a' as found")
    done = blank.invoke("verify")
    refuses(done, 1, "3 of 4 checks are red: a, b, c", "compare expected")
    assert "the check ended its own connection" in done.stdout
    assert "error ignored" not in done.stderr
    assert sql("select to_regclass('public.notes')::text") == [("notes",)]


def test_what_was_not_pushed_yet(blank: Project, sql: Callable[..., object]) -> None:
    """No check and no comparison is green on nothing; what is pending is named."""
    blank.write("checks/a.sql", "-- A.\nselect 'a' as expected, 'a' as found")
    blank.write("migrations/001_a.sql", "create table public.a (id int);")
    for task in ("verify", "drift"):
        refuses(
            blank.invoke(task),
            19,
            "was not pushed" if task == "verify" else "no migration was pushed",
            "`invoke push` first",
        )
    succeeds(blank.invoke("push"))
    blank.write("migrations/002_b.sql", "create table public.b (id int);")
    for task in ("verify", "drift"):
        assert "002_b.sql" in succeeds(blank.invoke(task)).stderr


def test_a_check_that_nobody_looks_for(blank: Project) -> None:
    """In a folder below it would pass for one that is green."""
    blank.write("checks/a.sql", "-- A.\nselect 'a' as expected, 'a' as found")
    file = blank.write("checks/deep/b.sql", "-- B.\nselect 'a' as expected, 'b' as found")
    refuses(blank.invoke("verify"), 10, f"{file} is not used", "move it to")


@pytest.mark.parametrize("name", ["SUPABASE_DB_CA", "PUSHPROOF_STATE_DIR", "PUSHPROOF_CACHE_DIR"])
def test_the_home_of_nobody(bare: Project, name: str) -> None:
    """A setting, and no bug."""
    done = bare.invoke("verify", "--json", **{name: "~nobody_of_this_name/x"})
    refuses(done, 11, "begins with the home folder of an unknown user", "write the full path")


@pytest.mark.parametrize("make", [lambda file: file.mkdir(), lambda file: file.write_bytes("# é".encode("utf-16"))])
def test_a_generated_file_that_is_no_text(
    blank: Project, sql: Callable[..., object], make: Callable[[Path], None], tmp_path: Path
) -> None:
    """It is the file that has to go: no setting moves it."""
    sql("create table public.t (id int primary key)")
    file = tmp_path / "diagram.md"
    make(file)
    refuses(blank.invoke("diagram", "--check", "--out", str(tmp_path)), 10, str(file), "")


def test_a_stack_that_another_task_starts(bare: Project) -> None:
    """Who waits says so."""
    bare.settings.state_dir.mkdir(exist_ok=True)
    with contextlib.ExitStack() as held:
        held.enter_context(exclusive(bare.settings.state_dir / "lock"))
        with bare.popen("stop") as task:
            assert says(task.stderr, "another task starts or stops the stack")
            held.close()
            assert task.wait(60) == 0


def test_local_without_docker(bare: Project) -> None:
    """No stack of `supabase start` runs here: the embedded one is pointed to."""
    bare.write("migrations/001_a.sql", "select 1")
    refuses(bare.invoke("push", "--target", "local"), 15, "no local Supabase stack runs", "supabase start")


@pytest.mark.parametrize("words", ["smoke", "sweep", "push", "execute --sql select"])
def test_paused(bare: Project, paused_url: str, words: str) -> None:
    """HTTP 540 and a closed database port: the project is paused, whatever is asked of it."""
    bare.write("migrations/001_a.sql", "select 1")
    paused = {**REMOTE, "SUPABASE_URL": paused_url, "SUPABASE_DB_URL": NOWHERE}
    refuses(bare.invoke(*words.split(), **paused), 17, "the project is paused", "restore it in the dashboard")


def test_paused_for_doctor(bare: Project, paused_url: str) -> None:
    """The doctor names it for the API as for the database."""
    done = bare.invoke("doctor", **{**REMOTE, "SUPABASE_URL": paused_url, "SUPABASE_DB_URL": NOWHERE})
    refuses(done, 1, "API, API keys, database", "above")
    assert done.stdout.count("the project is paused") == 3


@pytest.mark.parametrize(("words", "key"), [("smoke", "secret"), ("smoke", "publishable"), ("sweep", "secret")])
def test_wrong_key(client_project: Project, words: str, key: str) -> None:
    """A key that the API refuses is told before anybody signs up."""
    done = client_project.invoke(words, **{f"SUPABASE_{key.upper()}_KEY": f"sb_{key}_hunter2hunter2"})
    refuses(done, 16, f"refuses the {key} key (401)", "API Keys")
    assert "hunter2" not in done.output


def test_wrong_key_for_a_push(client_project: Project, stack: RunningStack) -> None:
    """Before anything is pushed, too."""
    client_project.write("migrations/900_a.sql", "select 1")
    done = client_project.invoke("push", SUPABASE_SECRET_KEY=SECRET)
    refuses(done, 16, "refuses the secret key (401)", "API Keys")
    with stack.connect("postgres") as connection:
        history = connection.execute("select max(version) from supabase_migrations.schema_migrations").fetchone()
    assert history == ("032",)


@pytest.mark.parametrize("words", ["push", "verify", "execute --sql select"])
def test_wrong_password(client_project: Project, project: Project, words: str) -> None:
    """The database's refusal names who was refused, not what was tried."""
    url = project.stack.target().database.url.replace("@", f":{PASSWORD}@", 1)
    done = client_project.invoke(*words.split(), SUPABASE_DB_URL=url)
    refuses(done, 16, "refuses the password of postgres", "percent-encoding")
    assert PASSWORD not in done.output


def test_doctor_names_wrong_key_and_password(client_project: Project, project: Project) -> None:
    """The doctor looks at everything, and names both."""
    url = project.stack.target().database.url.replace("@", f":{PASSWORD}@", 1)
    done = client_project.invoke("doctor", SUPABASE_SECRET_KEY=SECRET, SUPABASE_DB_URL=url)
    refuses(done, 1, "2 of 12 need attention: API keys, database", "above")
    assert "refuses the secret key (401)" in done.stdout
    assert "refuses the password of postgres" in done.stdout


def test_unreachable_api(client_project: Project) -> None:
    """A host that does not answer, told by whoever needs the API."""
    refuses(client_project.invoke("sweep", SUPABASE_URL="http://127.0.0.1:9"), 15, "does not answer", "SUPABASE_URL")


def test_retention_before_a_push(blank: Project) -> None:
    """Its tables are not there yet."""
    refuses(blank.invoke("retention"), 10, "retention/idle_ages.sql: relation", "`invoke push` the migrations first")


@pytest.mark.parametrize("name", ["lock", "logs"])
def test_another_kind_of_file_in_the_state_folder(bare: Project, name: str) -> None:
    """A folder where a file should be, or the reverse."""
    where = bare.settings.state_dir / name
    where.parent.mkdir()
    if name == "lock":
        where.mkdir()
    else:
        where.touch()
    refuses(bare.invoke("start"), 11, f"cannot use {where}", "move it away")
    where.rmdir() if name == "lock" else where.unlink()
