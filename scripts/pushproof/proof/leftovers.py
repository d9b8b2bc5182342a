"""The rows of test users, which go before the users themselves: foreign keys without a cascade would hold them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pushproof.base.errors import FailedError
from pushproof.base.queries import query
from pushproof.proof.catalog import INTERNAL, USERS
from pushproof.proof.names import Name, expression
from pushproof.proof.records import impatient
from pushproof.proof.unaskable import UnansweredError
from pushproof.target.targets import Target
from pushproof.target.testusers import client, forget_dead_runs, left_behind

if TYPE_CHECKING:
    from supabase import Client

STUCK = "rows that reference them cannot be deleted, because of a trigger or a foreign key: delete those"
DEPTH = 6  # foreign keys from a user to a row


def clear(target: Target, state_dir: Path) -> tuple[list[str], list[str]]:
    """Remove the users of runs that are over, and their rows: who went, and who would not, with Auth's words."""
    from pushproof.target.patience import http_client

    with http_client(target) as http:
        admin = client(target, target.secret_key, http)
        users = {user.id: str(user.email) for user in left_behind(admin, state_dir)}
        removed, stuck = remove_users(target, admin, users)
    if not stuck:
        forget_dead_runs(state_dir, target.url)
    return removed, stuck


def refuse_stuck(stuck: list[str]) -> None:
    """Raises FailedError naming those that would not go."""
    if stuck:
        raise FailedError(f"cannot remove {', '.join(stuck)}", f"{STUCK} first")


def remove_users(target: Target, admin: Client, users: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Remove these users, named by id, and their rows: who went, and who would not, with Auth's words."""
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
    """Delete whatever refers to these users, and what refers to that, the last of it first.

    What the database does not let go of stays, and holds its user: the caller hears of it from Auth. A relation whose
    triggers do not return is tried once.
    """
    import psycopg

    silent: set[str] = set()
    connection = impatient(target)
    try:
        keys = connection.execute(query("proof/foreign_keys"), {"internal": INTERNAL}).fetchall()
        for relation, alias, condition in _hanging(keys, USERS, sql.SQL("t0.id = any(%s::uuid[])"), path=(USERS,)):
            if relation in silent:
                continue
            delete = sql.SQL("delete from {} {} where {}").format(expression(relation), Name(alias), condition)
            connection = impatient(target) if connection.closed else connection
            try:
                connection.execute(delete, [list(users)])
            except psycopg.Error:
                continue
            except UnansweredError:
                silent.add(relation)
    finally:
        connection.close()


def _hanging(
    keys: Sequence[Any], relation: str, condition: sql.Composable, path: tuple[str, ...]
) -> Iterator[tuple[str, str, sql.Composable]]:
    """What refers to rows of a relation under a condition: relation, alias, its own condition; leaves first."""
    parent, alias = f"t{len(path) - 1}", f"t{len(path)}"
    for child, columns, target, target_columns in keys:
        if target == relation and child not in path and len(path) <= DEPTH:
            pairs = zip(columns, target_columns, strict=True)
            same = sql.SQL(" and ").join(sql.SQL("{} = {}").format(Name(alias, c), Name(parent, t)) for c, t in pairs)
            within = sql.SQL("exists (select from {} {} where {} and {})").format(
                expression(relation), Name(parent), same, condition
            )
            yield from _hanging(keys, child, within, path=(*path, child))
            yield child, alias, within
