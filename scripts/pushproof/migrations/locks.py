"""What a statement locks, for how long, and what it loses, read from its syntax alone.

The modes are those of https://www.postgresql.org/docs/current/explicit-locking.html and of the pages of the
commands; a test compares them with the locks that the server takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

EXCLUSIVE = "AccessExclusiveLock"
NO_WRITES = "ShareRowExclusiveLock"
SHARE = "ShareLock"
READS_ONLY = "ExclusiveLock"
OWN_KIND = "ShareUpdateExclusiveLock"
ROWS = "RowExclusiveLock"

BLOCKS = {
    EXCLUSIVE: "reads and writes",
    READS_ONLY: "writes",
    NO_WRITES: "writes",
    SHARE: "writes",
    OWN_KIND: "",
    ROWS: "",
}
STRENGTH = ("AccessShareLock", "RowShareLock", ROWS, OWN_KIND, SHARE, NO_WRITES, READS_ONLY, EXCLUSIVE)


@dataclass(frozen=True)
class Lock:
    """A lock on a relation, named as in the statement. An index also stands for its table.

    `work` says what takes time while the lock is held; empty if nothing does.
    """

    relation: str
    mode: str
    work: str = ""

    @property
    def blocks(self) -> str:
        """What others cannot do meanwhile: `reads and writes`, `writes` or nothing."""
        return BLOCKS.get(self.mode, "")


@dataclass(frozen=True)
class Effects:
    """What one statement does to existing objects. `loses` is a text for messages, empty if nothing is lost."""

    locks: tuple[Lock, ...] = ()
    loses: str = ""
    all_rows: bool = False  # every row of what it locks is lost
    makes: str = ""  # the relation that it creates: nobody waits for it
    opaque: bool = False  # it runs code: only a run shows what that does


ALL = Effects(opaque=True)  # only the server knows which relations


def effects_of(node: Any) -> Effects:
    """The effects of a parsed statement and of the statements in its `with`; no effects for None."""
    handler = HANDLERS.get(type(node).__name__)
    own = handler(node) if handler else Effects()
    parts = [effects_of(cte.ctequery) for cte in getattr(getattr(node, "withClause", None), "ctes", None) or ()]
    if not parts:
        return own
    every = (own, *parts)
    locks = tuple(_strongest(lock for effects in every for lock in effects.locks))
    loses = ", ".join(effects.loses for effects in every if effects.loses)
    return replace(own, locks=locks, loses=loses, all_rows=any(effects.all_rows for effects in every))


def _name(relation: Any) -> str:
    return _joined(part for part in (relation.schemaname, relation.relname) if part)


def _qualified(parts: Iterable[Any]) -> str:
    return _joined(part.sval for part in parts)


def _joined(parts: Iterable[str]) -> str:
    """The qualified name, quoted where SQL needs it."""
    from pglast.stream import maybe_double_quote_name

    return ".".join(maybe_double_quote_name(part) for part in parts)


def _cluster(node: Any) -> Effects:
    """Of one table, or of all tables that were clustered before, which only the server knows."""
    return Effects((Lock(_name(node.relation), EXCLUSIVE, "rewrites every row"),)) if node.relation else ALL


def _reindex(node: Any) -> Effects:
    concurrent = any(param.defname == "concurrently" for param in node.params or ())
    mode = OWN_KIND if concurrent else SHARE
    return Effects((Lock(_name(node.relation), mode, "builds indexes"),)) if node.relation else ALL


def _vacuum(node: Any) -> Effects:
    full = node.is_vacuumcmd and any(option.defname == "full" for option in node.options or ())
    mode, work = (EXCLUSIVE, "rewrites every row") if full else (OWN_KIND, "")
    locks = tuple(Lock(_name(rel.relation), mode, work) for rel in node.rels or () if rel.relation)
    return Effects(locks) if locks else ALL if full else Effects()


def _create(node: Any) -> Effects:
    constraints = [c for e in node.tableElts or () for c in (*(getattr(e, "constraints", None) or ()), e)]
    locks = [Lock(_name(c.pktable), NO_WRITES) for c in constraints if getattr(c, "pktable", None)]
    parents = [Lock(_name(r), EXCLUSIVE if node.partbound else OWN_KIND) for r in node.inhRelations or ()]
    return Effects((*parents, *locks), makes="" if node.if_not_exists else _name(node.relation))


def _alter(node: Any) -> Effects:
    kind = node.objtype.name
    if kind in ("OBJECT_TYPE", "OBJECT_SEQUENCE"):
        return Effects(loses=_losses(node))
    locks = [lock for command in node.cmds for lock in _alter_locks(_name(node.relation), command)]
    return Effects(tuple(_strongest(locks)), loses=_losses(node))


def _alter_locks(table: str, command: Any) -> Iterator[Lock]:
    """The locks of one action of `alter table`."""
    action = command.subtype.name.removeprefix("AT_")
    if action == "AddConstraint":
        yield from _constraint_locks(table, command.def_)
    elif action == "AddColumn":
        yield Lock(table, EXCLUSIVE, _fill(command.def_))
        yield from (lock for c in command.def_.constraints or () for lock in _constraint_locks(table, c, fresh=True))
    elif action == "ValidateConstraint":
        yield Lock(table, OWN_KIND, "reads every row")
    elif action == "AttachPartition":
        yield Lock(table, OWN_KIND)
        yield Lock(_name(command.def_.name), EXCLUSIVE, "reads every row")
    elif action in ("SetStatistics", "SetOptions", "ResetOptions", "ClusterOn", "DropCluster"):
        yield Lock(table, OWN_KIND)
    elif action in ("SetRelOptions", "ResetRelOptions"):
        names = {option.defname for option in command.def_ or ()}
        yield Lock(
            table, EXCLUSIVE if names & {"security_invoker", "security_barrier", "user_catalog_table"} else OWN_KIND
        )
    elif "Trig" in action:
        yield Lock(table, NO_WRITES)
    else:
        yield Lock(table, EXCLUSIVE, WORK.get(action, ""))


WORK = {
    "AlterColumnType": "may rewrite every row and index",
    "SetNotNull": "reads every row",
    "SetExpression": "rewrites every row",
    "SetTableSpace": "copies the table",
    "SetLogged": "rewrites every row",
    "SetUnLogged": "rewrites every row",
}


def _constraint_locks(table: str, constraint: Any, *, fresh: bool = False) -> Iterator[Lock]:
    """The locks of a constraint that is added. `fresh`: its column is new, so that no row has to be read."""
    kind = constraint.contype.name.removeprefix("CONSTR_")
    reads = "" if fresh or constraint.skip_validation else "reads every row"
    if kind == "FOREIGN":
        yield Lock(table, NO_WRITES, reads)
        yield Lock(_name(constraint.pktable), NO_WRITES, reads)
    elif kind in ("PRIMARY", "UNIQUE", "EXCLUSION"):
        yield Lock(table, EXCLUSIVE, "" if constraint.indexname else "builds an index")
    else:
        yield Lock(table, EXCLUSIVE, reads if kind == "CHECK" else "")


def _fill(column: Any) -> str:
    """What adding a column does to existing rows. A constant default costs nothing."""
    from pglast.visitors import Visitor

    calls: list[str] = []

    class Calls(Visitor):
        def visit_FuncCall(self, _: Any, call: Any) -> None:  # noqa: N802 - the parser's name
            calls.append(_qualified(call.funcname).rpartition(".")[2])

    kinds = {c.contype.name: c for c in column.constraints or ()}
    serial = column.typeName is not None and _qualified(column.typeName.names).endswith("serial")
    if serial or kinds.keys() & {"CONSTR_IDENTITY", "CONSTR_GENERATED"}:
        return "rewrites every row"
    if default := kinds.get("CONSTR_DEFAULT"):
        Calls()(default.raw_expr)
    return "rewrites every row" if set(calls) - STABLE else ""


# Functions that are evaluated once for all existing rows. Any other may be volatile.
STABLE = {"now", "uid", "current_setting", "to_jsonb", "jsonb_build_object", "jsonb_build_array", "lower", "upper"}


def _losses(node: Any) -> str:
    lost = []
    for command in node.cmds:
        action = command.subtype.name.removeprefix("AT_")
        if action == "DropColumn":
            lost.append(f"column {command.name} with its values" + _cascades(command))
        elif action == "AlterColumnType" and not _widens(command.def_):
            lost.append(f"values of {command.name} that do not fit its new type")
        elif _cascades(command):
            lost.append(f"{command.name or 'what is dropped'}{_cascades(command)}")
    return ", ".join(lost)


def _widens(column: Any) -> bool:
    """Whether the new type is likely to take all existing values. Other types round, cut or convert."""
    kind = column.typeName.names[-1].sval
    return column.raw_default is None and not column.typeName.typmods and kind in WIDE


WIDE = {"int8", "numeric", "text", "varchar", "jsonb", "timestamptz", "float8"}


def _cascades(node: Any) -> str:
    return ", and whatever depends on it" if node.behavior.name == "DROP_CASCADE" else ""


DROPPED_WITH_ROWS = {
    "TABLE": "every row of",
    "SCHEMA": "everything in the schema",
    "SEQUENCE": "the state of",
    "EXTENSION": "whatever the extension stores:",
}


def _drop(node: Any) -> Effects:
    kind = node.removeType.name.removeprefix("OBJECT_")
    names = [_dropped(item) for item in node.objects]
    if kind in ("POLICY", "TRIGGER", "RULE"):
        locked = [name.rpartition(".")[0] for name in names]
    else:
        locked = names if kind in ("TABLE", "VIEW", "MATVIEW", "INDEX", "FOREIGN_TABLE", "SEQUENCE") else []
    mode = OWN_KIND if node.concurrent else EXCLUSIVE
    lost = f"{DROPPED_WITH_ROWS[kind]} {', '.join(names)}" if kind in DROPPED_WITH_ROWS else ""
    if cascades := _cascades(node):
        lost = (lost or ", ".join(names)) + cascades
    return Effects(tuple(Lock(name, mode) for name in locked), loses=lost, all_rows=kind == "TABLE")


def _dropped(item: Any) -> str:
    """The name of an object in a `drop`, which the grammar writes in four ways."""
    if isinstance(item, tuple):
        return _qualified(part for part in item if hasattr(part, "sval"))  # a cast has two types
    parts = getattr(item, "objname", None) or getattr(item, "names", None)
    return _qualified(parts) if parts else str(getattr(item, "sval", ""))


def _index(node: Any) -> Effects:
    return Effects((Lock(_name(node.relation), OWN_KIND if node.concurrent else SHARE, "builds an index"),))


def _truncate(node: Any) -> Effects:
    names = [_name(r) for r in node.relations]
    lost = f"every row of {', '.join(names)}" + _cascades(node)
    return Effects(tuple(Lock(name, EXCLUSIVE) for name in names), loses=lost, all_rows=True)


def _change(node: Any) -> Effects:
    table, kind = _name(node.relation), type(node).__name__
    which = "the rows that match" if getattr(node, "whereClause", None) else "every row"
    deletes = kind == "DeleteStmt" or any(
        w.commandType.name == "CMD_DELETE" for w in getattr(node, "mergeWhenClauses", None) or ()
    )
    work = "" if kind == "InsertStmt" else f"writes {which}"
    lost = f"{which} of {table}" if deletes else ""
    if kind == "UpdateStmt" and not node.whereClause:
        lost = f"the values of {', '.join(t.name for t in node.targetList)} in every row of {table}"
    return Effects((Lock(table, ROWS, work),), loses=lost)


def _on(mode: str, work: str = "", relation: str = "relation") -> Callable[[Any], Effects]:
    """The handler of a statement that locks one relation, which it names in the attribute `relation`."""
    return lambda node: Effects((Lock(_name(getattr(node, relation)), mode, work),))


def _rename(node: Any) -> Effects:
    return Effects((Lock(_name(node.relation), EXCLUSIVE),) if node.relation else ())


def _comment(node: Any) -> Effects:
    tables = node.objtype.name in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW")
    return Effects((Lock(_qualified(node.object), OWN_KIND),) if tables else ())


def _view(node: Any) -> Effects:
    name = _name(node.view)
    return Effects((Lock(name, EXCLUSIVE),) if node.replace else (), makes="" if node.replace else name)


def _refresh(node: Any) -> Effects:
    return Effects((Lock(_name(node.relation), READS_ONLY if node.concurrent else EXCLUSIVE, "runs its query"),))


def _lock(node: Any) -> Effects:
    return Effects(tuple(Lock(_name(r), STRENGTH[node.mode - 1]) for r in node.relations))


def _owned(node: Any) -> Effects:
    return Effects(loses=f"everything that {', '.join(r.rolename or 'the role' for r in node.roles)} owns")


HANDLERS: dict[str, Callable[[Any], Effects]] = {
    "CreateStmt": _create,
    "CreateTableAsStmt": lambda node: Effects(makes=_name(node.into.rel)),
    "AlterTableStmt": _alter,
    "DropStmt": _drop,
    "IndexStmt": _index,
    "TruncateStmt": _truncate,
    **dict.fromkeys(("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"), _change),
    "CreateTrigStmt": _on(NO_WRITES),
    "RuleStmt": _on(EXCLUSIVE),
    "CreatePolicyStmt": _on(EXCLUSIVE, relation="table"),
    "AlterPolicyStmt": _on(EXCLUSIVE, relation="table"),
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _rename,
    "CommentStmt": _comment,
    "ViewStmt": _view,
    "RefreshMatViewStmt": _refresh,
    "LockStmt": _lock,
    "ClusterStmt": _cluster,
    "ReindexStmt": _reindex,
    "VacuumStmt": _vacuum,
    "DropOwnedStmt": _owned,
    "DropdbStmt": lambda node: Effects(loses=f"the database {node.dbname}"),
    "DoStmt": lambda _: Effects(opaque=True),
    "CallStmt": lambda _: Effects(opaque=True),
}


def _strongest(locks: Iterable[Lock]) -> Iterator[Lock]:
    """One lock for each relation: the strongest, with the work of all."""
    by_relation: dict[str, list[Lock]] = {}
    for lock in locks:
        by_relation.setdefault(lock.relation, []).append(lock)
    for relation, group in by_relation.items():
        mode = max((lock.mode for lock in group), key=STRENGTH.index)
        work = dict.fromkeys(lock.work for lock in group if lock.work)
        yield Lock(relation, mode, ", ".join(work))
