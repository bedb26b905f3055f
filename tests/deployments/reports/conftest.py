"""Two people who may roll back, both in front of the same portal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.deployments.conftest import Portal
from tests.deployments.reports.responder import Responder


@pytest.fixture
def ana_at_work(portal: Portal, client_as: Callable[..., Client]) -> Responder:
    return Responder(portal, client_as(portal.ana))


@pytest.fixture
def bo_at_work(portal: Portal, client_as: Callable[..., Client]) -> Responder:
    return Responder(portal, client_as("responder", "Bo Lind"))
