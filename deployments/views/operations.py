"""All operations, newest first: what was asked for and what came of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from deployments.forms.operations import OperationsFilter
from deployments.models import Change, Service
from deployments.pages.status_text import headline, mark

PAGE = 25


@require_safe
def operations(request: HttpRequest) -> HttpResponse:
    """`?service=` narrows the list, `?before=` goes on where a page ended."""
    form = OperationsFilter(request.GET)
    rows = form.narrow(Change.objects.shown().order_by("-id")) if form.is_valid() else Change.objects.none()
    changes = list(rows[: PAGE + 1])
    shown = [(change, mark(change), headline(change)) for change in changes[:PAGE]]
    context = {
        "form": form,
        "services": Service.objects.order_by("name"),
        "rows": shown,
        "older": form.older(changes[PAGE - 1].pk) if len(changes) > PAGE else "",
        "first_page": not form.cleaned_data.get("before") if form.is_valid() else True,
    }
    status = 200 if form.is_valid() else 400
    return render(request, "deployments/operations.html", context, status=status)
