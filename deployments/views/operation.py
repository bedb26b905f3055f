"""One operation at its own address: the checklist while it runs, and what came of it, for ever.

The page asks its own address, at least once a second, and gets the parts that tick; what people read or
press is sent only when it has changed. It stops by itself, because the last answer asks for nothing more.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from deployments.models import Change
from deployments.operations import requests
from deployments.pages import manual_fallback
from deployments.pages.checklist import checklist, clock
from deployments.pages.status_text import Report, report, silence
from rollback_portal.accounts.permissions import actor_of, actor_user, requires
from rollback_portal.accounts.roles import OPERATE
from rollback_portal.web.pages import page

OFTEN_FOR = timedelta(seconds=15)


@require_safe
def operation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """`?seen=` is what the asking page shows already; without it everything is drawn."""
    change = _change(pk)
    now = timezone.now()
    pin = requests.standing_pin(change.service)
    pinned = pin is not None
    told = report(change, pinned=pinned)
    cancel = requests.can_cancel(change)
    by_hand = manual_fallback.for_change(change, pin)
    shown = _fingerprint(change, told, cancel, by_hand is not None)
    context: dict[str, Any] = {
        "change": change,
        "operation": change.operation,
        "service": change.service,
        "report": told,
        "lines": checklist(change, now, still_pinned=pinned),
        "elapsed": clock((change.ended_at or now) - change.operation.requested_at),
        "silence": silence(change, now),
        "cancel": cancel,
        "by_hand": by_hand,
        "may_operate": actor_user(request).has_perm(OPERATE),
        "pinned": pinned,
        "again": _ask_again(change, now),
        "evidence": sorted(change.evidence.items()),
        "shown": shown,
        "news": request.GET.get("seen") != shown,
    }
    return page(request, "deployments/progress.html", context, fragment="deployments/_progress.html")


def _change(pk: UUID) -> Change:
    change = Change.objects.shown().filter(operation=pk).first()
    if change is None:
        raise Http404(f"There is no operation {pk}. Operations are kept for ever: the address is mistyped.")
    return change


def _ask_again(change: Change, now: datetime) -> str:
    """How soon the page asks again: often at first and near the end, when a second is much."""
    young = now - change.operation.requested_at < OFTEN_FOR
    return "300ms" if young or change.status in {"serving", "restoring"} else "1s"


def _fingerprint(change: Change, told: Report, cancel: str, by_hand: bool) -> str:
    """Short, and different whenever the parts that do not tick would be drawn differently."""
    row = (change.status, change.message, change.cancel_requested_by, sorted(change.evidence))
    parts = (*row, cancel, told.now, told.next, by_hand)
    return f"{crc32(repr(parts).encode()):08x}"


@require_POST
@requires(OPERATE)
def settle(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A person says what became of an order that the portal could not find out."""
    change = _change(pk)
    answer = request.POST.get("applied", "")
    if answer not in {"yes", "no"}:
        messages.warning(request, "Say whether the order was applied: yes or no. Nothing was changed.")
    else:
        try:
            requests.settle(actor_of(request), change, applied=answer == "yes")
        except requests.NotPossible as error:
            messages.warning(request, str(error))
    return HttpResponseRedirect(change.operation.get_absolute_url(), status=303)


@require_POST
@requires(OPERATE)
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask the worker to stop; the operation's page says what came of it."""
    change = _change(pk)
    try:
        said = requests.ask_to_cancel(actor_of(request), change)
    except requests.NotPossible as error:
        messages.warning(request, str(error))
    else:
        messages.info(request, f"Cancel is asked for. {said}")
    return HttpResponseRedirect(change.operation.get_absolute_url(), status=303)
