"""Which job belongs to which status."""

from __future__ import annotations

from collections.abc import Callable

from dbtools.work.checking import ask_guards, check
from dbtools.work.drafting import draft
from dbtools.work.hold import Hold
from dbtools.work.proving import back_up, rehearse
from dbtools.work.reading import read
from dbtools.work.running import look_up, run, verify

JOBS: dict[str, Callable[[Hold], None]] = {
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
