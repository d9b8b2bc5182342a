"""What the documents say is what the code does."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path

import invoke.loader
import pytest
from invoke.collection import Collection

from pushproof.base import documents, errors
from pushproof.base.errors import PushproofError
from tests import fix_json

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "scripts" / "pushproof"
OF_POSTGRESQL = 'relation " does not exist; permission denied for; extension " is not available; must be owner of'
README = (REPOSITORY / "README.md").read_text()


@pytest.fixture(scope="module")
def tasks() -> Collection:
    """The tasks as invoke sees them."""
    module, _ = invoke.loader.FilesystemLoader(start=str(REPOSITORY)).load("tasks")
    return Collection.from_module(module)


def test_ci_runs_the_command_that_readme_prints() -> None:
    """README's second command is the one .ci/run takes from it; it installs the linters and more as well."""
    first, second = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert first.endswith(".venv/bin/invoke smoke")
    assert second == first.replace("install -e .", "install -e '.[test]'").replace("invoke smoke", "invoke test")
    assert "grep -m 1 'invoke test$' README.md" in (REPOSITORY / ".ci/run").read_text()


def test_every_task_is_documented(tasks: Collection) -> None:
    """A task that docs/tasks.md does not name is not found; a name without a task misleads, there and in README."""
    table = re.findall(r"^\| (`.*?) \|", (REPOSITORY / "docs/tasks.md").read_text(), re.MULTILINE)
    named = {word for line in table for word in re.findall(r"`(?:invoke )?([a-z][a-z-]+)", line)}
    assert named == set(tasks.task_names)
    assert {*re.findall(r"`?(?:invoke|pushproof) ([a-z][a-z-]+)", README)} - {"from"} <= named


def test_the_messages_of_the_troubleshooting_page_are_real() -> None:
    """Each is said by the program, or by PostgreSQL; a page that quotes another is of no use to whoever searches."""
    said = " ".join(file.read_text() for kind in ("py", "mjs", "sql") for file in PACKAGE.rglob(f"*.{kind}"))
    said = re.sub(r'"\s*f?"|\s+', " ", said) + OF_POSTGRESQL
    quoted = re.findall(r"^\| (.*?) \|", (REPOSITORY / "docs/troubleshooting.md").read_text(), re.MULTILINE)
    messages = [text for line in quoted for text in re.findall(r"`([^`]+)`", line) if not text.startswith("pushproof")]
    assert len(messages) > 20
    parts = [(text, part.strip(" ,")) for text in messages for part in re.split(r"…|\(SQLSTATE.*|\(port 6543\)", text)]
    assert [text for text, part in parts if len(part) > 3 and part not in said] == []


def test_every_document_has_an_example(tasks: Collection) -> None:
    """docs/json.md shows one of each task that takes --json, of the type that tests hold the program against."""
    page = (REPOSITORY / "docs/json.md").read_text()
    examples = dict(re.findall(r"^## ([^\n]+)\n\n```json\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL))
    assert [*examples] == [*fix_json.TYPES]
    for name, text in examples.items():
        assert [*fix_json.wrong(json.loads(text), fix_json.TYPES[name])] == [], name
    taking = {name for name in tasks.task_names if "json" in inspect.signature(tasks[name].body).parameters}
    assert taking - {"faults"} == {name.partition(" ")[0] for name in examples}  # that one is of this repository alone
    (error,) = re.findall(r"```json\n(\{\n  \"error\".*?)\n```", page, re.DOTALL)
    assert [*fix_json.wrong(json.loads(error), documents.Error)] == []


def test_every_task_fits_a_line_of_the_listing(tasks: Collection) -> None:
    """`invoke --list` on 80 columns shows one line a task, and every option has a help text."""
    for name in tasks.task_names:
        task = tasks[name]
        summary = (task.__doc__ or "").split("\n")[0]
        assert 0 < len(summary) <= 64, summary
        assert {argument.name for argument in task.get_arguments() if not argument.help} == set(), name


def test_exit_codes_are_documented() -> None:
    """Each kind of error has a code of its own, and the page says what the code says."""
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, PushproofError)]
    codes = {kind.code: kind.kind for kind in kinds}
    assert len(codes) == len(kinds)
    page = dict(re.findall(r"^\| (\d{1,3}) \| (.*) \|$", (REPOSITORY / "docs/exit-codes.md").read_text(), re.MULTILINE))
    assert {int(code) for code in page} == {0, *codes, 129, 130, 141, 143}
    for code, kind in codes.items():
        assert page[str(code)].startswith(kind)


def test_each_sentence_about_security_is_held_by_a_test() -> None:
    """Every line of the page names tests, and there is each of them."""
    known = {
        node.name
        for file in (REPOSITORY / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    _, *sections = re.split(r"^## .*$", (REPOSITORY / "docs/security.md").read_text(), flags=re.MULTILINE)
    assert len(sections) > 5
    for section in sections:
        before, *lines = re.split(r"^- ", section, flags=re.MULTILINE)
        assert before.strip() == "" and lines
        for line in lines:
            named = re.findall(r"`(test_\w+)`", line)
            assert re.fullmatch(r".*\.\s+(`test_\w+`\s*)+", line, re.DOTALL), line
            assert {*named} <= known, {*named} - known


def test_links_lead_somewhere() -> None:
    """Every relative link of every page names a file that is there."""
    for page in (*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")):
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_lock_file_holds_hashes_and_no_addresses() -> None:
    """Whoever has a registry of their own can use it; nobody can be given another package."""
    lock = (REPOSITORY / "scripts/pushproof/tools/package-lock.json").read_text()
    assert "resolved" not in lock
    assert lock.count('"integrity": "sha512-') == lock.count('"version":') > 30


def test_every_setting_is_documented() -> None:
    """.env.example names exactly the settings that are read."""
    read = set(
        re.findall(
            r'"((?:SUPABASE|PUSHPROOF)_[A-Z_]+)"', (REPOSITORY / "scripts/pushproof/base/settings.py").read_text()
        )
    )
    documented = set(
        re.findall(r"^#?((?:SUPABASE|PUSHPROOF)_[A-Z_]+)=", (REPOSITORY / ".env.example").read_text(), re.M)
    )
    assert read == documented
