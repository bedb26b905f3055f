"""A responder at a browser, and an API with something to go back to."""

from __future__ import annotations

import pytest
from django.test import Client

from deployments.models import Service
from rollback_portal.accounts.models import User
from tests import factories


@pytest.fixture
def ana() -> User:
    return factories.person("responder", "Ana Ruiz")


@pytest.fixture
def browser(ana: User) -> Client:
    client = Client()
    client.force_login(ana)
    return client


@pytest.fixture
def api() -> Service:
    """An API whose newest deployment is live, with an older one to go back to."""
    service = factories.service("api", display_name="API")
    factories.reading("render")
    factories.at_work()
    factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=2))
    factories.deployment(
        service, "Fix login rate limit", created_at=factories.ago(hours=3), author="Dana Okoro"
    )
    factories.live(service, "Faster checkout totals")
    return service
