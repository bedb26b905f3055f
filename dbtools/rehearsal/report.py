"""The report of a rehearsal, as plain values that can be stored, displayed and bound to an approval."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

from dbtools.postgres.state import SchemaChange

OK, WARN, STOP = "ok", "warn", "stop"


@dataclass(frozen=True, slots=True)
class RehearsalCheck:
    """One check: passed, left open ("warn") or failed ("stop").

    Attributes:
        lines: a diff for display, or each difference with its count.
        examples: single rows, masked, for people who may roll databases back.
    """

    name: str
    tone: str
    message: str
    lines: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RehearsedStatement:
    """One executed statement: the rows it touched (-1 if PostgreSQL does not say) and the seconds."""

    number: int
    text: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TableLock:
    """The strongest lock on a table, and how many seconds it was held until the commit."""

    table: str
    mode: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Loss:
    """Lost rows of a table, or values of a column. The backup still has them."""

    table: str
    column: str
    number: int
    message: str


@dataclass(frozen=True, slots=True)
class CountChange:
    """The number of rows of a table (`column` is ""), or of values of a column; None if it is absent."""

    table: str
    column: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class RehearsalReport:
    """The whole rehearsal.

    Attributes:
        passed: whether no check failed.
        verdict: on the schema after the run: "same", "same but for column order", "different" or "unknown".
        counts: the rows of every table, and the values of every column that the run changed.
        lose: a sentence for each loss.
        seconds: of the first run, as an estimate for the real one.
        total_seconds: of the whole rehearsal, of which `restore_seconds` for the restore, and
            `comparison_seconds` for the second copy and for comparing rows, sequences and attributes.
        change: what the run changed in the schema; the real run has to change the same.
        sha256: of all other fields.
    """

    passed: bool
    message: str
    verdict: str
    checks: tuple[RehearsalCheck, ...]
    ran: tuple[RehearsedStatement, ...]
    counts: tuple[CountChange, ...]
    losses: tuple[Loss, ...]
    lose: tuple[str, ...]
    locks: tuple[TableLock, ...]
    seconds: float
    restore_seconds: float
    comparison_seconds: float
    total_seconds: float
    change: SchemaChange | None
    backup_sha256: str
    script_sha256: str
    server: str
    sha256: str = ""

    def sealed(self) -> RehearsalReport:
        """The same report with its digest."""
        return replace(self, sha256=self.digest())

    def digest(self) -> str:
        fields = {name: value for name, value in asdict(self).items() if name != "sha256"}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
