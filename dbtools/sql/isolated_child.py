"""The child process of `dbtools.sql.isolated`: performs one operation on one text.

It imports nothing of the portal but the parser, so that it starts in a tenth of a second. Input and output
are JSON, and it limits its own resources before it reads the text.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dbtools.sql.check import check
from dbtools.sql.effects.conditional import conditional_creations
from dbtools.sql.effects.needs_rights import needed_rights
from dbtools.sql.effects.row_effects import ends_transactions, row_changes
from dbtools.sql.effects.side_effects import side_effects
from dbtools.sql.replayable import replayable
from dbtools.sql.result import LIMITS
from dbtools.sql.syntax.parsing import InvalidSql, split

NO_MEMORY = 3  # exit code when memory ran out
LARGEST_OUTPUT = 256 * 1024 * 1024


def main() -> None:
    """Perform the operation that is described on standard input."""
    limit_resources()
    gc.disable()  # nothing becomes garbage before the end, and collecting takes half as long as parsing
    try:
        request = json.load(sys.stdin)
        json.dump(run_operation(**request), sys.stdout)
        sys.stdout.flush()
    except MemoryError:
        os._exit(NO_MEMORY)
    os._exit(0)  # skips freeing a million nodes one by one


def limit_resources() -> None:
    """Set kernel limits, and let this process be killed first if the machine runs out of memory."""
    lower_limit(resource.RLIMIT_CPU, LIMITS.seconds)
    lower_limit(resource.RLIMIT_AS, LIMITS.memory)
    lower_limit(resource.RLIMIT_FSIZE, LARGEST_OUTPUT)
    lower_limit(resource.RLIMIT_CORE, 0)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def lower_limit(what: int, limit: int) -> None:
    with suppress(ValueError, OSError):  # already lower, or not supported
        resource.setrlimit(what, (limit, limit + 1 if what == resource.RLIMIT_CPU else limit))


def run_operation(operation: str, text: str, **named: Any) -> dict[str, Any]:
    """The result as plain values, or the problem if the text is not valid SQL."""
    try:
        return {"result": OPERATIONS[operation](text, **named)}
    except InvalidSql as error:
        return {"not_sql": asdict(error.problem)}


def checked_script(text: str, *, schemas: Sequence[str], **named: Any) -> dict[str, Any]:
    """The result of the check without the text, which is stored already."""
    script = check(text, schemas=schemas, **named)
    return {**asdict(script), "text": "", "path": script.path}


def statements(text: str, *, limit: int) -> list[tuple[str, str]]:
    """The text of each statement, and the parser's name of its kind."""
    return [(piece.text, type(piece.tree).__name__) for piece in split(text, statements=limit)]


def side_effects_as_json(text: str) -> list[dict[str, Any]]:
    return [asdict(effect) for effect in side_effects(text)]


def row_changes_as_json(text: str) -> list[dict[str, Any]]:
    return [asdict(change) for change in row_changes(text)]


def conditional_creations_as_json(text: str) -> list[dict[str, Any]]:
    return [asdict(found) for found in conditional_creations(text)]


def needed_rights_as_json(text: str) -> list[dict[str, Any]]:
    return [asdict(found) for found in needed_rights(text)]


OPERATIONS: dict[str, Callable[..., Any]] = {
    "check": checked_script,
    "split": statements,
    "row changes": row_changes_as_json,
    "side effects": side_effects_as_json,
    "conditional creations": conditional_creations_as_json,
    "needed rights": needed_rights_as_json,
    "ends transactions": ends_transactions,
    "replayable": replayable,
}
