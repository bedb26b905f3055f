"""Step 2: from which commit the migrations are read."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dbtools.config import DatabaseConfig
from dbtools.interface import migration_moments
from dbtools.models import Database, DatabaseRollback
from dbtools.models.documents import MigrationSource
from dbtools.postgres.client import Connection, DatabaseAddress
from dbtools.prisma.folder import InvalidMigrationsFolder
from dbtools.wizard import actions
from dbtools.wizard.inventory import MOST_RECENT
from dbtools.wizard.worker.read_migrations import read_folder
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from rollback_portal.jobs import clock
from tests.dbtools import rollback_rows
from tests.dbtools.rollback_rows import NAMES
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


def test_a_source_without_the_newest_applied_migration_names_a_commit_that_has_it(
    practice: DatabaseAddress, tmp_path: Path, dana: User
) -> None:
    """Also after it was taken out of the code again; and one press reads it there."""
    repository = tmp_path / "shop.git"
    newest, before, *_ = git(repository, "rev-list", "main").split()
    git(repository, "branch", "kept", newest)
    git(repository, "update-ref", "refs/heads/main", before)
    row = actions.start(Actor.of(dana), Database.objects.get(name="shop"))
    actions.justify(
        Actor.of(dana), row, reason="The fix needs a day", source={"kind": "commit", "commit": before}
    )
    row = run_worker(row)
    assert (row.status, row.source["holder"]) == ("choosing", newest)
    assert row.source["lacks"] == row.migrations[-1]["name"]
    actions.reread_migrations(Actor.of(dana), row, source={"kind": "commit", "commit": row.source["holder"]})
    row = run_worker(row)
    assert (row.source["lacks"], row.source["holder"]) == ("", "")
    assert row.migrations[-1]["why_not"] == ""


def test_a_commit_with_another_text_of_that_name_does_not_have_it(
    practice: DatabaseAddress, tmp_path: Path, dana: User, opened_shop: Connection
) -> None:
    before = git(tmp_path / "shop.git", "rev-list", "main").split()[1]
    opened_shop.execute("UPDATE _prisma_migrations SET checksum = repeat('0', 64)")
    row = actions.start(Actor.of(dana), Database.objects.get(name="shop"))
    actions.justify(
        Actor.of(dana), row, reason="The fix needs a day", source={"kind": "commit", "commit": before}
    )
    row = run_worker(row)
    assert row.source["lacks"]
    assert row.source["holder"] == ""


def test_a_mounted_folder_that_says_something_else_by_now_is_not_replayed(tmp_path: Path) -> None:
    """Whoever may write to the folder would otherwise choose what runs before anybody has approved it."""
    config, file = DatabaseConfig("shop", "SHOP", folder=str(tmp_path)), tmp_path / NAMES[0] / "migration.sql"
    file.parent.mkdir()
    file.write_text("SELECT 1;")
    migrations: Any = rollback_rows.migrations()
    migrations[0]["checksum"] = hashlib.sha256(b"SELECT 1;").hexdigest()
    for state in ("applied", "squashed baseline"):
        migrations[0]["state"] = state
        row = DatabaseRollback(source=MigrationSource(kind="folder"), migrations=migrations)
        file.write_text("SELECT 1;")
        assert read_folder(row, config).migrations[NAMES[0]].sql == "SELECT 1;"
        file.write_text("SELECT 2;")
        with pytest.raises(InvalidMigrationsFolder, match=f"{NAMES[0]} is another one in the folder"):
            read_folder(row, config)
        assert read_folder(row, config, fetch=True).migrations[NAMES[0]].sql == "SELECT 2;"


def git(repository: Path, *words: str) -> str:
    command = ["git", "--git-dir", str(repository), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_newest_applied_migrations_are_kept_with_their_times_for_pages(practice: DatabaseAddress) -> None:
    facts = Database.objects.get(name="shop").facts
    recent = facts["recent"]
    assert len(recent) == min(facts["applied"], MOST_RECENT) > 0
    assert recent[-1] == {"name": facts["newest"], "at": facts["newest_at"]}
    assert [one["at"] for one in recent] == sorted(one["at"] for one in recent)
    moments = migration_moments(["shop-api"], datetime.fromisoformat(recent[0]["at"]), clock.now())
    assert moments == []  # no service is named beside this database
    Database.objects.update(services=["shop-api"])
    found = migration_moments(["shop-api"], datetime.fromisoformat(recent[0]["at"]), clock.now())
    assert [one["name"] for one in found] == [one["name"] for one in recent]
