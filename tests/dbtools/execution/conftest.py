"""The database of a run's tests: small, with a history to roll back, and no long pauses between attempts."""

from __future__ import annotations

import pytest

from dbtools.execution import concurrent_index, runner
from dbtools.postgres.client import DatabaseAddress
from tests.dbtools.execution.small_database import fill


@pytest.fixture
def filled_shop(shop: DatabaseAddress, monkeypatch: pytest.MonkeyPatch) -> DatabaseAddress:
    monkeypatch.setattr(runner, "PAUSE", (0.05, 0.1))
    monkeypatch.setattr(concurrent_index, "PAUSE", (0.01, 0.02))
    monkeypatch.setattr(concurrent_index, "LOCK_SECONDS", 1.0)
    fill(shop)
    return shop
