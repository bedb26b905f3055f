"""The log lines of a service and of an operation: a page of its own, a panel on theirs, and its polls.

Whoever looks writes a wish; a worker reads the provider. Lines may hold what no masking knows, so they are
for those who operate, not for everybody who may look.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from deployments.forms.logs import LogFilterForm
from deployments.logs.wishes import LogFilters, look
from deployments.lookup import find_service
from deployments.models import OPERATE, Change, Service
from deployments.pages.logs import (
    LogPanel,
    axis_of_change,
    axis_of_service,
    build_panel,
    logs_url,
    why_no_logs,
)
from rollback_portal.accounts.permissions import actor_user, requires
from rollback_portal.accounts.roles import any_role
from rollback_portal.jobs import clock
from rollback_portal.web.pages import page
from rollback_portal.web.unchanged import is_unchanged, nothing_new

LARGEST_KEY = 2**63 - 1


@require_safe
@requires(OPERATE)
def service_logs(request: HttpRequest, slug: str) -> HttpResponse:
    """The latest lines of one service."""
    return _render(request, find_service(slug), None)


@require_safe
@requires(OPERATE)
def operation_logs(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The lines since the order of an operation, as far as they are its target's."""
    change = Change.objects.shown().filter(operation=pk).first()
    if change is None:
        raise Http404(f"There is no operation {pk}.")
    return _render(request, change.service, change)


def panel_context(request: HttpRequest, service: Service, change: Change | None = None) -> dict[str, Any]:
    """What `_logs.html` needs; without the permission only the reason, and nobody reads the provider then."""
    if not actor_user(request).has_perm(OPERATE):
        return {"logs_for": any_role(OPERATE)}
    why_not = why_no_logs(service)
    form = LogFilterForm({}, why_not=why_not)
    return {
        "log_form": form,
        "logs_url": logs_url(service, change),
        "logs": None if why_not else _panel(service, change, LogFilters()),
        "service": service,
    }


def _render(request: HttpRequest, service: Service, change: Change | None) -> HttpResponse:
    form = LogFilterForm(request.GET, why_not=why_no_logs(service))
    after, known_view = _number(request, "after"), _number(request, "view")
    panel = None if form.why_not else _panel(service, change, form.filters, after)
    context = {
        "log_form": form,
        "logs": panel,
        "logs_url": logs_url(service, change),
        "service": service,
        "change": change,
    }
    polls = bool(request.htmx) and "after" in request.GET  # type: ignore[attr-defined]
    if panel is None or not polls:
        return page(request, "deployments/logs.html", context, fragment="deployments/_logs.html")
    if panel.view.pk != known_view:  # what this page shows has been forgotten meanwhile
        context["logs"] = _panel(service, change, form.filters)
        response = page(request, "deployments/logs.html", context, fragment="deployments/_logs.html")
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#logs", "outerHTML"
        return response
    if is_unchanged(request, panel.version):
        return _nothing_new(panel)
    return page(request, "deployments/logs.html", context, fragment="deployments/_logs_news.html")


def _panel(service: Service, change: Change | None, filters: LogFilters, after: int = 0) -> LogPanel:
    view = look(service, change, filters)
    view.service, view.change = service, change
    now = clock.now()
    axis = axis_of_change(change, now) if change else axis_of_service(service)
    return build_panel(view, axis, now, after=after)


def _nothing_new(panel: LogPanel) -> HttpResponse:
    """Only the time from which the browser computes the age of the reading."""
    read_at = panel.view.read_at
    times = {f"log-{panel.view.pk}": read_at.isoformat()} if read_at else {}
    response = nothing_new()
    response.headers["HX-Trigger"] = json.dumps(
        {"fresh": {"now": timezone.now().isoformat(), "times": times}}
    )
    return response


def _number(request: HttpRequest, name: str) -> int:
    word = request.GET.get(name, "")
    return min(int(word), LARGEST_KEY) if word.isascii() and word.isdecimal() and len(word) < 20 else 0
