"""The page shown while PostgreSQL is away: it needs no database and says what still works.

Every other exception keeps the usual page (500.html). While PostgreSQL is known to be away, one request every
5 s tries it; all others are answered at once, so that waiting requests do not use up the threads. The cards
with commands come from an app, through `settings.LAST_KNOWN`.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from types import TracebackType

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.safestring import mark_safe
from django.views.defaults import server_error

from rollback_portal.web import fallback_store
from rollback_portal.web.fallback_store import LastKnown
from rollback_portal.web.pages import toast

log = logging.getLogger(__name__)

Respond = Callable[[HttpRequest], HttpResponse]

SAVE_EVERY = 15.0  # seconds between two updates of the cards
RETRY_AFTER = 5.0  # seconds between two requests that try PostgreSQL again
# Reference: https://www.postgresql.org/docs/current/errcodes-appendix.html
SERVER_IS_GONE = {"57P01", "57P02", "57P03", "53300"}  # shut down, crashed, not up yet, no connection left
NOT_STARTED = "Nothing was started: what cannot be recorded is not done."
MAYBE_STARTED = (
    "PostgreSQL became unavailable just as your request was being recorded: whether it was started is not "
    "known here. Look under Operations when the portal is back; the same form sent twice is one operation."
)


def handle_exception(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`. It leaves the exception on the request, for the middleware below."""
    request.exception = sys.exception()  # type: ignore[attr-defined]
    return server_error(request)


def is_away(error: BaseException | None) -> bool:
    """Whether PostgreSQL does not answer, as opposed to a deadlock, a timeout or a bug of ours."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    code: str = getattr(error.__cause__, "sqlstate", None) or ""
    return not code or code.startswith("08") or code in SERVER_IS_GONE


def was_committing(error: BaseException) -> bool:
    """Whether the answer to a COMMIT was lost. Only then may the transaction have been committed."""
    frame: TracebackType | None = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_name == "_commit":
            return True
        frame = frame.tb_next
    return False


class DatabaseDownPage:
    """Middleware that answers 503 while PostgreSQL is away, and saves in good times what that page shows."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response
        self.last_known: LastKnown | None = None
        self.save_at = 0.0
        self.away_until = 0.0

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(settings.STATIC_URL):
            return self.get_response(request)
        if time.monotonic() < self.away_until:
            return self._page(request, NOT_STARTED)
        if self.away_until:
            # This request tries; all others are still answered at once.
            self.away_until = time.monotonic() + RETRY_AFTER
        response = self.get_response(request)
        error: BaseException | None = getattr(request, "exception", None)
        if error is not None and is_away(error):
            self.away_until = time.monotonic() + RETRY_AFTER
            log.error("PostgreSQL is unavailable: %s", str(error).strip())
            return self._page(request, MAYBE_STARTED if was_committing(error) else NOT_STARTED)
        self.away_until = 0.0
        self._save_cards(request)
        return response

    def _save_cards(self, request: HttpRequest) -> None:
        """Render and save the cards, at most every 15 s."""
        now = time.monotonic()
        if not settings.LAST_KNOWN or now < self.save_at or request.resolver_match is None:
            return
        self.save_at = now + SAVE_EVERY
        try:
            cards = import_string(settings.LAST_KNOWN)()
        except Error as error:
            log.warning("the cards for the page without PostgreSQL were not updated: %s", error)
            return
        self.last_known = LastKnown(mark_safe(cards), timezone.now())  # noqa: S308 - rendered by our own template
        fallback_store.save(self.last_known)

    def _page(self, request: HttpRequest, message: str) -> HttpResponse:
        is_order = request.method not in {"GET", "HEAD", "OPTIONS"}
        context = {"is_order": is_order, "message": message, "known": fallback_store.newest(self.last_known)}
        response = HttpResponse(render_to_string("database_down.html", context), status=503)
        response.headers["Retry-After"] = str(round(RETRY_AFTER))
        if is_order and request.headers.get("HX-Request"):
            toast(response, f"PostgreSQL is unavailable. {message}")
        return response
