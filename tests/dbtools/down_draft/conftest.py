"""A scratch database to which migrations are applied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbtools.down_draft import MigrationReplay
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.scratch import ScratchServer


@pytest.fixture
def replay(server: DatabaseAddress) -> Iterator[MigrationReplay]:
    with MigrationReplay(ScratchServer.on(server)) as replay:
        yield replay
