"""A company with several services at each provider, whose requests are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from deployments.clients import provider, using_transport
from deployments.models import ProviderStatus, Service
from deployments.sandbox.clock import Pace
from deployments.sandbox.company.companies import big_company
from deployments.sandbox.server.app import Sandbox
from deployments.sandbox.server.faults import Fault
from deployments.sandbox.server.transport import SandboxTransport
from deployments.sync import poll
from tests.deployments.conftest import reset_rate_limits


class CountingTransport(SandboxTransport):
    """Counts the requests by the last word of their path."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.asked: Counter[str] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked[request.url.path.rsplit("/", 1)[-1]] += 1
        return super().handle_request(request)


@dataclass
class Teams:
    """Four services at Render, `team1-api` to `team4-api`, and four projects at Vercel, `team1-web` …"""

    sandbox: Sandbox
    transport: CountingTransport = field(init=False)

    def __post_init__(self) -> None:
        self.transport = CountingTransport(self.sandbox)

    def read(self, *names: str) -> dict[str, poll.Problems]:
        return {name: poll.read_provider(name, provider(name)) for name in names or ("render", "vercel")}

    def arm(self, on: str, do: str, **fields: Any) -> None:
        self.sandbox.faults.add(Fault(on=on, do=do, **{"times": None, **fields}))

    def service(self, name: str) -> Service:
        return Service.objects.select_related("live").get(name=name)

    def others(self, name: str) -> list[Service]:
        kind = name.rsplit("-", 1)[-1]
        return list(Service.objects.exclude(name=name).filter(name__endswith=kind).order_by("name"))

    def status(self, name: str) -> ProviderStatus:
        return ProviderStatus.objects.get(provider=name)

    def later(self, **length: float) -> None:
        """Let so much time pass, as far as the portal's rows know."""
        for row in (*Service.objects.all(), *ProviderStatus.objects.all()):
            for column in row._meta.concrete_fields:
                at = getattr(row, column.attname)
                if column.get_internal_type() == "DateTimeField" and at is not None:
                    setattr(row, column.attname, at - timedelta(**length))
            row.save()


@pytest.fixture
def teams(db: None) -> Iterator[Teams]:
    """The portal after it has discovered and read them."""
    reset_rate_limits()
    company = Teams(Sandbox(big_company(services=8, deployments=3, pace=Pace.instant())))
    with using_transport(company.transport):
        company.read()
        assert not Service.objects.filter(synced_at__gt=timezone.now()).exists()
        company.transport.asked.clear()
        yield company
