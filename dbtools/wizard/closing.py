"""Step 9: a person settles a run whose outcome is unknown, or has a backup restored into a new database."""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from dbtools.models import DatabaseRollback, Restore
from dbtools.wizard.transitions import StepRefused, record_step, refuse, step
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor
from rollback_portal.jobs.notify import notify_dispatchers

DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
SHORTEST_FINDINGS = 10  # characters
# A person's answer -> the status that it leads to, and what the audit log says.
ANSWERS = {
    "again": ("resolving", "checks the database once more"),
    "committed": ("done", "looked at the database: the rollback was committed"),
    "not committed": ("unchanged", "looked at the database: nothing was changed"),
}


def settle(actor: Actor, rollback: DatabaseRollback, *, answer: str, findings: str) -> None:
    """A person has looked at the database and says how the run ended, or has the worker look once more.

    Args:
        answer: a key of ANSWERS.
        findings: what they saw; needed unless the worker is to look again.

    Raises:
        StepRefused: no answer or no findings were given, or its outcome is not unknown.
    """
    if answer not in ANSWERS:
        refuse(actor, rollback, "settling refused", "Choose what you found.")
    status, phrase = ANSWERS[answer]
    if status != "resolving" and len(findings) < SHORTEST_FINDINGS:
        refuse(actor, rollback, "settling refused", "Say in a sentence what you saw in the database.")
    ended: dict[str, Any] = {} if status == "resolving" else {"ended_at": timezone.now()}
    step(
        actor, rollback, status, f"{actor.name} {phrase}. {findings}".strip(), action="settled by hand",
        outcome=Outcome.DONE, **ended,
    )  # fmt: skip


def request_restore(actor: Actor, rollback: DatabaseRollback, *, name: str) -> None:
    """Have the backup restored into a new database on the same server.

    Args:
        name: of the new database. It must not exist yet; existing databases are not touched.

    Raises:
        StepRefused: the backup is missing or deleted, the name is invalid, or a restore is under way.
    """
    backup = rollback.backup
    if backup is None or backup.deleted_at is not None:
        refuse(actor, rollback, "restore refused", "There is no backup to restore.")
    if actor.user_id is None:
        refuse(actor, rollback, "restore refused", "Only a person can request it.")
    if not DATABASE_NAME.fullmatch(name):
        refuse(actor, rollback, "restore refused", "A name is made of a-z, 0-9 and _, up to 63 of them.")
    if name == rollback.database.name:
        refuse(actor, rollback, "restore refused", "The new database needs a name of its own.")
    try:
        with transaction.atomic():
            Restore.objects.create(
                backup=backup,
                name=name,
                requested_by_id=actor.user_id,
                requested_by_name=actor.name,
                status_times={"queued": timezone.now().isoformat()},
            )
            message = f"{actor.name} restores the backup into the new database {name}."
            record_step(actor, rollback, "restore requested", Outcome.ASKED, message)
            notify_dispatchers()
    except IntegrityError:
        raise StepRefused("This backup is being restored already. A second one was not started.") from None
