"""Saves what a reading brought: masked lines, at most 500 of a view, or a sentence about what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction

from deployments.logs.masking import LineMasker, mask
from deployments.models import LogEntry, LogView
from deployments.models.log_view import MOST_LINES
from deployments.providers.base import Busy, NotAllowed, ProviderError
from deployments.providers.logs import LogLine, LogPage
from rollback_portal.jobs import clock
from rollback_portal.text import clean_line

MOST_ERRORS = 100  # that are kept although newer lines of other levels would displace them
LONGEST_SOURCE = 100  # characters
LONGEST_ERROR = 300  # characters
PAUSE = timedelta(seconds=10)  # after a failure that names no time
KEY_REFUSED_PAUSE = timedelta(seconds=60)  # only a person can give a key another right


@transaction.atomic
def save_lines(view: LogView, page: LogPage) -> None:
    """Store what is new of the page, and forget what is too much."""
    entries = [entry for entry in _entries(view, page.lines) if view.text.lower() in entry.message.lower()]
    LogEntry.objects.bulk_create(entries, ignore_conflicts=True)
    forgotten = _forget_surplus(view)
    first = view.read_at is None
    LogView.objects.filter(pk=view.pk).update(
        read_at=clock.now(),
        error="",
        retry_at=None,
        more=forgotten or (page.more if first else view.more or page.more),
        narrowed=page.narrowed,
        instances_before=view.instances_before if page.instances_before is None else page.instances_before,
    )


def save_failure(view: LogView, error: Exception) -> None:
    """Keep the sentence; the lines that are known stay."""
    now = clock.now()
    if isinstance(error, ProviderError):
        sentence = str(error)
    else:
        name = view.service.get_provider_display()
        sentence = f"The portal did not understand {name}'s answer ({type(error).__name__})."
    LogView.objects.filter(pk=view.pk).update(
        error=clean_line(mask(sentence), LONGEST_ERROR), retry_at=_retry_at(error, now)
    )


def _retry_at(error: Exception, now: datetime) -> datetime:
    if isinstance(error, Busy):
        return now + timedelta(seconds=error.retry_after)
    return now + (KEY_REFUSED_PAUSE if isinstance(error, NotAllowed) else PAUSE)


def _entries(view: LogView, lines: Sequence[LogLine]) -> list[LogEntry]:
    masker, seen = LineMasker(), Counter[str]()
    entries = []
    for line in lines:
        message = masker.mask(line.message, line.source, cut=line.cut)
        identity = line.id or f"{line.at.isoformat()} {line.source} {message}"
        seen[identity] += 1
        entries.append(
            LogEntry(
                view=view,
                line_id=sha256(f"{identity} {seen[identity]}".encode(errors="replace")).hexdigest(),
                at=line.at,
                kind=line.kind,
                level=line.level,
                source=clean_line(mask(line.source), LONGEST_SOURCE),
                message=message,
            )
        )
    return entries


def _forget_surplus(view: LogView) -> bool:
    """Keep the newest 500 lines, among them the newest 100 errors. Whether any line had to go."""
    rows = list(view.entries.order_by("-at", "-id").values_list("pk", "level"))
    errors = [pk for pk, level in rows if level == "error"][:MOST_ERRORS]
    others = [pk for pk, _ in rows if pk not in set(errors)]
    kept = {*errors, *others[: MOST_LINES - len(errors)]}
    surplus = [pk for pk, _ in rows if pk not in kept]
    LogEntry.objects.filter(pk__in=surplus).delete()
    return bool(surplus)
