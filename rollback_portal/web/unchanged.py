"""Polling that sends nothing while nothing has changed.

A page carries the fingerprint of what it shows. htmx sends it back in a header whenever the page polls, and
the view answers 204 No Content where the fingerprint is still the same.
"""

from __future__ import annotations

from hashlib import sha256

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

HEADER = "X-Seen"


def fingerprint(*state: object) -> str:
    """A short text that differs whenever the `repr` of the state does."""
    return sha256(repr(state).encode()).hexdigest()[:20]


def is_unchanged(request: HttpRequest, current: str) -> bool:
    """Whether the polling page already shows the state with the fingerprint `current`."""
    return request.headers.get(HEADER) == current


def nothing_new() -> HttpResponse:
    """An empty answer: htmx leaves the page as it is."""
    response = HttpResponse(status=204)
    patch_vary_headers(response, ["HX-Request", HEADER])
    return response
