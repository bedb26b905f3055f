"""The rehearsal: this very backup, exactly these bytes, down, up and down, on a database of our own."""

from __future__ import annotations

from dbtools.rehearsal.rehearse import rehearse
from dbtools.rehearsal.report import OK, STOP, WARN, Check, Counted, Held, Loss, Report, Step
from dbtools.rehearsal.request import Execute, Fingerprint, Migration, Task

__all__ = [
    "OK", "STOP", "WARN", "Check", "Counted", "Execute", "Fingerprint", "Held", "Loss", "Migration", "Report",
    "Step", "Task", "rehearse",
]  # fmt: skip
