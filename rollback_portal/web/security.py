"""Security headers, and a sign-in redirect that works with htmx."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

Respond = Callable[[HttpRequest], HttpResponse]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class ContentSecurityPolicy:
    """Middleware: browsers run and load only our own files, and do not cache pages."""

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


TYPED = ("reason", "words", "incident")  # fields that come back after the sign-in
ENDED = "Your sign-in has ended, so nothing was started or changed. Sign in: {then}."


class SignInAgain:
    """Middleware: when a session has ended, htmx opens the sign-in as a whole page, not inside a card.

    Nothing was done with the form that was sent. After the sign-in the person comes back to a page, never to
    an address that only accepts POST; a dialog comes back with what they had typed.
    """

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        sign_in = reverse(settings.LOGIN_URL)
        if not isinstance(response, HttpResponseRedirect) or not response.url.startswith(f"{sign_in}?next="):
            return response
        if request.method == "POST":
            next_page = _page_of_form(request)
        elif request.htmx:  # type: ignore[attr-defined]
            next_page = _current_page(request)
        else:
            return response
        address = f"{sign_in}?next={quote(next_page)}"
        if request.htmx:  # type: ignore[attr-defined]
            return HttpResponse(headers={"HX-Redirect": address})
        return HttpResponseRedirect(address)


def _current_page(request: HttpRequest) -> str:
    """The page in the address bar; a fragment has an address of its own."""
    path: str | None = request.htmx.current_url_abs_path  # type: ignore[attr-defined]
    return path or "/"


def _page_of_form(request: HttpRequest) -> str:
    """The page that a form was sent from: its own page with what was typed, or the page with its button."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    own_page = bool(request.htmx) or came_from.path == request.path  # type: ignore[attr-defined]
    typed = {name: request.POST[name] for name in TYPED if request.POST.get(name)} if own_page else {}
    then = "the form comes back with what you typed" if typed else "you come back to where you were"
    messages.warning(request, ENDED.format(then=then))
    if not own_page:
        ours = came_from.netloc == request.get_host()
        return came_from._replace(scheme="", netloc="", fragment="").geturl() if ours else "/"
    query = request.GET.copy()
    for name, value in typed.items():
        query[name] = value
    return f"{request.path}?{query.urlencode()}" if query else request.path
