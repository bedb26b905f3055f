"""One URL for a page and for its fragment; what every page says; toasts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string
from django_htmx.http import trigger_client_event


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    fragment: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Draw the whole page, or only its fragment when htmx asks for it.

    Args:
        template: the page's template.
        fragment: the template that htmx gets instead; None where the page has no fragment.
    """
    asked_by_htmx = bool(request.htmx) and not request.htmx.boosted  # type: ignore[attr-defined]
    chosen = fragment if fragment and asked_by_htmx else template
    response = render(request, chosen, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def toast(response: HttpResponse, message: str) -> HttpResponse:
    """Let the page say a sentence that goes away by itself; it is never the only place of a fact."""
    return trigger_client_event(response, "toast", {"message": message})


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """What every page says: which providers are played by the sandbox, and what concerns everybody."""
    played = [name.title() for name, provider in settings.PROVIDERS.items() if provider["sandbox"]]
    return {"sandboxed": played, "alarms": SimpleLazyObject(_alarms)}


def _alarms() -> list[dict[str, Any]]:
    """Asked for only by a page that draws them."""
    return [bar for name in settings.EVERYWHERE for bar in import_string(name)()]
