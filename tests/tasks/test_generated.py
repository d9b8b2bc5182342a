"""`invoke types` and `invoke diagram`: what is checked in is what the migrations build; what is stale is found."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest

from pushproof.commands.diagram import diagram
from pushproof.commands.types import types
from pushproof.stack.run import Run
from pushproof.testing import Actor
from tests.fix_stack import REPOSITORY, Project, RunningStack
from tests.tasks.answers import refuses, remote_settings, succeeds

DOCS = REPOSITORY / "docs"
TYPES = REPOSITORY / "supabase" / "database_types.py"
CHANGE = "create table public.later (id bigint primary key, brand_id uuid references public.brands)"


@pytest.fixture
def run(stack: RunningStack, project: Project) -> Run:
    """On the shared stack, to which this repository's migrations were pushed."""
    return Run("", as_json=True, settings=project.settings, known=stack.target)


@pytest.mark.parametrize("of", [types, diagram])
def test_what_is_checked_in_is_not_stale(run: Run, of: Callable[..., None]) -> None:
    """After a change of a migration: `invoke types`, `invoke diagram`."""
    of(run, check=True, out=str(DOCS if of is diagram else TYPES))


def test_a_stale_file_is_found_and_written_anew(blank: Project, sql: Callable[..., Any], tmp_path: Path) -> None:
    """The check writes nothing, and shows the difference."""
    sql("create table public.brands (id uuid primary key)")
    places = {"types": tmp_path / "models.py", "diagram": tmp_path / "drawn"}
    for task, place in places.items():
        refuses(blank.invoke(task, "--check", "--out", str(place)), 1, str(place), f"`invoke {task}` updates it")
        assert not place.exists()
        succeeds(blank.invoke(task, "--out", str(place)))
        succeeds(blank.invoke(task, "--check", "--out", str(place)))
    former = places["types"].read_text()
    sql(CHANGE)
    done = blank.invoke("types", "--check", "--out", str(places["types"]))
    refuses(done, 1, str(places["types"]), "commit it")
    assert "+class PublicLater(BaseModel):" in done.stderr
    assert places["types"].read_text() == former
    done = blank.invoke("diagram", "--check", "--out", str(places["diagram"]))
    refuses(done, 1, "diagram.md", "commit it")
    assert '+  "brands" |o--o{ "later" : "brand_id"' in done.stderr


def test_both_clis_write_the_same_types(project: Project, stack: RunningStack, either_cli: dict[str, str]) -> None:
    """Of a target by its URL, in a PATH without Docker."""
    assert stack
    settings = remote_settings(project) | either_cli | {"PATH": "/nowhere"}
    succeeds(project.invoke("types", "--check", "--out", str(TYPES), **settings))


def test_nothing_is_written_of_an_empty_project(blank: Project, tmp_path: Path) -> None:
    """A model of nothing would be taken for one."""
    for task in ("types", "diagram"):
        refuses(blank.invoke(task, "--out", str(tmp_path / task)), 1, "no relation in public", "invoke push")
        assert not (tmp_path / task).exists()


def test_a_table_with_odd_names_is_drawn(run: Run, tmp_path: Path, postgres: Any) -> None:
    """Quotes, spaces, markup and arrows are neither Mermaid's nor Graphviz's words."""
    postgres.execute(
        '''create table public."of ""odd"" <b>" ("a b" uuid primary key, "x->y" text[], "order" int,
        "the ""brand""" uuid not null unique references public.brands)'''
    )
    try:
        diagram(run, check=False, out=str(tmp_path))
    finally:
        postgres.execute('drop table public."of ""odd"" <b>"')
    page = (tmp_path / "diagram.md").read_text()
    assert """ "brands" ||--o| "of 'odd' <b>" : "the 'brand'" """.strip() in page
    assert "text[] x__y" in page
    drawn = ElementTree.fromstring((tmp_path / "diagram.svg").read_text())  # noqa: S314 - we wrote it
    words = {element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {'of "odd" <b>', "a b", "x->y"} <= words


def test_rows_of_the_api_are_what_the_models_say(alice: Actor) -> None:
    """The models take what REST answers a signed-in user, and refuse what it would not."""
    models = _module(TYPES)
    row: Any = alice.client.table("brands").insert({"name": "A brand"}).execute().data[0]
    try:
        assert models.PublicBrands.model_validate(row).owner_id == UUID(alice.id)
    finally:
        alice.client.table("brands").delete().eq("id", row["id"]).execute()
    with pytest.raises(ValueError, match="owner_id"):
        models.PublicBrands.model_validate(row | {"owner_id": "nobody"})


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)  # pydantic looks there for the types
    spec.loader.exec_module(module)
    return module
