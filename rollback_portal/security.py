"""Headers that keep injected markup harmless, and a sign-in that htmx understands."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

Respond = Callable[[HttpRequest], HttpResponse]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class ContentSecurityPolicy:
    """Nothing but our own files runs, loads or frames; nothing behind the sign-in is stored."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class HtmxSignIn:
    """A session that ended must not draw the sign-in page inside a card: the whole page goes there."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not getattr(request, "htmx", False) or not isinstance(response, HttpResponseRedirect):
            return response
        if response.url.startswith(reverse(settings.LOGIN_URL)):
            return HttpResponse(
                headers={"HX-Redirect": f"{reverse(settings.LOGIN_URL)}?next={quote(_page(request))}"}
            )
        return response


def _page(request: HttpRequest) -> str:
    """The page the person is looking at, which for a fragment is not the address that was asked."""
    path: str | None = request.htmx.current_url_abs_path  # type: ignore[attr-defined]
    return path or "/"
