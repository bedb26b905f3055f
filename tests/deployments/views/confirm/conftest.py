"""An API with a deployment to go back to."""

from __future__ import annotations

import pytest

from deployments.models import Service
from tests import factories


@pytest.fixture
def deployed_api() -> Service:
    """An API whose newest deployment is live, with an older one to go back to."""
    service = factories.service("api", display_name="API")
    factories.provider_status("render")
    factories.heartbeats()
    factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=2))
    factories.deployment(
        service, "Fix login rate limit", created_at=factories.ago(hours=3), author="Dana Okoro"
    )
    factories.live(service, "Faster checkout totals")
    return service
