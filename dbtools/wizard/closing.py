"""Step 9: a person settles a run whose outcome is unknown."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from dbtools.models import DatabaseRollback
from dbtools.wizard.transitions import refuse, step
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor

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
