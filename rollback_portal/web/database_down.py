"""PostgreSQL is away: one page that needs no database says what is still true and what still works.

Every other fault keeps its own page (500.html). While PostgreSQL is known to be away only one request in
a few seconds tries it; the others are answered at once, so that they do not use up all threads waiting.
The cards with the commands come from a wing, through `settings.LAST_KNOWN`: the ground floor knows none.
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
from rollback_portal.web.fallback_store import Known
from rollback_portal.web.pages import toast

log = logging.getLogger(__name__)

Respond = Callable[[HttpRequest], HttpResponse]

KEEP_FOR = 15.0  # seconds after which the last known cards are drawn anew
TRY_AGAIN = 5.0  # seconds between two requests that try whether PostgreSQL is back
# Reference: https://www.postgresql.org/docs/current/errcodes-appendix.html
LEAVING = {"57P01", "57P02", "57P03", "53300"}  # shut down, crashed, not up yet, no connection left
NOTHING = "Nothing was started: what cannot be recorded is not done."
UNKNOWN = (
    "PostgreSQL went away at the very moment of writing down what you sent: whether it was started is not "
    "known here. Look under Operations when the portal is back; the same form sent twice is one operation."
)


def fault(request: HttpRequest) -> HttpResponse:
    """The answer to every exception (`handler500`); what it was is left for the middleware to judge."""
    request.fault = sys.exception()  # type: ignore[attr-defined]
    return server_error(request)


def is_away(error: BaseException | None) -> bool:
    """Whether this is PostgreSQL not answering, and not a deadlock, a time-out or our own mistake."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    code: str = getattr(error.__cause__, "sqlstate", None) or ""
    return not code or code.startswith("08") or code in LEAVING


def was_committing(error: BaseException) -> bool:
    """Whether the answer to a COMMIT is what was lost: only then can it have been done."""
    step: TracebackType | None = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_name == "_commit":
            return True
        step = step.tb_next
    return False


class Degraded:
    """Answers 503 with the page while PostgreSQL is away, and remembers what the page will need."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response
        self.known: Known | None = None
        self.next_look = 0.0
        self.away_until = 0.0

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(settings.STATIC_URL):
            return self.get_response(request)
        if time.monotonic() < self.away_until:
            return self._page(request, NOTHING)
        if self.away_until:
            # This request tries; the others go on as they were.
            self.away_until = time.monotonic() + TRY_AGAIN
        response = self.get_response(request)
        error: BaseException | None = getattr(request, "fault", None)
        if error is not None and is_away(error):
            self.away_until = time.monotonic() + TRY_AGAIN
            log.error("PostgreSQL is away: %s", str(error).strip())
            return self._page(request, UNKNOWN if was_committing(error) else NOTHING)
        self.away_until = 0.0
        self._remember(request)
        return response

    def _remember(self, request: HttpRequest) -> None:
        """Draw the cards now and then, while there is something to draw them from."""
        now = time.monotonic()
        if not settings.LAST_KNOWN or now < self.next_look or request.resolver_match is None:
            return
        self.next_look = now + KEEP_FOR
        try:
            cards = import_string(settings.LAST_KNOWN)()
        except Error as error:
            log.warning("the cards for the time without PostgreSQL were not drawn anew: %s", error)
            return
        self.known = Known(mark_safe(cards), timezone.now())  # noqa: S308 - drawn by our own template
        fallback_store.keep(self.known)

    def _page(self, request: HttpRequest, said: str) -> HttpResponse:
        asked = request.method not in {"GET", "HEAD", "OPTIONS"}
        context = {"asked": asked, "said": said, "known": fallback_store.newest(self.known)}
        response = HttpResponse(render_to_string("degraded.html", context), status=503)
        response.headers["Retry-After"] = str(round(TRY_AGAIN))
        if asked and request.headers.get("HX-Request"):
            toast(response, f"PostgreSQL is away. {said}")
        return response
