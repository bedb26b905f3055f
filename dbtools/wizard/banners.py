"""The banners about databases on every page: a run, an approval that is asked for, an open break-glass."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse

from dbtools.models import ROLL_BACK, RUN_STATUSES, DatabaseRollback
from dbtools.models.document_field import UnreadableDocument
from rollback_portal.accounts.models import User

MOST_ROLLBACKS = 20
COUNTED_AT = "databases"  # the entry of the navigation, by the name of its address
FIELDS = (
    "status", "database__name", "selected", "broke_glass", "approved_by_name", "followed_up_at",
    "requested_by_id", "requested_by_name", "authors",
)  # fmt: skip


def banners_for_every_page(user: User) -> list[dict[str, str]]:
    """Each banner with its tone, its word, its message and the page that it links to. One query.

    One that waits for this very person names the entry of the navigation that counts it.

    A row that cannot be read is a banner, so that it does not take away the pages for rolling code back.
    """
    rows = DatabaseRollback.objects.select_related("database").filter(
        Q(status__in=(*RUN_STATUSES, "awaiting_approval")) | (~Q(broke_glass="") & Q(followed_up_at=None))
    )
    try:
        return [banner for row in rows.only(*FIELDS)[:MOST_ROLLBACKS] for banner in _banners(row, user)]
    except UnreadableDocument as error:
        message = f"Nothing of it is run until it is put right: {error}"
        return [{"tone": "bad", "word": "ROW UNREADABLE", "message": message, "url": reverse("databases")}]


def _banners(row: DatabaseRollback, user: User) -> list[dict[str, str]]:
    banners = []
    if row.status == "awaiting_approval" and _may_approve(row, user):
        message = (
            f"{row.requested_by_name} asks a second database admin to approve the rollback of {row.title} on"
        )
        message += f" {row.database}."
        banners.append(_banner(row, "warn", "APPROVAL WAITS FOR YOU", message) | {"counted_at": COUNTED_AT})
    if row.status == "needs_attention":
        message = f"{row.title} on {row.database}: it is not known what became of the run."
        message += " A database admin has to look."
        banners.append(_banner(row, "bad", "DATABASE NEEDS ATTENTION", message))
    elif row.status in RUN_STATUSES:
        message = f"{row.title} is being rolled back on {row.database}. Code operations there wait."
        banners.append(_banner(row, "busy", "DATABASE ROLLBACK", message))
    if row.follow_up_open:
        message = f"{row.approved_by_name} approved {row.title} on {row.database} alone: “{row.broke_glass}”"
        message += " A second database admin has to look at it."
        banners.append(_banner(row, "bad", "BREAK-GLASS", message))
    return banners


def _may_approve(row: DatabaseRollback, user: User) -> bool:
    """Looks at the permission last: on most pages nothing waits, and it need not be read."""
    return user.pk not in (row.requested_by_id, *row.authors) and user.has_perm(ROLL_BACK)


def _banner(row: DatabaseRollback, tone: str, word: str, message: str) -> dict[str, str]:
    return {"tone": tone, "word": word, "message": message, "url": row.get_absolute_url()}
