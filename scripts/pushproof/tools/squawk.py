"""squawk, a linter of migrations: https://squawkhq.com. The only place that knows its flags, rules and output."""

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
SYNTAX = "syntax-error"  # its own parser's: no rule that could be switched off
AGAIN = "install it anew: `.venv/bin/pip install --force-reinstall -e .`"

# What it would say, and why we do not ask.
OFF = {
    "ban-concurrent-index-creation-in-transaction": "`not-transactional` says it, of every such statement",
    "ban-truncate-cascade": "`drop-cascade` says it",
    "ban-uncommitted-transaction": "`own-transaction` says it",
    "prefer-repack": "PostgreSQL 17 has no `repack`",
    "prefer-robust-stmts": "a file runs whole or not at all, so no half of it is run again; and `if not exists` takes "
    "whatever bears the name for what was meant, an index that failed to build included",
    "prefer-text-field": "a longer `varchar(n)` rewrites nothing since PostgreSQL 9.2, and a shorter one is "
    "`changing-column-type`; whether a column has a limit is for the project to say",
    "require-enum-value-ordering": "a new value at the end is what leaves the order of the others as it is",
    "require-lock-timeout": "every push sets `lock_timeout` (PUSHPROOF_LOCK_TIMEOUT)",
    "require-statement-timeout": "every push sets `statement_timeout` (PUSHPROOF_STATEMENT_TIMEOUT)",
    "require-timeout-settings": "an alias of the two above",
    "transaction-nesting": "`own-transaction` says it",
}
# Errors. Rows go, or everybody waits while every row is read or written, or it cannot work where there are rows.
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
MISTAKES = {"ban-duplicate-column-assignments", "unused-ignore"}  # the latter: a name that it does not know
# Warnings. Seen at once and taken back without loss; or a matter of taste.
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
OF_WHAT_IS_THERE = LOSES | BLOCKS | FAILS | BREAKS  # none of it matters on a table that the same push makes

GONE = "once nothing reads it any more, say so in an ignore with its reason"
ALONE = "write it `concurrently`, alone in a migration of its own"
LATER = "add it `not valid`; `validate constraint` in a later migration blocks nobody"
# Where its own advice is none, or not enough here.
HINTS = {
    "adding-foreign-key-constraint": LATER,
    "adding-serial-primary-key-field": "`create unique index concurrently` in a migration of its own, then "
    "`add primary key using index`",
    "ban-drop-column": GONE,
    "ban-drop-table": GONE,
    "changing-column-type": "add a column of the new type, fill it in batches, then change who reads it",
    "constraint-missing-not-valid": LATER,
    "disallowed-unique-constraint": "`create unique index concurrently` in a migration of its own, then "
    "`add constraint … unique using index`",
    "require-concurrent-index-creation": ALONE,
    "require-concurrent-index-deletion": ALONE,
    "require-concurrent-reindex": ALONE,
    SYNTAX: "nothing, if the server takes the file: only squawk's rules were not asked of it",
}


@dataclass(frozen=True)
class Violation:
    """What it says of a line of a file."""

    file: Path
    line: int
    rule: str
    message: str
    hint: str

    @property
    def level(self) -> str:
        """error or warning; a warning for a rule that is newer than our table."""
        return "error" if self.rule in ERRORS else "warning"


def lint(files: Sequence[Path]) -> list[Violation]:
    """Its reports on files that are pushed one transaction each. Raises PartsError where it is missing or fails.

    A .squawk.toml of the project is not read: what is ignored stands in the file, with its reason.
    """
    if not files:
        return []
    flags = ("--assume-in-transaction", f"--pg-version={POSTGRES}", f"--exclude={','.join(OFF)}")
    paths = [glob.escape(str(file)) for file in files]  # it takes patterns
    done = process.run([binary(), f"--config={os.devnull}", "--reporter=json", *flags, *paths])
    try:
        return [_report(one) for one in json.loads(done.stdout)]
    except (ValueError, KeyError):
        raise PartsError(
            f"squawk failed with exit code {done.code}", AGAIN, details=(done.stderr or done.stdout).strip()[-1000:]
        ) from None


def page_of(rule: str) -> str:
    """Where a rule is documented."""
    return f"https://squawkhq.com/docs/{rule}"


def _report(one: dict[str, object]) -> Violation:
    rule = str(one["rule_name"])
    message = str(one["message"]).strip().rstrip(".")
    hint = HINTS.get(rule) or str(one["help"] or f"see {page_of(rule)}").strip().rstrip(".")
    return Violation(
        file=Path(str(one["file"])), line=int(str(one["line"])) + 1, rule=rule, message=message, hint=hint
    )  # it counts from 0


def binary() -> Path:
    """The program that pip put where scripts go. Raises PartsError."""
    from importlib import metadata

    try:
        found = metadata.files("squawk-cli") or []
    except metadata.PackageNotFoundError:
        found = []
    for file in found:
        if file.stem == "squawk" and (path := Path(str(file.locate()))).exists():
            return path.resolve()
    raise PartsError("squawk-cli is not installed", AGAIN)
