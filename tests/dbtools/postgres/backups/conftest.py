"""A database to back up, the client programs, and a backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtools.postgres import backups
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.programs import ClientPrograms
from tests.dbtools.postgres.backups.samples import fill
from tests.dbtools.rehearsal.small_project import programs_for


@pytest.fixture
def programs(server: DatabaseAddress) -> ClientPrograms:
    return programs_for(server)


@pytest.fixture
def taken(shop: DatabaseAddress, programs: ClientPrograms, tmp_path: Path) -> backups.TakenBackup:
    fill(shop, 3_000)
    return backups.take(shop, programs, tmp_path / "backups")
