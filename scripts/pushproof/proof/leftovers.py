"""Removes test users, and before them their rows: foreign keys without a cascade would keep the users."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pushproof.base.errors import FailedError
from pushproof.base.queries import query
from pushproof.proof.catalog import INTERNAL, USERS
from pushproof.proof.names import Name, expression
from pushproof.proof.records import connect_with_limit
from pushproof.proof.unaskable import UnansweredError
from pushproof.target.targets import Target
from pushproof.target.testusers import client, forget_dead_runs, left_behind

if TYPE_CHECKING:
    from supabase import Client

STUCK = "rows that reference them cannot be deleted, because of a trigger or a foreign key: delete those"
DEPTH = 6  # of foreign keys that are followed from a user


def clear(target: Target, state_dir: Path) -> tuple[list[str], list[str]]:
    """Remove the users of ended runs, and their rows: the names removed, and those not removed with Auth's message."""
    from pushproof.target.patience import http_client

    with http_client(target) as http:
        admin = client(target, target.secret_key, http)
        users = {user.id: str(user.email) for user in left_behind(admin, state_dir)}
        removed, stuck = remove_users(target, admin, users)
    if not stuck:
        forget_dead_runs(state_dir, target.url)
    return removed, stuck


def refuse_stuck(stuck: list[str]) -> None:
    """Raise FailedError if users could not be removed; it names them."""
    if stuck:
        raise FailedError(f"cannot remove {', '.join(stuck)}", f"{STUCK} first")


def remove_users(target: Target, admin: Client, users: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Remove these users (id to name) and their rows: the names removed, and those not removed with Auth's message."""
    from supabase_auth.errors import AuthApiError

    remove_rows_of(target, [*users])
    removed, stuck = [], []
    for user_id, name in users.items():
        try:
            admin.auth.admin.delete_user(user_id)
        except AuthApiError as problem:
            stuck.append(f"{name} ({problem.message})")
        else:
            removed.append(name)
    return removed, stuck


def remove_rows_of(target: Target, users: Sequence[str]) -> None:
    """Delete all rows that refer to these users, directly or through other rows, the deepest first.

    A row that the database does not delete stays and keeps its user, which Auth then reports. A relation whose
    triggers do not return is tried once. Raises psycopg.errors.LockNotAvailable.
    """
    import psycopg

    if not users:
        return
    unanswered: set[str] = set()
    connection = connect_with_limit(target)
    try:
        keys = connection.execute(query("proof/foreign_keys"), {"internal": INTERNAL}).fetchall()
        for relation, alias, condition in _referring(keys, USERS, sql.SQL("t0.id = any(%s::uuid[])"), path=(USERS,)):
            if relation in unanswered:
                continue
            delete = sql.SQL("delete from {} {} where {}").format(expression(relation), Name(alias), condition)
            connection = connect_with_limit(target) if connection.closed else connection
            try:
                connection.execute(delete, [list(users)])
            except psycopg.errors.LockNotAvailable:
                raise
            except psycopg.Error:
                continue
            except UnansweredError:
                unanswered.add(relation)
    finally:
        connection.close()


def _referring(
    keys: Sequence[Any], relation: str, condition: sql.Composable, path: tuple[str, ...]
) -> Iterator[tuple[str, str, sql.Composable]]:
    """Relations that refer to the rows of a relation under a condition, leaves first: (relation, alias, condition)."""
    parent, alias = f"t{len(path) - 1}", f"t{len(path)}"
    for child, columns, target, target_columns in keys:
        if target == relation and child not in path and len(path) <= DEPTH:
            pairs = zip(columns, target_columns, strict=True)
            same = sql.SQL(" and ").join(sql.SQL("{} = {}").format(Name(alias, c), Name(parent, t)) for c, t in pairs)
            within = sql.SQL("exists (select from {} {} where {} and {})").format(
                expression(relation), Name(parent), same, condition
            )
            yield from _referring(keys, child, within, path=(*path, child))
            yield child, alias, within
