"""What a good answer of a public address is. Where nothing is set, every status below 500 is good."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from deployments.providers.json_fields import value_at

SERVER_ERROR = 500  # from this HTTP status on, the service failed
WRONG_CONTENT = 1  # stands beside HTTP statuses: the status was right and the content was not


@dataclass(frozen=True, slots=True)
class HealthRule:
    """Which path is asked, and what has to come back.

    Attributes:
        path: with a query, if any. "/" asks the address as it is.
        status: the only good HTTP status; 0 takes everything below 500.
        text: has to be in the first 64 KB of the body; "" for nothing.
        field: has to be in the JSON body: `database.ready`, or with its value, `status=ok`; "" for nothing.
    """

    path: str = "/"
    status: int = 0
    text: str = ""
    field: str = ""

    def fault(self, status: int, body: bytes) -> int | None:
        """None for a good answer, else its HTTP status, or WRONG_CONTENT."""
        if status != self.status if self.status else status >= SERVER_ERROR:
            return status
        return None if self._has_text(body) and self._has_field(body) else WRONG_CONTENT

    def _has_text(self, body: bytes) -> bool:
        return self.text.encode() in body

    def _has_field(self, body: bytes) -> bool:
        if not self.field:
            return True
        name, _, wanted = self.field.partition("=")
        found = _json_value(body, name)
        if found is None:
            return False
        shown = found if isinstance(found, str) else json.dumps(found)
        return not wanted or shown == wanted


def _json_value(body: bytes, name: str) -> Any:
    try:
        return value_at(json.loads(body), *name.split("."))
    except (ValueError, RecursionError):
        return None
