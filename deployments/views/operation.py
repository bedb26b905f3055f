"""The page of one operation: the checklist while it runs, and its outcome afterwards.

While it runs, the page polls its own address at least once a second and gets the parts that tick; what people
read or press is sent only when it has changed. While its verdict is watched it goes on, every few seconds.
The answer after that asks for no more polls.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from deployments.models import OPERATE, Change, OperationKind
from deployments.models.operation import SERVES_AND_FAILS
from deployments.operations import overdue, requests
from deployments.operations.previous import suggested
from deployments.pages import manual_fallback
from deployments.pages.checklist import checklist
from deployments.pages.status_text import (
    BADGES,
    FAILS_SINCE,
    StatusText,
    no_news,
    progress_message,
    status_text,
    still_pinned,
    waits_too_long,
)
from deployments.pages.verdicts.panel import VerdictPanel, verdict_panel
from deployments.views.logs import panel_context
from rollback_portal.accounts.permissions import actor_of, actor_user, requires
from rollback_portal.jobs import clock
from rollback_portal.text import elapsed
from rollback_portal.web.pages import page
from rollback_portal.web.unchanged import fingerprint, is_unchanged

OFTEN_FOR = timedelta(seconds=15)


@require_safe
def operation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The page, or for a polling page its ticking part, with the rest only where it has changed."""
    change = _change(pk)
    now = clock.now()
    pin = change.service.standing_pin
    pinned = pin is not None
    status = status_text(change, now, pinned=pinned)
    verdict = verdict_panel(change, now)
    cancel = requests.can_cancel(change)
    too_long = waits_too_long(change, now)
    manual_commands = manual_fallback.for_change(change, pin, overdue=bool(too_long))
    version = _version(change, status, verdict, cancel, manual_commands is not None, bool(too_long))
    context: dict[str, Any] = {
        "change": change,
        "operation": change.operation,
        "service": change.service,
        "status": status,
        "verdict": verdict,
        "steps": checklist(change, now, still_pinned=pinned),
        "elapsed": elapsed((change.ended_at or now) - change.operation.requested_at),
        "no_news": no_news(change, now),
        "cancel": cancel,
        "too_long": too_long,
        "manual_commands": manual_commands,
        "may_operate": actor_user(request).has_perm(OPERATE),
        "pinned": pinned,
        "still_pinned": still_pinned(change, pinned=pinned),
        "progress_message": progress_message(change),
        "poll_every": _poll_interval(change, verdict, now),
        "evidence": sorted(change.evidence.items()),
        "version": version,
        "send_again_url": _send_again_url(change),
        "further_url": _further_url(change, status),
        "offer_dashboard": bool(change.service.dashboard_url)
        and change.status in {"failed", "needs_attention"},
        "has_changed": not is_unchanged(request, version),
    }
    if not request.htmx:  # type: ignore[attr-defined]  # the panel polls by itself
        context |= panel_context(request, change.service, change)
    return page(request, "deployments/progress.html", context, fragment="deployments/_progress.html")


def _change(pk: UUID) -> Change:
    change = Change.objects.shown().filter(operation=pk).first()
    if change is None:
        raise Http404(f"There is no operation {pk}. Operations are never deleted: the address is mistyped.")
    return change


def _send_again_url(change: Change) -> str:
    """The confirm dialog for the same target; leaving a rollback has its own button."""
    if change.active or change.to_deployment is None or change.operation.kind == OperationKind.LEAVE:
        return ""
    name = "promote" if change.operation.kind == OperationKind.PROMOTE else "roll_back"
    return reverse(name, args=[change.service.slug, change.to_deployment.provider_id])


def _further_url(change: Change, status: StatusText) -> str:
    """The confirm dialog of what is suggested instead of the target, where that fails users; else ""."""
    if not change.ended or status.badge not in {BADGES[SERVES_AND_FAILS], FAILS_SINCE}:
        return ""
    further = suggested([change.service]).get(change.service_id)
    return reverse("roll_back", args=[change.service.slug, further.deployment.provider_id]) if further else ""


def _poll_interval(change: Change, verdict: VerdictPanel | None, now: datetime) -> str:
    """How often the page polls: more often at the start and near the end, when a second matters.

    "" once nothing changes any more.
    """
    if change.ended:
        return "5s" if verdict is not None and verdict.watched else ""
    young = now - change.operation.requested_at < OFTEN_FOR
    return "300ms" if young or change.status in {"serving", "restoring"} else "1s"


def _version(
    change: Change,
    status: StatusText,
    verdict: VerdictPanel | None,
    cancel: str,
    manual_commands: bool,
    overdue: bool,
) -> str:
    """A short text that changes whenever the parts that do not tick would look different."""
    row = (change.status, change.message, change.cancel_requested_by, sorted(change.evidence))
    judged = verdict.seen if verdict else ()
    return fingerprint(
        *row, cancel, status.badge.word, status.now, status.next, judged, manual_commands, overdue
    )


@require_POST
@requires(OPERATE)
def settle(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A person says whether an order was applied, where the portal could not find out."""
    change = _change(pk)
    answer = request.POST.get("applied", "")
    if answer not in {"yes", "no"}:
        messages.warning(request, "Say whether the order was applied: yes or no. Nothing was changed.")
    else:
        try:
            requests.settle_by_hand(actor_of(request), change, applied=answer == "yes")
        except requests.OperationRefused as error:
            messages.warning(request, str(error))
    return HttpResponseRedirect(change.operation.get_absolute_url(), status=303)


@require_POST
@requires(OPERATE)
def stop_waiting(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A person no longer waits for an order that takes more than twice its usual time."""
    change = _change(pk)
    try:
        overdue.stop_waiting(actor_of(request), change)
    except overdue.NotOverdue as error:
        messages.warning(request, str(error))
    return HttpResponseRedirect(change.operation.get_absolute_url(), status=303)


@require_POST
@requires(OPERATE)
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask the worker to stop; the operation's page shows whether it could."""
    change = _change(pk)
    try:
        message = requests.request_cancel(actor_of(request), change)
    except requests.OperationRefused as error:
        messages.warning(request, str(error))
    else:
        messages.info(request, f"Cancel requested. {message}")
    return HttpResponseRedirect(change.operation.get_absolute_url(), status=303)
