"""One response of a provider, and the checks that its JSON has the expected shape."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from deployments.providers.base import ProviderName, Unreadable
from deployments.providers.json_fields import items, text, value_at

WHOLE_RESPONSE = 45.0  # seconds; the read timeout alone would let a trickling response hold a worker for ever
LARGEST_RESPONSE = 20_000_000  # bytes


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """A response as received; `body` is the decoded JSON, None where there is none."""

    provider: ProviderName
    status: int
    headers: Mapping[str, str]
    content: bytes
    body: Any
    request_id: str
    provider_time: datetime | None  # its Date header

    def json_objects(self, *path: str) -> list[Mapping[str, Any]]:
        """The objects in the array at `path`.

        Raises Unreadable where there is no array: an empty list would claim that nothing exists.
        """
        if not isinstance(value_at(self.body, *path), list):
            raise self.unexpected("a list of " + (path[-1] if path else "objects"))
        return items(self.body, *path)

    def json_object(self, expected: str = "") -> Mapping[str, Any]:
        """The object that is the body. Raises Unreadable where it has no id, or not the `expected` one."""
        identifier = text(self.body, "id")
        if not identifier or (expected and identifier != expected):
            raise self.unexpected(f"an object with the id {expected}" if expected else "an object with an id")
        return dict(self.body)

    def unexpected(self, expected: str) -> Unreadable:
        """The error for JSON that is not what it should be."""
        return Unreadable(
            f"{self.provider.capitalize()} sent JSON in an unknown form: {expected} was expected.",
            request_id=self.request_id,
        )


def decoded(content: bytes | str) -> Any:
    """The value of a JSON text, or None where it is not JSON.

    Bytes that are no UTF-8 become U+FFFD: one broken byte in a log line must not hide the others.
    """
    try:
        return json.loads(content.decode(errors="replace") if isinstance(content, bytes) else content)
    except (ValueError, RecursionError):
        return None


def read_whole(response: httpx.Response) -> bytes:
    """The body of a streamed response.

    Raises httpx.ReadError above 20 MB, httpx.ReadTimeout after 45 s.
    """
    content = bytearray()
    deadline = time.monotonic() + WHOLE_RESPONSE
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > LARGEST_RESPONSE:
            raise httpx.ReadError(f"the answer is larger than {LARGEST_RESPONSE // 1_000_000} MB")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the answer came too slowly")
    return bytes(content)


def streamed_lines(response: httpx.Response, seconds: float) -> Iterator[bytes]:
    """The lines of a stream that may never end, for so many seconds, and 20 MB at most.

    A line that has no end by then is left out.
    """
    deadline = time.monotonic() + seconds
    size, rest = 0, b""
    for chunk in response.iter_bytes():
        size += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if time.monotonic() > deadline or size > LARGEST_RESPONSE:
            return
    yield rest
