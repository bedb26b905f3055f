"""What people look at: a page writes a wish, and a worker reads the provider's log while it is fresh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from deployments.models import Change, LogView, Service
from deployments.models.log_view import LOOKED_AT_FOR
from rollback_portal.jobs import clock

READ_EVERY = timedelta(seconds=10)
WISH_EVERY = timedelta(seconds=5)  # a page that polls more often does not write more often
KEPT_FOR = timedelta(hours=1)  # after the last look; then the lines go
MOST_VIEWS = 200  # that are kept: each set of filters is one


@dataclass(frozen=True, slots=True)
class LogFilters:
    """Which lines somebody wants; "" is no filter. `text` is searched in the masked lines."""

    kind: str = ""
    level: str = ""
    text: str = ""


def look(service: Service, change: Change | None, filters: LogFilters) -> LogView:
    """Somebody looks: the view, which is read from now on until nobody has looked for 30 s."""
    now = clock.now()
    view, made = LogView.objects.get_or_create(
        service=service,
        change=change,
        kind=filters.kind,
        level=filters.level,
        text=filters.text,
        defaults={"wanted_since": now, "wanted_at": now},
    )
    if not made and not now - WISH_EVERY < view.wanted_at <= now:
        if not now - LOOKED_AT_FOR < view.wanted_at <= now:
            view.wanted_since = now
        view.wanted_at = now
        view.save(update_fields=["wanted_since", "wanted_at"])
    return view


def due(provider: str, most: int) -> list[LogView]:
    """The views that somebody looks at and that are to be read now, claimed for this worker.

    Those that were never read come first, then those read longest ago.
    """
    now = clock.now()
    views = (
        _wanted(now)
        .filter(service__provider=provider)
        .select_related("service__live", "change__operation", "change__to_deployment", "change__service")
    )
    order = F("tried_at").asc(nulls_first=True)
    claimed = []
    for view in views.filter(_is_due(now)).order_by(order, "-wanted_at")[:most]:
        row = LogView.objects.filter(_is_due(now), pk=view.pk)
        if row.update(tried_at=now):
            claimed.append(view)
    return claimed


def prune() -> None:
    """Forget what nobody has looked at for an hour, and the oldest where there are too many."""
    now = clock.now()
    LogView.objects.filter(Q(wanted_at__lt=now - KEPT_FOR) | Q(wanted_at__gt=now + KEPT_FOR)).delete()
    surplus = LogView.objects.order_by("-wanted_at").values("pk")[MOST_VIEWS:]
    LogView.objects.filter(pk__in=list(surplus.values_list("pk", flat=True))).delete()


def _wanted(now: datetime) -> QuerySet[LogView]:
    return LogView.objects.filter(wanted_at__gt=now - LOOKED_AT_FOR, wanted_at__lte=now + LOOKED_AT_FOR)


def _is_due(now: datetime) -> Q:
    """Not tried just now, and not to be left alone; a time ahead was written by a clock that was wrong."""
    tried = Q(tried_at=None) | Q(tried_at__lte=now - READ_EVERY) | Q(tried_at__gt=now)
    free = Q(retry_at=None) | Q(retry_at__lte=now) | Q(retry_at__gt=now + KEPT_FOR)
    return tried & free
