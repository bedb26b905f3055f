"""Which job belongs to which status."""

from __future__ import annotations

from collections.abc import Callable

from dbtools.wizard.worker.backup_and_rehearse import back_up, rehearse
from dbtools.wizard.worker.check import ask_guards, check
from dbtools.wizard.worker.context import WizardContext
from dbtools.wizard.worker.draft import draft
from dbtools.wizard.worker.read_migrations import read
from dbtools.wizard.worker.run_and_verify import look_up, run, verify

JOBS: dict[str, Callable[[WizardContext], None]] = {
    "reading": read,
    "drafting": draft,
    "checking": check,
    "preflight": ask_guards,
    "backing_up": back_up,
    "rehearsing": rehearse,
    "running": run,
    "committing": look_up,
    "resolving": look_up,
    "verifying": verify,
}
