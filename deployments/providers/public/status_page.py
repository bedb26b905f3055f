"""Reads a provider's public status page: which incidents are open there. No key is needed or sent."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from deployments.providers.base import Unreadable
from deployments.providers.json_fields import first_nonempty, text, timestamp
from rollback_portal.text import clean_line

UNRESOLVED = "/api/v2/incidents/unresolved.json"
LONGEST_READ = 10.0  # seconds
LARGEST_PAGE = 1_000_000  # bytes
MOST_INCIDENTS = 20
LINK = re.compile(r"https://[!-~]{1,300}")


@dataclass(frozen=True, slots=True)
class StatusIncident:
    """One open incident; `impact` is the page's word: none, minor, major or critical."""

    id: str
    name: str
    impact: str
    since: datetime | None
    url: str = ""


def read_unresolved(page: str, client: httpx.Client) -> Sequence[StatusIncident]:
    """The open incidents on the status page at `page`, an address without a path.

    Raises Unreadable where it does not answer, or with anything else than such a list.

    Reference: https://developer.statuspage.io; https://status.render.com/api and
        https://www.vercel-status.com/api (GET /api/v2/incidents/unresolved.json)
    """
    try:
        with client.stream("GET", f"{page.rstrip('/')}{UNRESOLVED}") as response:
            body = _whole(response)
            if response.status_code != 200:
                raise Unreadable(f"The status page answered {response.status_code}.")
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        reason = clean_line(str(error), 100) or type(error).__name__
        raise Unreadable(f"The status page did not answer ({reason}).") from error
    try:
        listed = json.loads(body)["incidents"]
    except (ValueError, RecursionError, LookupError, TypeError):
        listed = None
    if not isinstance(listed, list):
        raise Unreadable("The status page sent no list of incidents.")
    return [one for one in map(_incident, listed[:MOST_INCIDENTS]) if one is not None]


def _whole(response: httpx.Response) -> bytes:
    content, deadline = bytearray(), time.monotonic() + LONGEST_READ
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > LARGEST_PAGE or time.monotonic() > deadline:
            raise httpx.ReadError("the answer is too long or too slow")
    return bytes(content)


def _incident(row: Any) -> StatusIncident | None:
    """None for one that is over, or without an id and a name."""
    identifier, name = text(row, "id"), text(row, "name")
    if (
        not identifier
        or not name
        or text(row, "resolved_at")
        or text(row, "status") in ("resolved", "postmortem")
    ):
        return None
    link = first_nonempty(text(row, "shortlink"))
    return StatusIncident(
        identifier[:80],
        clean_line(name, 200),
        clean_line(text(row, "impact"), 20),
        timestamp(row, "started_at") or timestamp(row, "created_at"),
        link if LINK.fullmatch(link) else "",
    )
