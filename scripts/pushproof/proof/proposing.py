"""Writes a first access.toml: asks the target with everything allowed, and records the answers."""

from __future__ import annotations

from pushproof.base.console import counted
from pushproof.base.errors import UsageError
from pushproof.base.preload import import_meanwhile
from pushproof.base.reading import present
from pushproof.migrations.gate import refuse_production, turn
from pushproof.proof.engine import Engine
from pushproof.proof.intent import FILE, LOOK, VERBS, load, undeclared
from pushproof.proof.kinds import kinds
from pushproof.proof.probing import MAKES_ROWS, ask, catalog_of, probing
from pushproof.proof.proposal import HEADER, KINDS, guess, proposal
from pushproof.stack.run import Run
from pushproof.target.api import check_keys

ROLES = ("anon", "authenticated")
NO_GRANT = (
    "no migration grants a table to anon or authenticated, so no request gets a row. If the project is older than "
    "October 2026 and exposes its tables without grants, set auto_expose_new_tables = true under [api] in config.toml"
)


def propose(run: Run) -> int:
    """Write a first access.toml from what is observed, or add the missing entries to the existing one.

    Returns the number of new lines marked `look`. Raises UsageError if no entry is missing.
    """
    refuse_production(run.settings, MAKES_ROWS)
    with turn(run, "rls --init", shared=True):
        return _propose(run)


def _propose(run: Run) -> int:
    file = run.settings.supabase_dir / FILE
    import_meanwhile("supabase", "urllib3")
    catalog = catalog_of(run.settings, run.target)
    check_keys(run.target)
    if not any(r.open_to(role, verb) for r in catalog.exposed for role in ROLES for verb in VERBS):
        run.console.status(NO_GRANT, head="no grant", style="yellow")
    intent, wanted = guess(catalog), {*(r.qualified for r in catalog.exposed), *catalog.functions}
    existing = HEADER
    if present(file):
        intent, wanted = load(file, catalog, otherwise=intent), undeclared(file, catalog)
        existing = file.read_text(encoding="utf-8")
    if not wanted:
        raise UsageError(f"supabase/{FILE} already covers every relation and function", "edit it, then `pushproof rls`")
    with probing(run.settings, run.target, catalog, intent=intent, check=run.check) as (probe, _):
        engine = Engine({name: kind for name, kind in kinds().items() if name in KINDS}, probe)
        cells = ask(run.console, engine, [c for c in engine.cases() if c.object in wanted or c.kind == "select"])
        run.check()
    text = proposal(catalog, intent, cells, names=wanted)
    file.write_text(f"{existing.rstrip()}\n\n{text}", encoding="utf-8")
    name, looks = "", text.count(LOOK)
    for line in text.splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif LOOK in line:
            run.console.line(f"{name}: {line}", head="look")
    review = f": review {counted(looks, 'line')} marked `look`, then run `pushproof rls`" if looks else ""
    run.console.line(f"wrote supabase/{FILE}{review}", ok=True)
    return looks
