"""Rendering: a page and its htmx fragment at one URL, the context of every page, toasts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string
from django_htmx.http import trigger_client_event

from rollback_portal.web import unchanged


def page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    fragment: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the whole page, or only its fragment for an htmx request.

    Args:
        template: the whole page.
        fragment: the template for htmx; None if the page has no fragment.
    """
    by_htmx = bool(request.htmx) and not request.htmx.boosted  # type: ignore[attr-defined]
    chosen = fragment if fragment and by_htmx else template
    response = render(request, chosen, context, status=status)
    patch_vary_headers(response, ["HX-Request", unchanged.HEADER])
    return response


def toast(response: HttpResponse, message: str) -> HttpResponse:
    """Show a message that disappears by itself; never the only place where something is said."""
    return trigger_client_event(response, "toast", {"message": message})


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """Context processor: providers that the sandbox plays, the banners, and how many wait for this person."""
    played = [name.title() for name, provider in settings.PROVIDERS.items() if provider["sandbox"]]
    alarms = SimpleLazyObject(lambda: _alarms(request))
    return {"sandboxed": played, "alarms": alarms, "waiting": SimpleLazyObject(lambda: _waiting(alarms))}


def _alarms(request: HttpRequest) -> list[dict[str, Any]]:
    """Queried lazily, only by a page that shows them."""
    return [bar for name in settings.EVERYWHERE for bar in import_string(name)(request.user)]


def _waiting(alarms: Iterable[dict[str, Any]]) -> dict[str, int]:
    """How many of them wait for this person, by the entry of the navigation that counts them."""
    return Counter(bar["counted_at"] for bar in alarms if "counted_at" in bar)
