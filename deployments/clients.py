"""Opens the clients of the providers in the settings, each once per process.

Tests replace the network with a transport here, and nothing else has to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings

from deployments.providers.base import Provider, ProviderName, Urgency
from deployments.providers.public.sandbox_route import SandboxRoute
from deployments.providers.public.version_check import open_public_client
from deployments.providers.rate_limit import open_rate_limit
from deployments.providers.render.client import open_render
from deployments.providers.vercel.client import open_vercel

_transport: httpx.BaseTransport | None = None


@lru_cache
def provider(name: str, urgency: Urgency = Urgency.BACKGROUND) -> Provider:
    """The provider by its name, with its own connection pool and the rate limit that all workers share."""
    config: dict[str, Any] = settings.PROVIDERS[name]
    rate_limit = open_rate_limit(settings.REDIS_URL, ProviderName(name)) if settings.REDIS_URL else None
    if name == ProviderName.RENDER:
        return open_render(
            config["url"], config["key"], transport=_transport, rate_limit=rate_limit, urgency=urgency
        )
    return open_vercel(
        config["url"],
        config["key"],
        config["team"],
        transport=_transport,
        rate_limit=rate_limit,
        urgency=urgency,
    )


@lru_cache
def public(name: str) -> httpx.Client:
    """A client for the public addresses of this provider's services, which may come from the sandbox, too."""
    if _transport is not None:
        return open_public_client(transport=_transport)
    from_sandbox = settings.PROVIDERS[name]["sandbox"]
    return open_public_client(transport=SandboxRoute(settings.SANDBOX_URL) if from_sandbox else None)


@contextmanager
def using_transport(transport: httpx.BaseTransport) -> Iterator[None]:
    """Send every request through this transport within the context, for tests."""
    global _transport
    before, _transport = _transport, transport
    _close_clients()
    try:
        yield
    finally:
        _transport = before
        _close_clients()


def _close_clients() -> None:
    provider.cache_clear()
    public.cache_clear()
