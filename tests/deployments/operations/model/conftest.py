"""The stage (see `stage.py`) for the model and for its own tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.deployments.operations.model.stage import Stage, set_up


@pytest.fixture
def stage(db: None, settings: Any) -> Iterator[Stage]:
    with set_up(settings) as stage:
        yield stage
