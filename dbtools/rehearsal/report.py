"""What a rehearsal found, in plain values that can be stored, drawn and bound to an approval."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

OK, WARN, STOP = "ok", "warn", "stop"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was proven, left open ("warn") or refuted ("stop"); `lines` is a diff for people."""

    name: str
    tone: str
    message: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One statement as it ran: rows it touched (-1: it does not say) and seconds."""

    number: int
    text: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Held:
    """The strongest lock on one table, and how many seconds before the end of the commit it was taken."""

    table: str
    mode: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Loss:
    """What is gone afterwards: rows of a table, or values of a column. `kept` is always the backup."""

    table: str
    column: str
    number: int
    message: str


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows of a table (`column` is ""), or values of a column that changed; None: it is not there."""

    table: str
    column: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """The whole rehearsal.

    Attributes:
        passed: whether nothing stops the approval.
        verdict: of the schema afterwards: "same", "same but for column order", "different" or "unknown".
        counts: every table's rows, and the values of each column that the run has touched.
        lose: the data-loss statement, a sentence for each loss.
        seconds: of the first run, which the real one is expected to take.
        total_seconds: of the whole rehearsal; `restore_seconds` of them for the restore.
        fingerprint_after: of the schema after the run; the real one has to end with it.
        sha256: of everything else in this report.
    """

    passed: bool
    message: str
    verdict: str
    checks: tuple[Check, ...]
    ran: tuple[Step, ...]
    counts: tuple[Counted, ...]
    losses: tuple[Loss, ...]
    lose: tuple[str, ...]
    locks: tuple[Held, ...]
    seconds: float
    restore_seconds: float
    total_seconds: float
    fingerprint_after: str
    backup_sha256: str
    script_sha256: str
    server: str
    sha256: str = ""

    def sealed(self) -> Report:
        """The same with its digest."""
        return replace(self, sha256=self.digest())

    def digest(self) -> str:
        told = {name: value for name, value in asdict(self).items() if name != "sha256"}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
