"""The providers that the settings name, opened once per process.

Tests put a transport in place of the network; nothing above this file can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings

from deployments.providers.base import Provider, ProviderName, Urgency
from deployments.providers.rate_limit import open_budget
from deployments.providers.render.client import open_render
from deployments.providers.sandbox_route import ThroughSandbox
from deployments.providers.vercel.client import open_vercel
from deployments.providers.version_check import open_public

_transport: httpx.BaseTransport | None = None


@lru_cache
def provider(name: str, urgency: Urgency = Urgency.BACKGROUND) -> Provider:
    """The provider by its name, with its own connection pool and the budget that all workers share."""
    config: dict[str, Any] = settings.PROVIDERS[name]
    budget = open_budget(settings.REDIS_URL, ProviderName(name)) if settings.REDIS_URL else None
    if name == ProviderName.RENDER:
        return open_render(config["url"], config["key"], transport=_transport, budget=budget, urgency=urgency)
    return open_vercel(
        config["url"], config["key"], config["team"], transport=_transport, budget=budget, urgency=urgency
    )


@lru_cache
def public(name: str) -> httpx.Client:
    """A client for the public addresses of this provider's services; the sandbox plays those, too."""
    if _transport is not None:
        return open_public(transport=_transport)
    played = settings.PROVIDERS[name]["sandbox"]
    return open_public(transport=ThroughSandbox(settings.SANDBOX_URL) if played else None)


@contextmanager
def through(transport: httpx.BaseTransport) -> Iterator[None]:
    """Send everything through this transport for a while."""
    global _transport
    before, _transport = _transport, transport
    _forget()
    try:
        yield
    finally:
        _transport = before
        _forget()


def _forget() -> None:
    provider.cache_clear()
    public.cache_clear()
