"""A signed-in responder, and a deployment to roll back to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from deployments.models import Deployment
from tests import factories


@pytest.fixture
def ana(client_as: Callable[..., Client]) -> Client:
    return client_as("responder")


@pytest.fixture
def target(db: None) -> Deployment:
    """An earlier deployment of an API whose live one is newer."""
    api = factories.service("api", display_name="API")
    factories.live(api)
    factories.heartbeats()
    return factories.deployment(api)
