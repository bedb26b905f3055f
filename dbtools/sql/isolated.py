"""Analyzes SQL in a child process with limited time and memory.

PostgreSQL's parser is C code that recurses over the input, and parsing 1 MB takes seconds of CPU and hundreds
of megabytes. A script that is to be run is always parsed in a child process. Migrations from the repository
are parsed in this process if they are at most `LIMITS.in_request` bytes, because there may be hundreds.
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

from dbtools.postgres.programs import Child, ProgramFailed, ProgramStopped
from dbtools.sql import LIMITS, InvalidSql, SqlProblem
from dbtools.sql.effects.conditional import ConditionalCreation
from dbtools.sql.effects.needs_rights import NeededRight
from dbtools.sql.effects.row_effects import RowChange
from dbtools.sql.effects.side_effects import SideEffect
from dbtools.sql.isolated_child import NO_MEMORY, run_operation
from dbtools.sql.replayable import MENTIONS
from rollback_portal.env import ROOT

log = logging.getLogger(__name__)

# Isolated mode: neither the environment nor the working directory affects what is imported.
START = "import sys; sys.path.insert(0, sys.argv[1]); from dbtools.sql.isolated_child import main; main()"
COMMAND = (sys.executable, "-I", "-c", START, str(ROOT))

TOO_SLOW = (
    "The SQL was not understood within {seconds} s: it is too large for one rollback, or this machine is too "
    "busy. Nothing was run. Write it shorter, or split the rollback up."
)
TOO_MUCH = (
    "The SQL needs more than {megabytes:,} MB of memory to be understood: it is too large for one rollback. "
    "Nothing was run. Write it shorter, or split the rollback up."
)
CRASHED = (
    "PostgreSQL's parser broke down over the SQL ({how}), so nobody can say what it would do. Nothing was "
    "run. Write it shorter and simpler."
)
OTHER_TEXT = "What was read is not the text that was written. Nothing was run. Write the SQL once more."


class AnalysisFailed(InvalidSql):
    """The text could not be analyzed within the limits; `str()` says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(SqlProblem(0, message))


@dataclass(frozen=True, slots=True)
class SplitStatement:
    """The exact text of a statement, and the parser's name of its kind, such as TransactionStmt."""

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
    standing_rights: Sequence[str] = (),
    undone: Sequence[str] = (),
    stop: Callable[[], bool] = _never,
) -> dict[str, Any]:
    """Run `sql.check` on the text in a child process, and return the result to be stored.

    Args:
        sha256: of the stored text, which has to be the same as the analyzed one.
        standing_rights, undone: as in `sql.check`.

    Raises:
        AnalysisFailed: it exceeded a limit, or the parser crashed.
        ProgramStopped: `stop` returned true, and the child was ended.
    """
    response = _run_in_child(
        "check", text, stop=stop, schemas=list(schemas), allow_opaque=allow_opaque,
        standing_rights=list(standing_rights), undone=list(undone),
    )  # fmt: skip
    stored: dict[str, Any] = _result(response)
    if stored["sha256"] != sha256:
        raise AnalysisFailed(OTHER_TEXT)
    del stored["text"]
    return stored


def split(text: str, *, limit: int) -> tuple[SplitStatement, ...]:
    """Split a text into at most `limit` statements.

    Raises:
        InvalidSql: PostgreSQL cannot parse it; as `AnalysisFailed`, it exceeded a limit.
    """
    return tuple(SplitStatement(*fields) for fields in _analyze("split", text, limit=limit))


def row_changes(text: str) -> tuple[RowChange, ...]:
    """Everything in a migration that may have changed rows, in order."""
    try:
        return tuple(_row_change(fields) for fields in _analyze("row changes", text))
    except AnalysisFailed:
        return (RowChange(0, "What it does to rows", "the text is too large to be read."),)


def _row_change(fields: dict[str, Any]) -> RowChange:
    return RowChange(**{**fields, "table": tuple(fields["table"]), "columns": tuple(fields["columns"])})


def side_effects(text: str) -> tuple[SideEffect, ...]:
    """What a migration changes besides schema and rows; for one that is too large see `row_changes`."""
    try:
        return tuple(SideEffect(**fields) for fields in _analyze("side effects", text))
    except AnalysisFailed:
        return ()


def conditional_creations(text: str) -> tuple[ConditionalCreation, ...]:
    """What a migration makes only where it does not stand; for one that is too large see `row_changes`."""
    try:
        return tuple(ConditionalCreation(**fields) for fields in _analyze("conditional creations", text))
    except AnalysisFailed:
        return ()


def needed_rights(text: str) -> tuple[NeededRight, ...]:
    """What a script needs to own, to make or to name.

    Raises:
        InvalidSql: PostgreSQL cannot parse it; as `AnalysisFailed`, it exceeded a limit.
    """
    fields = _analyze("needed rights", text)
    return tuple(NeededRight(**{**one, "name": tuple(one["name"])}) for one in fields)


def ends_transactions(text: str) -> bool:
    """Whether a migration has its own BEGIN or COMMIT; also true if it could not be analyzed."""
    try:
        return bool(_analyze("ends transactions", text))
    except AnalysisFailed:
        return True


def replayable(text: str) -> str:
    """A migration without what is about roles or the server, which a replay must not change.

    Raises:
        InvalidSql: it may be about them, but could not be read.
    """
    return str(_analyze("replayable", text)) if MENTIONS.search(text) else text


def _analyze(operation: str, text: str, **named: Any) -> Any:
    small = len(text.encode(errors="surrogatepass")) <= LIMITS.in_request
    run = run_operation if small else _run_in_child
    return _result(run(operation, text, **named))


def _result(response: dict[str, Any]) -> Any:
    if "not_sql" in response:
        raise InvalidSql(SqlProblem(**response["not_sql"]))
    return response["result"]


def _run_in_child(
    operation: str, text: str, *, stop: Callable[[], bool] = _never, **named: Any
) -> dict[str, Any]:
    """Run the operation in a new process, with files as input and output: a pipe could fill up and block."""
    until = time.monotonic() + LIMITS.seconds
    with TemporaryFile() as request, TemporaryFile() as output:
        request.write(json.dumps({"operation": operation, "text": text, **named}).encode())
        request.seek(0)
        with Child(COMMAND, None, source=request.fileno(), output=output.fileno()) as child:
            _wait(child, until, stop)
        output.seek(0)
        return _parse_output(output.read())


def _parse_output(output: bytes) -> dict[str, Any]:
    try:
        response: dict[str, Any] = json.loads(output)
    except ValueError:
        raise AnalysisFailed(CRASHED.format(how="no answer came")) from None
    return response


def _wait(child: Child, until: float, stop: Callable[[], bool]) -> None:
    try:
        child.wait(stop=lambda: time.monotonic() > until or stop())
    except ProgramStopped:
        if stop():
            raise
        raise AnalysisFailed(TOO_SLOW.format(seconds=LIMITS.seconds)) from None
    except ProgramFailed as error:
        log.warning("the process that parses SQL ended with %s: %s", child.process.returncode, error)
        raise AnalysisFailed(_why(child.process.returncode)) from None


def _why(code: int) -> str:
    """What the exit code means for the author of the SQL."""
    if code == -signal.SIGXCPU:
        return TOO_SLOW.format(seconds=LIMITS.seconds)
    if code == NO_MEMORY:
        return TOO_MUCH.format(megabytes=LIMITS.memory // 1024**2)
    return CRASHED.format(how=f"signal {-code}" if code < 0 else f"code {code}")
