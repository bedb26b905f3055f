"""The banners about databases on every page: a run under way, and a break-glass that nobody has reviewed."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse

from dbtools.models import RUN_STATUSES, DatabaseRollback
from dbtools.models.document_field import UnreadableDocument

MOST_ROLLBACKS = 5


def banners_for_every_page() -> list[dict[str, str]]:
    """Each banner with its tone, its word, its message and the page that it links to. One query.

    A row that cannot be read is a banner, so that it does not take away the pages for rolling code back.
    """
    rows = DatabaseRollback.objects.select_related("database").filter(
        Q(status__in=RUN_STATUSES) | (~Q(broke_glass="") & Q(followed_up_at=None))
    )
    fields = ("status", "database__name", "selected", "broke_glass", "approved_by_name", "followed_up_at")
    try:
        return [banner for row in rows.only(*fields)[:MOST_ROLLBACKS] for banner in _banners(row)]
    except UnreadableDocument as error:
        message = f"Nothing of it is run until it is put right: {error}"
        return [{"tone": "bad", "word": "ROW UNREADABLE", "message": message, "url": reverse("databases")}]


def _banners(row: DatabaseRollback) -> list[dict[str, str]]:
    banners = []
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


def _banner(row: DatabaseRollback, tone: str, word: str, message: str) -> dict[str, str]:
    return {"tone": tone, "word": word, "message": message, "url": row.get_absolute_url()}
