"""Step 9: restores of the backup into a new database."""

from __future__ import annotations

import pytest

from dbtools.models import Restore
from dbtools.wizard import closing
from dbtools.wizard.transitions import StepRefused
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db


def test_a_backup_is_restored_under_a_plain_new_name_and_once_at_a_time(dana: User) -> None:
    row = rollback_rows.rollback(dana, "done")
    for name in ("", "shop", "Shop", "a;b", "x" * 64):
        with pytest.raises(StepRefused):
            closing.request_restore(Actor.of(dana), row, name=name)
    closing.request_restore(Actor.of(dana), row, name="shop_before")
    with pytest.raises(StepRefused, match="being restored already"):
        closing.request_restore(Actor.of(dana), row, name="shop_again")
    assert Restore.objects.count() == 1
