"""A service's custom domains and environment at Render, each needing an extra request.

Both seldom change, so they are kept for a while, and one list of services asks for a few of them only: the
rate limit is shared with everything else. What was not read is unknown, and the portal keeps what it knew.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployments.providers.base import ProviderError, Refused
from deployments.providers.http import ProviderConnection
from deployments.providers.json_fields import mapping, text
from deployments.providers.render import parse

KEPT_FOR = 600.0  # seconds
CALLS_PER_LIST = 10
MOST_DOMAINS = 100
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,80}")  # it becomes part of a path
WITH_DOMAINS = {"web_service", "static_site"}

Known = tuple[float, Any]


@dataclass
class ServiceDetails:
    """The domains and environments that one client has read, with the time of each reading."""

    connection: ProviderConnection
    known_domains: dict[str, Known] = field(default_factory=dict)
    known_environments: dict[str, Known] = field(default_factory=dict)
    calls_left: int = CALLS_PER_LIST

    def begin(self) -> None:
        """Allow a few calls for the list of services, or the single one, that is read now."""
        self.calls_left = CALLS_PER_LIST

    def read_environments(self, identifiers: Iterable[str]) -> None:
        """Read these before any domains: they are few, and say which services are of production at all."""
        for identifier in identifiers:
            self.environment(identifier)

    def domains(self, service: Mapping[str, Any]) -> Sequence[str] | None:
        """The custom domains that serve; None where they are not known.

        Reference: https://api-docs.render.com/reference/list-custom-domains
            (GET /services/{id}/custom-domains)
        """
        identifier = text(service, "id")
        if text(service, "type") not in WITH_DOMAINS:
            return ()
        if self._is_old(self.known_domains.get(identifier)):
            self._read(self.known_domains, identifier, lambda: self._read_domains(identifier))
        domains: Sequence[str] | None = self.known_domains.get(identifier, (0.0, None))[1]
        return domains

    def environment(self, identifier: str) -> str:
        """The name of an environment; "" where there is none or it is not known.

        Reference: https://api-docs.render.com/reference/retrieve-environment (GET /environments/{id})
        """
        if identifier and self._is_old(self.known_environments.get(identifier)):
            self._read(self.known_environments, identifier, lambda: self._read_environment(identifier))
        name: str | None = self.known_environments.get(identifier, (0.0, ""))[1]
        return name or ""

    def _is_old(self, known: Known | None) -> bool:
        return known is None or time.monotonic() - known[0] > KEPT_FOR

    def _read(self, known: dict[str, Known], identifier: str, read: Callable[[], Any]) -> None:
        """Read once and keep it; where that fails, what was known before stays."""
        if not self.calls_left or not IDENTIFIER.fullmatch(identifier):
            return
        self.calls_left -= 1
        try:
            known[identifier] = (time.monotonic(), read())
        except Refused:
            known[identifier] = (time.monotonic(), known.get(identifier, (0.0, None))[1])
        except ProviderError:
            self.calls_left = 0  # this is no time for extra calls

    def _read_domains(self, service_id: str) -> list[str]:
        path = f"/services/{service_id}/custom-domains"
        rows = self.connection.get(path, {"limit": MOST_DOMAINS}).json_objects()
        names = (parse.custom_domain(mapping(row, "customDomain")) for row in rows)
        return [name for name in names if name]

    def _read_environment(self, identifier: str) -> str:
        return text(self.connection.get(f"/environments/{identifier}").json_object(), "name")
