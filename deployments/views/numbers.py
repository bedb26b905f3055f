"""The charts of a service: a panel on its page, a page of their own, and the polls of both.

Everybody who is signed in may look, as at the figures of the dashboard.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from deployments.lookup import find_service
from deployments.models import Service
from deployments.pages.charts import RANGES, build_chart_panel, chosen_range
from rollback_portal.web.pages import page
from rollback_portal.web.unchanged import is_unchanged, nothing_new


@require_safe
def numbers(request: HttpRequest, slug: str) -> HttpResponse:
    """`?range=` chooses how far back; a page that polls gets 204 where nothing has changed."""
    context = numbers_context(request, find_service(slug))
    if is_unchanged(request, context["numbers"].version):
        return nothing_new()
    return page(request, "deployments/numbers.html", context, fragment="deployments/_numbers_panel.html")


def numbers_context(request: HttpRequest, service: Service) -> dict[str, Any]:
    """What `_numbers.html` needs. The links to other ranges keep the rest of the address."""
    chosen, complaint = chosen_range(request.GET.get("range", ""))
    links = []
    for one in RANGES.values():
        query = request.GET.copy()
        query["range"] = one.name
        links.append((one, f"?{query.urlencode()}#numbers"))
    return {
        "service": service,
        "numbers": build_chart_panel(service, chosen),
        "numbers_complaint": complaint,
        "range_links": links,
    }
