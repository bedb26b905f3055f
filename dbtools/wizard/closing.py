"""Step 9 for people: settle what the portal could not find out, and restore a backup beside the database."""

from __future__ import annotations

import re

from django.db import IntegrityError, transaction
from django.utils import timezone

from dbtools.models import DatabaseRollback, Restore
from dbtools.wizard.transitions import NotPossible, record_step, refuse, step
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor
from rollback_portal.jobs.notify import notify_dispatchers

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
ANSWERS = {
    "again": ("resolving", "asks the database once more"),
    "committed": ("done", "looked at the database: the rollback was committed"),
    "not committed": ("unchanged", "looked at the database: nothing was changed"),
}


def settle(actor: Actor, rollback: DatabaseRollback, *, answer: str, words: str) -> None:
    """A person has looked at the database and says what became of the run, or has it asked once more.

    Raises:
        NotPossible: no answer or no words were given, or it does not wait for a person.
    """
    if answer not in ANSWERS:
        refuse(actor, rollback, "settling refused", "Choose what you found.")
    to, said = ANSWERS[answer]
    if to != "resolving" and len(words) < 10:
        refuse(actor, rollback, "settling refused", "Say in a sentence what you saw in the database.")
    ended = {} if to == "resolving" else {"ended_at": timezone.now()}
    step(
        actor, rollback, to, f"{actor.name} {said}. {words}".strip(), action="settled by hand",
        outcome=Outcome.DONE, **ended,
    )  # fmt: skip


def restore(actor: Actor, rollback: DatabaseRollback, *, name: str) -> None:
    """Put the backup into a new database, beside the one that it was taken of.

    Args:
        name: of the new database; it must not exist, and nothing that exists is touched.

    Raises:
        NotPossible: there is no backup (any more), the name is no plain one, or one is under way.
    """
    backup = rollback.backup
    if backup is None or backup.deleted_at is not None:
        refuse(actor, rollback, "restore refused", "There is no backup to restore.")
    if actor.user is None:
        refuse(actor, rollback, "restore refused", "Only a person can ask for it.")
    if not NAME.fullmatch(name):
        refuse(actor, rollback, "restore refused", "A name is made of a-z, 0-9 and _, up to 63 of them.")
    if name == rollback.database.name:
        refuse(actor, rollback, "restore refused", "The new database needs a name of its own.")
    try:
        with transaction.atomic():
            Restore.objects.create(
                backup=backup,
                name=name,
                requested_by=actor.user,
                requested_by_name=actor.name,
                status_times={"queued": timezone.now().isoformat()},
            )
            said = f"{actor.name} has the backup restored into the new database {name}."
            record_step(actor, rollback, "restore asked for", Outcome.ASKED, said)
            notify_dispatchers()
    except IntegrityError:
        raise NotPossible("This backup is being restored already. A second one was not started.") from None
