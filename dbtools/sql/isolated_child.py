"""The far side of `dbtools.sql.isolated`: one question about one text, answered in a process of its own.

It imports the parser and nothing else of the portal, so that it starts in a tenth of a second. Question and
answer are JSON, and the process gives up whatever it could harm the machine with before it reads the text.
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
from dbtools.sql.effects.row_effects import ends_transactions, row_changes
from dbtools.sql.effects.side_effects import unseen
from dbtools.sql.result import LIMITS
from dbtools.sql.syntax.parsing import NotSql, split

NO_MEMORY = 3  # the exit code where the memory did not suffice
LARGEST_ANSWER = 256 * 1024 * 1024


def main() -> None:
    """Answer the question on the standard input."""
    bound()
    gc.disable()  # nothing becomes garbage before the end, and looking for it takes half as long as parsing
    try:
        question = json.load(sys.stdin)
        json.dump(answer(**question), sys.stdout)
        sys.stdout.flush()
    except MemoryError:
        os._exit(NO_MEMORY)
    os._exit(0)  # without giving a million nodes back one by one


def bound() -> None:
    """Bound this process by the kernel, and be the first to go where the machine runs out of memory."""
    lower(resource.RLIMIT_CPU, LIMITS.seconds)
    lower(resource.RLIMIT_AS, LIMITS.memory)
    lower(resource.RLIMIT_FSIZE, LARGEST_ANSWER)
    lower(resource.RLIMIT_CORE, 0)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def lower(what: int, most: int) -> None:
    with suppress(ValueError, OSError):  # it is lower already, or this system has no such bound
        resource.setrlimit(what, (most, most + 1 if what == resource.RLIMIT_CPU else most))


def answer(ask: str, text: str, **named: Any) -> dict[str, Any]:
    """The answer in plain values, or the problem where it is no SQL."""
    try:
        return {"answer": QUESTIONS[ask](text, **named)}
    except NotSql as error:
        return {"not_sql": asdict(error.problem)}


def checked(text: str, *, schemas: Sequence[str], allow_opaque: bool) -> dict[str, Any]:
    """What is kept of a checked script: all but the text, which was there before."""
    script = check(text, schemas=schemas, allow_opaque=allow_opaque)
    return {**asdict(script), "text": "", "path": script.path}


def parts(text: str, *, most: int) -> list[tuple[str, str]]:
    """Each statement's text, and what the parser calls its kind."""
    return [(piece.text, type(piece.tree).__name__) for piece in split(text, statements=most)]


def beside(text: str) -> list[dict[str, Any]]:
    return [asdict(found) for found in unseen(text)]


def changes(text: str) -> list[dict[str, Any]]:
    return [asdict(change) for change in row_changes(text)]


QUESTIONS: dict[str, Callable[..., Any]] = {
    "check": checked,
    "parts": parts,
    "row changes": changes,
    "unseen": beside,
    "ends transactions": ends_transactions,
}
