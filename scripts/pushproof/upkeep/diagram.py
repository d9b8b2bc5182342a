"""The tables of the API as a diagram: Mermaid, which GitHub and GitLab render, and SVG, drawn by Graphviz."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

from pushproof.base import process
from pushproof.base.errors import PartsError
from pushproof.base.resources import resource
from pushproof.proof.catalog import USERS, Catalog, Column, ForeignKey, Relation
from pushproof.tools import parts as npm
from pushproof.tools.parts import Parts

DRAW = resource(__package__, "diagram.mjs")
FONT = 'fontname="Courier",fontsize=10'  # a fallback font is monospaced too
ROW = '<tr><td align="left" port="{port}">{name}</td><td align="left"><font color="#666666">{type}</font></td></tr>'
HEAD = '<tr><td colspan="2" bgcolor="#e8eef7"><b>{name}</b></td></tr>'


def mermaid(catalog: Catalog) -> str:
    """An entity relationship diagram: https://mermaid.js.org/syntax/entityRelationshipDiagram.html"""
    lines = ["erDiagram"]
    for relation in _tables(catalog):
        lines.append(f"  {_entity(relation.qualified)} {{")
        lines += [f"    {_word(_type(c))} {_word(c.name)}{_keys(relation, c)}" for c in relation.columns]
        lines.append("  }")
    for relation, key in _keys_of(catalog):
        arity = "|o" if any(not relation.by_name[c].required for c in key.columns) else "||"
        many = "o|" if key.columns in (relation.key, *relation.uniques) else "o{"
        label = _plain(", ".join(key.columns))
        lines.append(f'  {_entity(key.target)} {arity}--{many} {_entity(relation.qualified)} : "{label}"')
    return "\n".join(lines) + "\n"


def svg(catalog: Catalog, parts: Parts) -> str:
    """The diagram as SVG. Raises PartsError if it cannot be drawn."""
    done = process.run([npm.node(), DRAW, parts.folder], text_in=_dot(catalog))
    if done.code:
        raise PartsError("the diagram could not be drawn", "Graphviz's output is below", details=done.stderr[-1000:])
    return done.stdout


def _dot(catalog: Catalog) -> str:
    """https://graphviz.org/doc/info/shapes.html#html"""
    lines = [f"digraph {{ rankdir=RL; node [shape=plain,{FONT}]; edge [{FONT},dir=back,arrowtail=crow];"]
    for relation in _tables(catalog):
        rows = "".join(
            ROW.format(port=number, name=html.escape(column.name), type=html.escape(_type(column)))
            for number, column in enumerate(relation.columns)
        )
        head = HEAD.format(name=html.escape(_short(relation.qualified)))
        table = f'<table border="0" cellborder="1" cellspacing="0" cellpadding="3">{head}{rows}</table>'
        lines.append(f"{_node(relation.qualified)} [label=<{table}>];")
    if any(key.target == USERS for _, key in _keys_of(catalog)):
        lines.append(f"{_node(USERS)} [shape=box,style=dashed];")
    for relation, key in _keys_of(catalog):
        port = [c.name for c in relation.columns].index(key.columns[0])
        lines.append(f"{_node(relation.qualified)}:{port} -> {_node(key.target)};")
    return "\n".join([*lines, "}"])


def _node(qualified: str) -> str:
    return json.dumps(qualified, ensure_ascii=False)


def _tables(catalog: Catalog) -> Iterator[Relation]:
    return (r for _, r in sorted(catalog.relations.items()) if r.kind in ("r", "p") and not r.partition)


def _keys_of(catalog: Catalog) -> Iterator[tuple[Relation, ForeignKey]]:
    shown = {r.qualified for r in _tables(catalog)} | {USERS}
    return (
        (relation, key)
        for relation in _tables(catalog)
        for key in sorted(relation.foreign_keys, key=lambda key: key.name)
        if key.target in shown
    )


def _entity(qualified: str) -> str:
    return f'"{_plain(_short(qualified))}"'


def _short(qualified: str) -> str:
    """The name without its schema, if that is public."""
    return qualified.removeprefix("public.")


def _plain(name: str) -> str:
    """The name without double quotes, which Mermaid cannot escape."""
    return name.replace('"', "'")


def _word(name: str) -> str:
    """The name as one word, because Mermaid accepts no other name of a column."""
    return re.sub(r"[^\w\[\]]", "_", name)


def _type(column: Column) -> str:
    base = column.base_type
    return f"{base[1:]}[]" if base.startswith("_") else base


def _keys(relation: Relation, column: Column) -> str:
    marks = ["PK"] if column.name in relation.key else []
    marks += ["FK"] if any(column.name in key.columns for key in relation.foreign_keys) else []
    return f" {', '.join(marks)}" if marks else ""
