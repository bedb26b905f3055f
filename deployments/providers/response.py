"""One answer of a provider, and what we insist on before we believe its shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployments.providers.base import ProviderName, Unreadable
from deployments.providers.json_fields import at, items, text


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came; `body` is the decoded JSON, None where there is none."""

    provider: ProviderName
    status: int
    headers: Mapping[str, str]
    content: bytes
    body: Any
    request_id: str
    provider_time: datetime | None  # its Date header

    def listed(self, *path: str) -> list[Mapping[str, Any]]:
        """The objects of the array at `path`.

        Raises Unreadable where there is no array: an empty list would say that nothing is there.
        """
        if not isinstance(at(self.body, *path), list):
            raise self._unlike("a list of " + (path[-1] if path else "objects"))
        return items(self.body, *path)

    def thing(self, identity: str = "id") -> Mapping[str, Any]:
        """The one object of this answer; Raises Unreadable where it has no `identity`."""
        if not text(self.body, identity):
            raise self._unlike(f"an object with an {identity}")
        return dict(self.body)

    def _unlike(self, expected: str) -> Unreadable:
        return Unreadable(
            f"{self.provider.capitalize()} sent JSON in an unknown form: {expected} was expected.",
            request_id=self.request_id,
        )


def decoded(content: bytes | str) -> Any:
    """The value of a JSON text, or None."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
