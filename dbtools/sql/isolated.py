"""SQL is read in a process of its own: bounded in time and memory, and nothing that it does can harm us.

PostgreSQL's parser is C that recurses over what people write, and the tree of 1 MB takes seconds of a
processor and hundreds of megabytes. A script that is to run is always read apart. Texts from the repository
are read here up to `LIMITS.in_request` bytes, because a history has hundreds of them; larger ones apart.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

from dbtools.postgres.programs import Child, Failed, Stopped
from dbtools.sql import LIMITS, NotSql, Problem
from dbtools.sql.effects.row_effects import RowChange
from dbtools.sql.effects.side_effects import Unseen
from dbtools.sql.isolated_child import NO_MEMORY, answer
from rollback_portal.env import ROOT

log = logging.getLogger(__name__)

# Isolated: neither the environment nor the folder that we stand in says what is imported.
START = "import sys; sys.path.insert(0, sys.argv[1]); from dbtools.sql.isolated_child import main; main()"
COMMAND = (sys.executable, "-I", "-c", START, str(ROOT))

LATE = (
    "The SQL was not understood within {seconds} s: it is too large for one rollback, or this machine is too "
    "busy. Nothing was run. Write it shorter, or split the rollback up."
)
TOO_MUCH = (
    "The SQL needs more than {megabytes:,} MB of memory to be understood: it is too large for one rollback. "
    "Nothing was run. Write it shorter, or split the rollback up."
)
BROKE = (
    "PostgreSQL's parser broke down over the SQL ({how}), so nobody can say what it would do. Nothing was "
    "run. Write it shorter and simpler."
)
ANOTHER = "What was read is not the text that was written. Nothing was run. Write the SQL once more."


class NotRead(NotSql):
    """The text was not understood within its bounds; `str()` says why, what is still true and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(Problem(0, message))


@dataclass(frozen=True, slots=True)
class Part:
    """One statement: its exact text, and what the parser calls its kind, such as TransactionStmt."""

    text: str
    kind: str


def _never() -> bool:
    return False


def check(
    text: str,
    *,
    sha256: str,
    schemas: Sequence[str],
    allow_opaque: bool,
    stop: Callable[[], bool] = _never,
) -> dict[str, Any]:
    """What `sql.check` says of exactly the text with this SHA-256, as it is stored.

    Raises:
        NotRead: it took too long or too much, or the parser broke down over it.
        Stopped: `stop` said so; nothing is left running.
    """
    found = _apart("check", text, stop, schemas=list(schemas), allow_opaque=allow_opaque)
    stored: dict[str, Any] = _answered(found)
    if stored["sha256"] != sha256:
        raise NotRead(ANOTHER)
    del stored["text"]
    return stored


def split(text: str, *, most: int) -> tuple[Part, ...]:
    """The statements of a text, of which there may be so many.

    Raises:
        NotSql: PostgreSQL cannot read it; as NotRead, it was not understood within its bounds.
    """
    return tuple(Part(*each) for each in _ask("parts", text, most=most))


def row_changes(text: str) -> tuple[RowChange, ...]:
    """Everything in a migration that may have changed rows, in its order."""
    try:
        return tuple(RowChange(**each) for each in _ask("row changes", text))
    except NotRead:
        return (RowChange(0, "What it does to rows", "the text is too large to be read."),)


def unseen(text: str) -> tuple[Unseen, ...]:
    """What a migration changes beside schema and rows; of one that is too large, `row_changes` tells."""
    try:
        return tuple(Unseen(**each) for each in _ask("unseen", text))
    except NotRead:
        return ()


def ends_transactions(text: str) -> bool:
    """Whether a migration has a BEGIN or COMMIT of its own, or nobody knows."""
    try:
        return bool(_ask("ends transactions", text))
    except NotRead:
        return True


def _ask(ask: str, text: str, **named: Any) -> Any:
    small = len(text.encode(errors="surrogatepass")) <= LIMITS.in_request
    return _answered(answer(ask, text, **named) if small else _apart(ask, text, _never, **named))


def _answered(found: dict[str, Any]) -> Any:
    if "not_sql" in found:
        raise NotSql(Problem(**found["not_sql"]))
    return found["answer"]


def _apart(ask: str, text: str, stop: Callable[[], bool], **named: Any) -> dict[str, Any]:
    """Ask a new process. Files carry question and answer: no pipe can fill up while nobody reads it."""
    until = time.monotonic() + LIMITS.seconds
    with TemporaryFile() as asked, TemporaryFile() as answered:
        asked.write(json.dumps({"ask": ask, "text": text, **named}).encode())
        asked.seek(0)
        with Child(COMMAND, None, source=asked.fileno(), output=answered.fileno()) as child:
            _wait(child, until, stop)
        answered.seek(0)
        return _read(answered.read())


def _read(answered: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(answered)
    except ValueError:
        raise NotRead(BROKE.format(how="no answer came")) from None
    return found


def _wait(child: Child, until: float, stop: Callable[[], bool]) -> None:
    try:
        child.wait(stop=lambda: time.monotonic() > until or stop())
    except Stopped:
        if stop():
            raise
        raise NotRead(LATE.format(seconds=LIMITS.seconds)) from None
    except Failed as error:
        log.warning("the process that reads SQL ended with %s: %s", child.process.returncode, error)
        raise NotRead(_why(child.process.returncode)) from None


def _why(code: int) -> str:
    """What an exit code means for whoever wrote the SQL."""
    if code == -signal.SIGXCPU:
        return LATE.format(seconds=LIMITS.seconds)
    if code == NO_MEMORY:
        return TOO_MUCH.format(megabytes=LIMITS.memory // 1024**2)
    return BROKE.format(how=f"signal {-code}" if code < 0 else f"code {code}")
