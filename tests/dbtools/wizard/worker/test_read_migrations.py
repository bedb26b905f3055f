"""Step 2: from which commit the migrations are read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dbtools.models import Database, DatabaseRollback
from dbtools.postgres.client import DatabaseAddress
from dbtools.wizard import actions
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from tests.dbtools.wizard.worker.full_runs import run_worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("kind", "reason"), [("left", ""), ("live", "its SQL is not in this folder")])
def test_after_a_code_rollback_only_the_commit_that_was_left_has_the_migration(
    practice: DatabaseAddress, tmp_path: Path, dana: User, kind: str, reason: str
) -> None:
    command = ["git", "--git-dir", str(tmp_path / "shop.git"), "rev-list", "main"]
    newest, before, *_ = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    live = [{"commit": before, "left": {"commit": newest, "description": "the newest"}}]
    row = actions.start(Actor.of(dana), Database.objects.get(name="shop"))
    actions.justify(Actor.of(dana), row, reason="The fix needs a day", source={"kind": kind})
    DatabaseRollback.objects.filter(pk=row.pk).update(justification={**row.justification, "live": live})
    row = run_worker(row)
    assert row.status == "choosing", row.message
    assert row.source["commit"] == (newest if kind == "left" else before)
    why_not = row.migrations[-1]["why_not"]
    assert reason in why_not if reason else why_not == ""
