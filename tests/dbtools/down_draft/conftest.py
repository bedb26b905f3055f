"""A scratch database to which migrations are applied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbtools.down_draft import MigrationReplay
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.scratch import ScratchServer
from tests.support.rehearsal_role import rehearsal_role


@pytest.fixture
def replay(server: DatabaseAddress) -> Iterator[MigrationReplay]:
    with MigrationReplay(ScratchServer.on(rehearsal_role(server))) as replay:
        yield replay
