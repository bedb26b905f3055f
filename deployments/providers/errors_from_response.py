"""What a 4xx, 429 or 5xx answer means: which error it is, in whose words, and how long to wait."""

from __future__ import annotations

import time
from collections.abc import Mapping

from deployments.providers.base import AlreadyCurrent, Busy, Missing, NotAllowed, Refused
from deployments.providers.json_fields import first, http_date, mapping, number, plain, text
from deployments.providers.response import Answer

SHORTEST_WAIT = 1.0
LONGEST_WAIT = 300.0
USUAL_WAIT = 30.0  # after a 429 that does not say
SHORT_WAIT = 5.0  # after a 5xx that does not say
EPOCH_FROM = 1e9  # a reset header below this counts seconds from now, above it seconds since 1970

RESET_HEADERS = ("ratelimit-reset", "x-ratelimit-reset")
REQUEST_ID_HEADERS = ("x-request-id", "rndr-id", "x-vercel-id")


def refusal(answer: Answer) -> Refused:
    """The error for a 4xx answer other than 429: nothing was changed."""
    words, code = words_and_code(answer)
    kind, lead = _meaning(answer.status, words)
    who = answer.provider.capitalize()
    message = _sentence(f"{who} {lead} ({answer.status})", words)
    return kind(message, status=answer.status, code=code, request_id=answer.request_id)


def busy(answer: Answer) -> Busy:
    """The error for a 429, or for a 5xx answer to a read: not done, ask again later."""
    words, _ = words_and_code(answer)
    wait = retry_after(answer, otherwise=USUAL_WAIT if answer.status == 429 else SHORT_WAIT)
    what = "asks us to slow down" if answer.status == 429 else "has a problem of its own"
    lead = f"{answer.provider.capitalize()} {what} ({answer.status}); nothing was done, again in {wait:.0f} s"
    return Busy(_sentence(lead, words), retry_after=wait, request_id=answer.request_id)


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
    return plain(first(*(headers.get(name, "") for name in REQUEST_ID_HEADERS)))


def words_and_code(answer: Answer) -> tuple[str, str]:
    """The provider's own words and code, from any of the shapes in use, made fit for one line.

    Render: `{"message", "code"}` or raw text. Vercel: `{"error": {…}}`, `{"err": {…}}` or a bare object.
    """
    body = answer.body
    if not isinstance(body, dict):
        raw = answer.content[:2_000].decode(errors="replace")
        return ("" if raw.lstrip().startswith("<") else plain(raw)), ""
    shapes = (mapping(body, "error"), mapping(body, "err"), body)
    words = first(*(text(shape, "message") for shape in shapes), text(body, "error"), text(body, "err"))
    return plain(words), plain(first(*(text(shape, "code") for shape in shapes)))


def retry_after(answer: Answer, *, otherwise: float) -> float:
    """Seconds to wait, between 1 and 300, from the first source that makes sense.

    `Retry-After` counts seconds or is a date. Render documents its reset header both as seconds from
    now and as seconds since 1970; Vercel's is the latter and stands in the body too.
    Reference: https://api-docs.render.com/reference/rate-limiting, https://vercel.com/docs/limits
    """
    now = answer.provider_time.timestamp() if answer.provider_time else time.time()
    stated = answer.headers.get("retry-after", "").strip()
    seconds = _number(stated)
    if seconds is None and (date := http_date(stated)):
        seconds = date.timestamp() - now
    for name in RESET_HEADERS:
        seconds = _from_now(_number(answer.headers.get(name, "")), now) if seconds is None else seconds
    if seconds is None:
        for shape in (mapping(answer.body, "error"), mapping(answer.body)):
            seconds = _from_now(number(shape, "limit", "reset"), now) if seconds is None else seconds
            seconds = number(shape, "retryAfter", "value") if seconds is None else seconds
    return min(max(otherwise if seconds is None else seconds, SHORTEST_WAIT), LONGEST_WAIT)


def _from_now(value: float | None, now: float) -> float | None:
    return value if value is None or value < EPOCH_FROM else value - now


def _number(value: str) -> float | None:
    try:
        found = float(value)
    except ValueError:
        return None
    return None if found != found else found  # "nan" is no number of seconds


def _sentence(lead: str, words: str) -> str:
    return f"{lead}: {words}" if words else f"{lead}."
