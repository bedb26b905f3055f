"""Whether an approval still counts, who may still have it done, and who else could approve it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import QuerySet

from dbtools.models import ROLL_BACK, BackupRelease, DatabaseRollback
from rollback_portal.accounts.models import User
from rollback_portal.jobs import clock

SEEN_WITHIN = timedelta(minutes=15)


def expired(approved: DatabaseRollback | BackupRelease) -> str:
    """That an approval no longer counts, as a sentence; "" while it does."""
    if approved.expires_at is None or clock.now() > approved.expires_at:
        return "The approval was valid for 15 minutes and has expired."
    return ""


def lapsed(rollback: DatabaseRollback) -> str:
    """Why the run may not go on: somebody who answers for it lost the right to; "" while nobody has.

    Those are who requested it, wrote a part of its SQL, approved it, and started the run.
    """
    people = (rollback.requested_by_id, rollback.approved_by_id, rollback.started_by_id, *rollback.authors)
    return lost_by(people)


def lost_by(people: Iterable[int | None]) -> str:
    """That one of these people may no longer roll databases back, as a sentence; "" if all may."""
    asked = {pk for pk in people if pk is not None}
    lost = asked - set(admins().filter(pk__in=asked).values_list("pk", flat=True))
    if not lost:
        return ""
    person = User.objects.filter(pk=min(lost)).first()
    name = person.display if person else f"Person {min(lost)}"
    return f"{name} is no longer a database admin: the approval is void."


def seen_approver(rollback: DatabaseRollback, *, besides: int | None) -> User | None:
    """Who could approve it and was at the portal in the last 15 minutes, the latest first."""
    own = (besides, rollback.requested_by_id, *rollback.authors)
    since = clock.within_statement() - SEEN_WITHIN
    others = admins().filter(last_seen_at__gte=since).exclude(pk__in=[pk for pk in own if pk is not None])
    return others.order_by("-last_seen_at").first()


def admins() -> QuerySet[User]:
    """Everybody who may roll databases back today."""
    return User.objects.with_perm(ROLL_BACK)
