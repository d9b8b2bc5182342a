"""A user reaches rows that are not theirs: the cells about the object show it."""

from __future__ import annotations

from collections.abc import Sequence

from pushproof.proof.catalog import ROLE_OF
from pushproof.proof.cells import Cell
from pushproof.proof.findings import CONFIRMED, DECLARED, REFUTED, UNPROVED, Context, LinterReport, Verdict
from pushproof.proof.kinds.keys import KeyCase
from pushproof.proof.outcomes import ALLOWED, FAILED
from pushproof.proof.sentences import attack, is_attack

RULES = frozenset(
    (
        *("rls_disabled_in_public", "policy_exists_rls_disabled", "rls_policy_always_true", "security_definer_view"),
        *("materialized_view_in_api", "foreign_table_in_api", "auth_users_exposed", "multiple_permissive_policies"),
        *("sensitive_columns_exposed", "insecure_queue_exposed_in_api", "anon_security_definer_function_executable"),
        *("authenticated_security_definer_function_executable", "partitioned_parent", "planned_count"),
        *("SEC001", "SEC004", "SEC005", "SEC006", "SEC008", "SEC011", "SEC014", "SEC018", "SEC020", "SEC021", "SEC025"),
        *("SEC026", "SEC027", "SEC028", "SEC032", "SEC036", "SEC038", "SEC039", "SEC040", "SEC041", "SEC042", "SEC043"),
        *("SEC045", "SEC046", "SEC049", "SEC052", "SEC053", "SEC054", "VIEW001", "VIEW003", "VIEW004"),
    )
)
KINDS = ("select", "insert", "update", "delete", "call")


def judge(context: Context, name: str, _reports: Sequence[LinterReport]) -> Verdict:
    """Confirmed by a cell that shows an attack; refuted, declared or unproved by the other cells."""
    cells = context.on(name)
    if not cells:
        return _unasked(name)
    if wrong := [c for c in cells if is_attack(c)]:
        severe = [c for c in wrong if not _is_latent(context, c)]
        return _shown(CONFIRMED, attack(severe or wrong), _plainest(severe or wrong), severe=bool(severe))
    if failed := [c for c in cells if c.observed == FAILED]:
        return _shown(UNPROVED, failed[0].reason, failed[0])
    outsiders = [c for c in cells if c.actor not in ("owner", "service") and c.case.kind in KINDS]
    if allowed := [c for c in outsiders if c.observed == ALLOWED]:
        who = ", ".join(dict.fromkeys(c.actor for c in allowed))
        return _shown(DECLARED, f"access.toml allows it for {who}", allowed[0])
    denied = next((c for c in outsiders if c.actor == "other" and c.control), None) or (outsiders or cells)[0]
    return _shown(REFUTED, f"nobody got more of {name} than access.toml declares", denied)


def _unasked(name: str) -> Verdict:
    return Verdict(REFUTED, f"the API does not serve {name}: it is in no exposed schema, or it is a trigger function")


def _plainest(cells: Sequence[Cell]) -> Cell:
    """The cell that is easiest to understand: one with a request, of the matrix, and of select if there is one."""
    return min(cells, key=lambda c: (c.request is None, c.case.kind not in KINDS, c.case.kind != "select"))


def _is_latent(context: Context, cell: Cell) -> bool:
    """Whether it needs a second hole: a privilege that policies still guard, or a uuid key, which nobody guesses."""
    if not isinstance(cell.case, KeyCase):
        return cell.case.kind == "grants"
    columns = context.probe.catalog.relations[cell.case.object].by_name
    return all(columns[name].base_type == "uuid" for name in cell.case.columns)


def _shown(verdict: str, sentence: str, cell: Cell, *, severe: bool = True) -> Verdict:
    role = ROLE_OF.get(cell.actor, "authenticated")
    statement = f"select has_table_privilege('{role}', '{cell.case.object}', '{cell.case.verb}')"
    request = cell.curl or statement
    return Verdict(
        verdict=verdict, sentence=sentence, request=request, answer=cell.answer, control=cell.control, severe=severe
    )
