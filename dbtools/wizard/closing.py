"""Step 9: a person settles a run whose outcome is unknown."""

from __future__ import annotations

from dbtools.models import DatabaseRollback
from dbtools.wizard.transitions import refuse, refuse_if_mistyped, step
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor
from rollback_portal.jobs import clock

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
    refuse_if_mistyped(actor, rollback, "settling refused", typed)
    status, phrase = ANSWERS[answer]
    now = clock.now()
    step(
        actor, rollback, status, f"{actor.name} {phrase}. {findings.strip()}", action="settled by hand",
        outcome=Outcome.DONE, ended_at=now, settled_as=answer, settled_because=findings.strip(),
        settled_by_id=actor.user_id, settled_by_name=actor.name, settled_at=now,
    )  # fmt: skip
