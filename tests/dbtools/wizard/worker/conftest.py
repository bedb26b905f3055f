"""The practice database with its repository, as the wizard is configured for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.scratch import ScratchServer
from dbtools.sandbox import project, shop
from dbtools.wizard import inventory
from rollback_portal.local import company
from tests.support.rehearsal_role import rehearsal_role


@pytest.fixture
def practice(
    embedded_scratch: ScratchServer,
    made_shop: DatabaseAddress,
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> DatabaseAddress:
    """The practice database, filled and configured."""
    scratch = embedded_scratch.maintenance  # another server than the target's
    story = company.story(time.time())
    shop.fill(made_shop, [step for _, step in project.plan_migrations(story)], orders=3000)
    project.build(tmp_path / "shop.git", story)
    (tmp_path / "databases.toml").write_text(
        f'[shop]\nsecret = "SHOP_DATABASE_URL"\nrepository = "{tmp_path / "shop.git"}"\nprisma = "6.19.3"\n'
        'scratch = "SCRATCH_DATABASE_URL"\n'
    )
    monkeypatch.setenv("SHOP_DATABASE_URL", company.address(made_shop))
    monkeypatch.setenv("SCRATCH_DATABASE_URL", company.address(rehearsal_role(scratch)))
    settings.DATABASES_FILE = str(tmp_path / "databases.toml")
    for name in ("BACKUP_FOLDER", "MIRROR_FOLDER", "SCRATCH_FOLDER"):
        setattr(settings, name, str(tmp_path / name.lower()))
    inventory.sync_databases()
    return made_shop
