"""What becomes of a step whose job raises an error that nobody foresaw: it ends, and a person is asked.

Without this the row would keep its status, and every worker would run into the same error again.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from dbtools.config import NotConfigured, load_databases
from dbtools.models import DatabaseRollback
from dbtools.postgres.client import redact
from dbtools.wizard.worker.context import WizardContext
from rollback_portal.audit.models import Outcome
from rollback_portal.jobs.lease import LeaseLost
from rollback_portal.text import clean_line

log = logging.getLogger(__name__)

LONGEST_ERROR = 300  # characters
# The status that a failed job leads to: where a person can do something about it. A run that had begun is
# looked up first.
LEADS_TO = {
    "reading": "choosing", "drafting": "writing", "checking": "writing", "preflight": "ready",
    "backing_up": "ready", "rehearsing": "ready", "running": "resolving", "committing": "resolving",
    "resolving": "needs_attention", "verifying": "needs_attention",
}  # fmt: skip
DURING = {
    "reading": "the migrations were read", "drafting": "a draft was worked out",
    "checking": "the SQL was checked", "preflight": "the preflight checks ran",
    "backing_up": "the backup was taken", "rehearsing": "the SQL was rehearsed",
    "running": "the SQL ran", "committing": "the transaction was being committed",
    "resolving": "the outcome of the run was looked up", "verifying": "the result was verified",
}  # fmt: skip
UNTOUCHED = "The database was not changed."
LOOKED_UP = "What became of the run is looked up now."
A_PERSON = "A person has to look; the database stays locked in the portal."
ENDINGS = {"resolving": LOOKED_UP, "needs_attention": A_PERSON}


def end_step(context: WizardContext, error: Exception) -> None:
    """End the step with a sentence, at the status in which a person can try again or change something.

    Raises:
        LeaseLost: somebody else has the row.
        DatabaseError: the portal's own database is away; the row is taken up again when it is back.
    """
    if isinstance(error, LeaseLost) or _portal_is_away(error):
        raise error
    status = context.rollback.status
    log.error("%s: the job for “%s” failed", context.rollback, status, exc_info=error)
    to = "approved" if _had_not_begun(context.rollback) else LEADS_TO[status]
    message = f"An error that nobody foresaw came up while {DURING[status]}: {in_words(error)}. "
    context.advance(
        to, message + ENDINGS.get(to, UNTOUCHED), action="step failed",
        outcome=Outcome.UNCLEAR if to in ENDINGS else Outcome.FAILED, failed_in=status, **_fields(status),
    )  # fmt: skip


def _portal_is_away(error: Exception) -> bool:
    """Whether the portal lost its own database, which ends by itself."""
    return isinstance(error, OperationalError | InterfaceError) and not connection.is_usable()


def _had_not_begun(rollback: DatabaseRollback) -> bool:
    """Whether a run has no transaction, so that nothing can have been changed."""
    in_transaction = rollback.sql_analysis.get("path") == "transaction"
    return rollback.status == "running" and in_transaction and not rollback.identity


def in_words(error: Exception) -> str:
    """Its kind and its text on one line, without the password of any configured database."""
    text = str(error)
    with suppress(NotConfigured, OSError):
        for config in load_databases().values():
            for address in (config.address, config.scratch_address):
                with suppress(NotConfigured):
                    known = address()
                    text = redact(text, known) if known is not None else text
    return clean_line(f"{type(error).__name__}: {text}".rstrip(":. "), LONGEST_ERROR)


def _fields(status: str) -> dict[str, Any]:
    """What the page of the status that follows expects of a failed job."""
    if status == "running":
        return {"cancel_requested_at": None, "started_by": None}
    return {"migrations": [], "selected": []} if status == "reading" else {}
