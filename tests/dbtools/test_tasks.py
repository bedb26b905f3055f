"""Only a process that has the databases' addresses takes up the wizard's work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbtools import tasks
from dbtools.models import Backup, DatabaseRollback, Restore
from rollback_portal.accounts.models import User
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listed(tmp_path: Path, settings: Any) -> None:
    """The process knows which databases there are, as a dispatcher or a web process may."""
    settings.DATABASES_FILE = str(tmp_path / "databases.toml")
    (tmp_path / "databases.toml").write_text('[shop]\nsecret = "SHOP_DATABASE_URL"\n')


@pytest.mark.usefixtures("listed")
def test_without_the_addresses_rows_are_left_to_a_process_that_has_them(dana: User) -> None:
    row = rollback_rows.rollback(dana, "reading")
    backup = Backup.objects.create(database=row.database, file="a", sha256="b", bytes=1, seconds=1, rows={})
    restore = Restore.objects.create(
        backup=backup, name="restored", requested_by=dana, requested_by_name="Dana"
    )
    tasks.advance(row.pk)
    tasks.restore(restore.pk)
    row.refresh_from_db()
    restore.refresh_from_db()
    assert (row.status, row.lease_owner) == ("reading", None)
    assert (restore.status, restore.lease_owner) == ("queued", None)


@pytest.mark.usefixtures("listed")
def test_with_an_address_the_row_is_taken_up(dana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/shop")
    row = rollback_rows.rollback(dana, "reading")
    tasks.advance(row.pk)
    assert DatabaseRollback.objects.get(pk=row.pk).status == "choosing"


@pytest.mark.parametrize("content", ["", "[shop", '[shop]\nsecret = "SHOP_DATABASE_URL"\n'])
def test_a_process_that_has_no_address_can_run_neither_kind(
    content: str, tmp_path: Path, settings: Any
) -> None:
    settings.DATABASES_FILE = str(tmp_path / "databases.toml")
    (tmp_path / "databases.toml").write_text(content)
    assert not tasks.DATABASE_ROLLBACKS.can_run()
    assert not tasks.RESTORES.can_run()
