"""The password that a dangerous act asks for: it comes with the form, and is good for this one request."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.core import ratelimit
from django.core.exceptions import ValidationError
from django.http import HttpRequest

FIELD = "password"
MISSING = "Enter your password: every act of this kind asks for it."
WRONG = "The password is wrong."
TOO_MANY = "There were too many passwords within a minute, so this one was not checked. Wait a minute."


def why_not_confirmed(request: HttpRequest) -> str:
    """Why the signed-in person has not confirmed this request by their password; "" if they have."""
    password = request.POST.get(FIELD, "")
    if not password:
        return MISSING
    if not ratelimit.consume(request, action="reauthenticate", user=request.user):
        return TOO_MANY
    try:
        return "" if get_adapter().reauthenticate(request.user, password) else WRONG
    except ValidationError:  # too many wrong ones for this name
        return TOO_MANY
