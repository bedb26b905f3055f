"""Step 9: a person settles a run whose outcome is unknown, or has a backup restored into a new database."""

from __future__ import annotations

import hmac
import re

from django.db import IntegrityError, transaction
from django.utils import timezone

from dbtools.models import DatabaseRollback, Restore
from dbtools.wizard.transitions import StepRefused, record_step, refuse, step
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor
from rollback_portal.jobs.notify import notify_dispatchers

DATABASE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
SHORTEST_FINDINGS = 10  # characters
# What a person found -> the status that it leads to, and what the audit log says.
ANSWERS = {
    "committed": ("done", "looked at the database: it stands as wanted, rolled back"),
    "undone": ("unchanged", "looked at the database: what the run did was undone by hand"),
    "not committed": ("unchanged", "looked at the database: nothing was changed"),
}


def look_again(actor: Actor, rollback: DatabaseRollback) -> None:
    """Have the worker look once more how the run ended.

    Raises:
        StepRefused: it does not need attention.
    """
    message = f"{actor.name} has the database looked at once more."
    step(actor, rollback, "resolving", message, action="looked at again")


def settle(actor: Actor, rollback: DatabaseRollback, *, answer: str, findings: str, typed: str) -> None:
    """A person has looked at the database and says how it stands; that unlocks it in the portal.

    Args:
        answer: a key of ANSWERS.
        findings: what they saw.
        typed: has to be exactly `<database>/<migration>`.

    Raises:
        StepRefused: no answer or no findings were given, it was mistyped, or it does not need attention.
    """
    if answer not in ANSWERS:
        refuse(actor, rollback, "settling refused", "Choose what you found.")
    if len(findings.strip()) < SHORTEST_FINDINGS:
        refuse(actor, rollback, "settling refused", "Say in a sentence what you saw in the database.")
    if not hmac.compare_digest(typed.strip().encode(), rollback.phrase.encode()):
        refuse(actor, rollback, "settling refused", f"What was typed is not {rollback.phrase}.")
    status, phrase = ANSWERS[answer]
    now = timezone.now()
    step(
        actor, rollback, status, f"{actor.name} {phrase}. {findings.strip()}", action="settled by hand",
        outcome=Outcome.DONE, ended_at=now, settled_as=answer, settled_because=findings.strip(),
        settled_by_id=actor.user_id, settled_by_name=actor.name, settled_at=now,
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
