"""When each person was last at a page. A page that polls by itself in a forgotten tab does not count."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from rollback_portal.accounts.models import User
from rollback_portal.jobs import clock

log = logging.getLogger(__name__)

AT_MOST_EVERY = timedelta(minutes=1)


class LastSeen:
    """Middleware: notes at most once a minute that the signed-in person has opened a page or sent a form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        by_itself = request.method in {"GET", "HEAD"} and "HX-Request" in request.headers
        user = getattr(request, "user", None)
        if not by_itself and response.status_code < 500 and isinstance(user, User):
            _note(user)
        return response


def _note(user: User) -> None:
    if user.last_seen_at is not None and abs(timezone.now() - user.last_seen_at) < AT_MOST_EVERY:
        return
    try:
        User.objects.filter(pk=user.pk).update(last_seen_at=clock.within_statement())
    except DatabaseError as error:  # the page itself was answered
        log.warning("it was not noted that %s was at the portal: %s", user.pk, error)
