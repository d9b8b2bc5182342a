"""What tasks write with `--json`, held against pushproof.base.documents."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from pushproof.base import documents

# The document of each task, by the task and the options that have another one.
TYPES: dict[str, Any] = {
    "init": documents.Init,
    "smoke": documents.Smoke,
    "push": documents.Push,
    "bundle": documents.Bundle,
    "execute": list[documents.Result],
    "rls": documents.Rls,
    "rls --init": documents.RlsInit,
    "mutate": documents.Mutate,
    "migrations": list[documents.MigrationState],
    "migrations --repair": documents.Repair,
    "rollback": documents.Rollback,
    "rollback --check": list[documents.CheckedRollback],
    "restore": documents.Restore,
    "drift": documents.Drift,
    "verify": list[documents.Check],
    "reset-local": documents.Reset,
    "retention": documents.Retention,
    "retention --schedule": documents.Scheduled,
    "retention --unschedule": documents.Unscheduled,
    "sweep": documents.Sweep,
    "doctor": list[documents.Inspection],
    "start": documents.Start,
    "stop": documents.Stop,
    "status": list[documents.Service],
    "status --all": list[documents.Stack],
    "status --env": dict[str, str],
    "lint": documents.Lint,
    "monitor": dict[str, documents.Panel],
    "types": documents.Generated,
    "diagram": documents.Generated,
    "bench": documents.Bench,
    "bench --suite load": documents.Load,
    "bench --suite schema": documents.BenchSchema,
}


def type_of(words: Sequence[str]) -> Any:
    """Of a task as it was called."""
    task, options = words[0], " ".join(words[1:])
    variants = [name for name in TYPES if name.partition(" ")[0] == task and name.partition(" ")[2] in options]
    return TYPES[max(variants, key=len)]


def check(words: Sequence[str], text: str) -> None:
    """Raises AssertionError where this is not the task's document, nor that of an error."""
    document = json.loads(text)
    failed = isinstance(document, dict) and "error" in document
    if mistakes := [*wrong(document, documents.Error if failed else type_of(words))]:
        raise AssertionError(f"{' '.join(words)}: {'; '.join(mistakes)}")


def wrong(value: Any, type_: Any, path: str = "$") -> Iterator[str]:
    """Where a value is not of the type, a key is missing, or one is there that the type does not name."""
    origin, inner = get_origin(type_), get_args(type_)
    if is_typeddict(type_) and isinstance(value, dict):
        yield from _wrong_table(value, type_, path)
    elif origin in (list, dict) and isinstance(value, origin):
        for place, entry in enumerate(value) if origin is list else value.items():
            yield from wrong(entry, inner[-1], f"{path}.{place}")
    elif not _is(value, type_, origin, inner):
        yield f"{path} is {value!r}, not {getattr(type_, '__name__', type_)}"


def _is(value: Any, type_: Any, origin: Any, inner: Sequence[Any]) -> bool:
    if origin in (Union, types.UnionType):
        return any(not [*wrong(value, one)] for one in inner)
    if origin is Literal:
        return value in inner
    if type_ is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    simple = origin is None and isinstance(type_, type) and not is_typeddict(type_)
    return type_ is Any or (simple and type(value) is type_)


def _wrong_table(table: dict[str, Any], type_: Any, path: str) -> Iterator[str]:
    hints, marked = get_type_hints(type_), get_type_hints(type_, include_extras=True)
    required = {name for name, hint in marked.items() if get_origin(hint) is not NotRequired}
    yield from (f"{path}.{name} is missing" for name in required - table.keys())
    yield from (f"{path}.{name} is not in {type_.__name__}" for name in table.keys() - hints.keys())
    for name in table.keys() & hints.keys():
        yield from wrong(table[name], hints[name], f"{path}.{name}")
