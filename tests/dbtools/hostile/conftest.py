"""A rollback of a small real database that was approved, ready to be run by a real worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbtools.models import DatabaseRollback
from dbtools.postgres.client import DatabaseAddress
from rollback_portal.accounts.models import User
from rollback_portal.local import company
from tests.dbtools.execution.small_database import fill
from tests.dbtools.hostile.approved_rows import approve, rehearsed


@pytest.fixture
def target_shop(
    shop: DatabaseAddress, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> DatabaseAddress:
    """The configured database, with a history to roll back."""
    (tmp_path / "databases.toml").write_text('[shop]\nsecret = "SHOP_DATABASE_URL"\n')
    settings.DATABASES_FILE = str(tmp_path / "databases.toml")
    settings.BACKUP_FOLDER = str(tmp_path)
    monkeypatch.setenv("SHOP_DATABASE_URL", company.address(shop))
    fill(shop)
    return shop


@pytest.fixture
def approved_row(target_shop: DatabaseAddress, dana: User, efe: User) -> DatabaseRollback:
    """It would run and end in *done*."""
    return approve(rehearsed(target_shop, dana), efe)
