"""Turns a 4xx, 429 or 5xx response into the matching error: its class, its message and how long to wait."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from deployments.providers.base import AlreadyCurrent, Busy, Missing, NotAllowed, RateLimited, Refused
from deployments.providers.json_fields import first_nonempty, http_date, mapping, number, text
from deployments.providers.response import ProviderResponse
from rollback_portal.text import clean_line

SHORTEST_WAIT = 1.0  # seconds
LONGEST_WAIT = 300.0  # seconds
USUAL_WAIT = 30.0  # after a 429 that names no time
SHORT_WAIT = 5.0  # after a 5xx that names no time
EPOCH_FROM = 1e9  # a reset header below this counts seconds from now, above it seconds since 1970

RESET_HEADERS = ("ratelimit-reset", "x-ratelimit-reset")
REQUEST_ID_HEADERS = ("x-request-id", "rndr-id", "x-vercel-id")


def refusal(response: ProviderResponse) -> Refused:
    """The error for a 4xx response other than 429: nothing was changed."""
    words, code = words_and_code(response)
    error, lead = (Refused, "refused") if is_a_gateways(response) else _meaning(response.status, words)
    name = response.provider.capitalize()
    message = _sentence(f"{name} {lead} ({response.status})", words)
    return error(message, status=response.status, code=code, request_id=response.request_id)


def busy(response: ProviderResponse) -> Busy:
    """The error for a 429, or a 5xx on a read: nothing was done, try again later."""
    words, _ = words_and_code(response)
    limited = response.status == 429
    wait = retry_after(response, otherwise=USUAL_WAIT if limited else SHORT_WAIT)
    what = "asks us to slow down (429)" if limited else f"answered {response.status}"
    lead = f"{response.provider.capitalize()} {what}; nothing was done, again in {wait:.0f} s"
    error = RateLimited if limited else Busy
    return error(_sentence(lead, words), retry_after=wait, request_id=response.request_id)


def is_a_gateways(response: ProviderResponse) -> bool:
    """Whether a 404 or 410 is not the provider's own, so that it does not say that something is missing."""
    return response.status in {404, 410} and not isinstance(response.body, dict)


def _meaning(status: int, words: str) -> tuple[type[Refused], str]:
    if status in {401, 403}:
        return NotAllowed, NotAllowed.SAYS
    if status in {404, 410}:
        return Missing, "does not know this, or no longer"
    if status in {400, 409, 422} and says_already_current(words):
        return AlreadyCurrent, "says that this is current already"
    return Refused, "refused"


def says_already_current(words: str) -> bool:
    lower = words.lower()
    return "already" in lower and ("current" in lower or "live" in lower)


def request_id(headers: Mapping[str, str]) -> str:
    """The provider's id of a request, which its support asks for, or ""."""
    return clean_line(first_nonempty(*(headers.get(name, "") for name in REQUEST_ID_HEADERS)))


def words_and_code(response: ProviderResponse) -> tuple[str, str]:
    """The provider's message and error code, each as one line, from any of the shapes in use.

    Render: `{"message", "code"}` or raw text. Vercel: `{"error": {…}}`, `{"err": {…}}` or a bare object.
    """
    body = response.body
    if not isinstance(body, dict):
        raw = response.content[:2_000].decode(errors="replace")
        return ("" if raw.lstrip().startswith("<") else clean_line(raw)), ""
    shapes = (mapping(body, "error"), mapping(body, "err"), body)
    words = first_nonempty(
        *(text(shape, "message") for shape in shapes), text(body, "error"), text(body, "err")
    )
    return clean_line(words), clean_line(first_nonempty(*(text(shape, "code") for shape in shapes)))


def retry_after(response: ProviderResponse, *, otherwise: float) -> float:
    """Seconds to wait, 1 to 300, from the first source with a usable value, else `otherwise`.

    `Retry-After` holds seconds or a date. Render documents its reset header both as seconds from now and
    as seconds since 1970; Vercel sends the latter, in the body too.

    Reference: https://api-docs.render.com/reference/rate-limiting, https://vercel.com/docs/limits
    """
    now = response.provider_time.timestamp() if response.provider_time else time.time()
    stated = response.headers.get("retry-after", "").strip()
    seconds = _number(stated)
    if seconds is None and (date := http_date(stated)):
        seconds = date.timestamp() - now
    for name in RESET_HEADERS:
        seconds = _from_now(_number(response.headers.get(name, "")), now) if seconds is None else seconds
    if seconds is None:
        for shape in (mapping(response.body, "error"), mapping(response.body)):
            seconds = _from_now(number(shape, "limit", "reset"), now) if seconds is None else seconds
            seconds = number(shape, "retryAfter", "value") if seconds is None else seconds
    return min(max(otherwise if seconds is None else seconds, SHORTEST_WAIT), LONGEST_WAIT)


def _from_now(value: float | None, now: float) -> float | None:
    return value if value is None or value < EPOCH_FROM else value - now


def _number(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return None if math.isnan(seconds) else seconds


def _sentence(lead: str, words: str) -> str:
    return f"{lead}: {words}" if words else f"{lead}."
