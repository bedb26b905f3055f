"""A deployment to roll back to."""

from __future__ import annotations

import pytest

from deployments.models import Deployment
from tests import factories


@pytest.fixture
def target(db: None) -> Deployment:
    """An earlier deployment of an API whose live one is newer."""
    api = factories.service("api", display_name="API")
    factories.live(api)
    factories.heartbeats()
    return factories.deployment(api)
