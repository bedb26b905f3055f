"""A signed-in responder."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client


@pytest.fixture
def ana(client_as: Callable[..., Client]) -> Client:
    return client_as("responder")
