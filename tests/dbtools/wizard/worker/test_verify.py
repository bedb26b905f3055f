"""Step 9: what stands is compared with what the run itself left, on the database's own server.

What cannot be checked is tried again, and is a person's after half an hour.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from dbtools.config import load_database
from dbtools.models import DatabaseRollback, RecordedState
from dbtools.postgres import state
from dbtools.postgres.client import Connection, DatabaseAddress
from dbtools.postgres.target import target_of
from dbtools.sandbox.shop import HISTORY
from dbtools.wizard import worker as wizard_worker
from rollback_portal.accounts.models import User
from rollback_portal.local import company
from tests import factories
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def committed(
    shop: DatabaseAddress, opened: Connection, dana: User, tmp_path: Path, settings: Any, monkeypatch: Any
) -> DatabaseRollback:
    """A run that has just been committed, and was rehearsed on a copy that looked otherwise."""
    monkeypatch.setenv("SHOP_DATABASE_URL", company.address(shop))
    settings.DATABASES_FILE = str(tmp_path / "databases.toml")
    (tmp_path / "databases.toml").write_text('[shop]\nsecret = "SHOP_DATABASE_URL"\n')
    opened.execute(HISTORY.encode())
    opened.execute("CREATE TABLE t (id int)")
    opened.execute("CREATE VIEW v AS SELECT t.id FROM t")
    opened.execute("CREATE PUBLICATION p FOR TABLE t")
    left = state.read(opened, ("public",))
    RecordedState.record(left)
    target = asdict(target_of(opened, load_database("shop").address()))
    run_log = {"fingerprint_after": left.fingerprint}
    return rollback_rows.rollback(dana, "verifying", run_log=run_log, target=target)


def verified(row: DatabaseRollback) -> DatabaseRollback:
    wizard_worker.run(row.pk)
    return DatabaseRollback.objects.get(pk=row.pk)


def test_what_the_run_left_is_what_stands(committed: DatabaseRollback) -> None:
    row = verified(committed)
    assert row.status == "done", row.message
    assert row.verification == {
        "rows_standing": [], "schema_as_rehearsed": True, "older_rows": [], "differences": []
    }  # fmt: skip


def test_a_schema_that_was_changed_since_the_commit_needs_a_person_and_is_named(
    committed: DatabaseRollback, opened: Connection
) -> None:
    opened.execute("CREATE OR REPLACE VIEW v AS SELECT t.id FROM t WHERE t.id > 0")
    row = verified(committed)
    assert row.status == "needs_attention"
    assert (
        "the schema is not as the run left it. view public.v is SELECT id FROM public.t WHERE" in row.message
    )


def test_a_right_that_was_given_since_the_commit_is_named_and_needs_nobody(
    committed: DatabaseRollback, opened: Connection
) -> None:
    opened.execute("GRANT SELECT ON t TO PUBLIC")
    row = verified(committed)
    assert row.status == "done", row.message
    (difference,) = row.verification["differences"]
    assert difference.startswith("privileges of table public.t is ")


def waits_since(row: DatabaseRollback, status: str, minutes: int) -> DatabaseRollback:
    """The row, once somebody has had the worker look again if it is being resolved."""
    for reached in ("needs_attention", "resolving") if status == "resolving" else ():
        row.status = reached
        row.save()
    row.status_times = {status: factories.ago(minutes=minutes).isoformat()}
    row.save()
    return row


@pytest.mark.parametrize("status", ["verifying", "resolving"])
def test_a_database_that_does_not_answer_is_asked_again(
    committed: DatabaseRollback, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_DATABASE_URL")
    row = verified(waits_since(committed, status, minutes=29))
    assert (row.status, row.lease_owner) == (status, None)
    assert row.not_before is not None
    assert "cannot be checked yet" in row.message


@pytest.mark.parametrize("status", ["verifying", "resolving"])
def test_what_could_not_be_checked_for_half_an_hour_is_for_a_person(
    committed: DatabaseRollback, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_DATABASE_URL")
    row = verified(waits_since(committed, status, minutes=31))
    assert row.status == "needs_attention"
    assert row.message.endswith(
        "It was tried for 30 min. A person has to look; the database stays locked in the portal."
    )
