"""squawk, a linter of migrations: https://squawkhq.com. Only this module knows its flags, rules and output."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pushproof.base import process
from pushproof.base.errors import PartsError

POSTGRES = "17.0"
SYNTAX = "syntax-error"  # from its parser: not a rule that can be switched off
AGAIN = "reinstall it: `.venv/bin/pip install --force-reinstall -e .`"

# Its rules that are off, with the reason.
OFF = {
    "ban-concurrent-index-creation-in-transaction": "`not-transactional` reports every such statement",
    "ban-truncate-cascade": "`drop-cascade` reports it",
    "ban-uncommitted-transaction": "`own-transaction` reports it",
    "prefer-repack": "PostgreSQL 17 has no `repack`",
    "prefer-robust-stmts": "a file runs whole or not at all, so no half of it runs again; and `if not exists` accepts "
    "any object of that name, also an index that failed to build",
    "prefer-text-field": "a longer `varchar(n)` rewrites nothing since PostgreSQL 9.2, and a shorter one is "
    "`changing-column-type`; the project decides whether a column has a limit",
    "require-enum-value-ordering": "a new value at the end does not change the order of the others",
    "require-lock-timeout": "every push sets `lock_timeout` (PUSHPROOF_LOCK_TIMEOUT)",
    "require-statement-timeout": "every push sets `statement_timeout` (PUSHPROOF_STATEMENT_TIMEOUT)",
    "require-timeout-settings": "an alias of the two above",
    "transaction-nesting": "`own-transaction` reports it",
}
# Errors. The statement loses rows, blocks others while it reads or writes every row, or fails on a table with rows.
LOSES = {"ban-drop-column", "ban-drop-database", "ban-drop-table"}
BLOCKS = {
    "adding-field-with-default",
    "adding-foreign-key-constraint",
    "adding-not-nullable-field",
    "adding-serial-primary-key-field",
    "changing-column-type",
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "require-concurrent-index-creation",
    "require-concurrent-reindex",
}
FAILS = {"adding-required-field"}
MISTAKES = {"ban-duplicate-column-assignments", "unused-ignore"}  # the latter reports an unknown rule name
# Warnings. The break is visible at once and reversible without loss; or the rule is a matter of taste.
BREAKS = {
    "ban-alter-identity",
    "ban-drop-constraint",
    "ban-drop-default",
    "ban-drop-domain",
    "ban-drop-extension",
    "ban-drop-function",
    "ban-drop-generated-expression",
    "ban-drop-not-null",
    "ban-drop-schema",
    "ban-drop-sequence",
    "ban-drop-type",
    "ban-drop-view",
    "ban-set-schema",
    "renaming-column",
    "renaming-object",
    "renaming-table",
    "require-concurrent-index-deletion",
    "require-concurrent-partition-detach",
}
TASTE = {
    "ban-alter-domain-with-add-constraint",
    "ban-char-field",
    "ban-create-domain-with-constraint",
    "identifier-too-long",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-timestamp-tz",
}
ERRORS = LOSES | BLOCKS | FAILS | MISTAKES
WARNINGS = BREAKS | TASTE | {SYNTAX}
RULES = ERRORS | WARNINGS
OF_WHAT_IS_THERE = LOSES | BLOCKS | FAILS | BREAKS  # they do not apply to a table that the same push makes

GONE = "once nothing reads it, ignore the rule with that reason"
ALONE = "write it `concurrently`, alone in a migration of its own"
LATER = "add it `not valid`; `validate constraint` in a later migration blocks nobody"
# Our hints for rules whose own advice is missing or not enough here.
HINTS = {
    "adding-foreign-key-constraint": LATER,
    "adding-serial-primary-key-field": "`create unique index concurrently` in a migration of its own, then "
    "`add primary key using index`",
    "ban-drop-column": GONE,
    "ban-drop-table": GONE,
    "changing-column-type": "add a column of the new type, fill it in batches, then change its readers",
    "constraint-missing-not-valid": LATER,
    "disallowed-unique-constraint": "`create unique index concurrently` in a migration of its own, then "
    "`add constraint … unique using index`",
    "require-concurrent-index-creation": ALONE,
    "require-concurrent-index-deletion": ALONE,
    "require-concurrent-reindex": ALONE,
    SYNTAX: "nothing, if the server accepts the file: only squawk's rules were not checked",
}


@dataclass(frozen=True)
class Violation:
    """A report of squawk on a line of a file."""

    file: Path
    line: int
    rule: str
    message: str
    hint: str

    @property
    def level(self) -> str:
        """error or warning; warning for a rule that our tables do not know."""
        return "error" if self.rule in ERRORS else "warning"


def lint(files: Sequence[Path]) -> list[Violation]:
    """Reports on files, each of which is pushed in one transaction. Raises PartsError if squawk is missing or fails.

    A .squawk.toml of the project is not read: an ignore must be in the migration file, with its reason.
    """
    if not files:
        return []
    flags = ("--assume-in-transaction", f"--pg-version={POSTGRES}", f"--exclude={','.join(OFF)}")
    paths = [glob.escape(str(file)) for file in files]  # squawk takes patterns
    result = process.run([binary(), f"--config={os.devnull}", "--reporter=json", *flags, *paths])
    try:
        return [_violation(report) for report in json.loads(result.stdout)]
    except (ValueError, KeyError):
        raise PartsError(
            f"squawk failed with exit code {result.code}",
            AGAIN,
            details=(result.stderr or result.stdout).strip()[-1000:],
        ) from None


def page_of(rule: str) -> str:
    """The URL of the documentation of a rule."""
    return f"https://squawkhq.com/docs/{rule}"


def _violation(report: dict[str, object]) -> Violation:
    rule = str(report["rule_name"])
    message = str(report["message"]).strip().rstrip(".")
    hint = HINTS.get(rule) or str(report["help"] or f"see {page_of(rule)}").strip().rstrip(".")
    return Violation(
        file=Path(str(report["file"])),
        line=int(str(report["line"])) + 1,  # squawk counts from 0
        rule=rule,
        message=message,
        hint=hint,
    )


def binary() -> Path:
    """The path of the program that pip installed. Raises PartsError if there is none."""
    from importlib import metadata

    try:
        files = metadata.files("squawk-cli") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.stem == "squawk" and (path := Path(str(file.locate()))).exists():
            return path.resolve()
    raise PartsError("squawk-cli is not installed", AGAIN)
