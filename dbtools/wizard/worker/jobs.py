"""The job that each worker status stands for."""

from __future__ import annotations

from collections.abc import Callable

from dbtools.wizard.worker.backup_and_rehearse import back_up, rehearse
from dbtools.wizard.worker.check import check_sql, run_preflight
from dbtools.wizard.worker.context import WizardContext
from dbtools.wizard.worker.draft import make_draft
from dbtools.wizard.worker.read_migrations import read_migrations
from dbtools.wizard.worker.run import run_sql
from dbtools.wizard.worker.verify import resolve_commit, verify

JOBS: dict[str, Callable[[WizardContext], None]] = {
    "reading": read_migrations,
    "drafting": make_draft,
    "checking": check_sql,
    "preflight": run_preflight,
    "backing_up": back_up,
    "rehearsing": rehearse,
    "running": run_sql,
    "committing": resolve_commit,
    "resolving": resolve_commit,
    "verifying": verify,
}
