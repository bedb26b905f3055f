"""The list of all operations, newest first."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deployments.forms.operations import OperationsFilter
from deployments.models import Change, Service
from deployments.pages.status_text import badge_of, headline
from rollback_portal.jobs import clock

ROWS_PER_PAGE = 25


@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """`?service=` narrows the list, `?before=` starts the next page."""
    form = OperationsFilter(request.GET)
    rows = form.narrow(Change.objects.shown().order_by("-id")) if form.is_valid() else Change.objects.none()
    changes = list(rows[: ROWS_PER_PAGE + 1])
    now = clock.now()
    listed = [(change, badge_of(change, now), headline(change, now)) for change in changes[:ROWS_PER_PAGE]]
    context = {
        "form": form,
        "services": Service.objects.order_by("name"),
        "rows": listed,
        "older": form.older(changes[ROWS_PER_PAGE - 1].pk) if len(changes) > ROWS_PER_PAGE else "",
        "first_page": not form.cleaned_data.get("before") if form.is_valid() else True,
    }
    status = 200 if form.is_valid() else 400
    return render(request, "deployments/operations.html", context, status=status)
