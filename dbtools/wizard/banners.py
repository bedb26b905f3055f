"""What every page says about databases: a run under way, and a break-glass that nobody has looked at."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from dbtools.models import WITHOUT_RETURN, DatabaseRollback


def for_everybody() -> list[dict[str, Any]]:
    """The bars, in plain values: tone, word, sentence and where it leads. One query."""
    rows = DatabaseRollback.objects.select_related("database").filter(
        Q(status__in=WITHOUT_RETURN) | (~Q(broke_glass="") & Q(followed_up_at=None))
    )
    fields = ("status", "database__name", "selected", "broke_glass", "approved_by_name", "followed_up_at")
    return [bar for row in rows.only(*fields)[:5] for bar in _bars(row)]


def _bars(row: DatabaseRollback) -> list[dict[str, Any]]:
    where, bars = row.get_absolute_url(), []
    if row.status == "needs_attention":
        said = f"{row.title} on {row.database}: it is not known what became of the run."
        said += " A database admin has to look."
        bars.append({"tone": "bad", "word": "DATABASE NEEDS ATTENTION", "message": said, "where": where})
    elif row.status in WITHOUT_RETURN:
        said = f"{row.title} is being rolled back on {row.database}. Code operations there wait."
        bars.append({"tone": "busy", "word": "DATABASE ROLLBACK", "message": said, "where": where})
    if row.follow_up_open:
        said = f"{row.approved_by_name} approved {row.title} on {row.database} alone: “{row.broke_glass}”"
        said += " A second database admin has to look at it."
        bars.append({"tone": "bad", "word": "BREAK-GLASS", "message": said, "where": where})
    return bars
