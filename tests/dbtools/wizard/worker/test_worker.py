"""The whole wizard, verbs and worker, on a real database with a real repository."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from dbtools.models import Backup, Database, DatabaseRollback
from dbtools.postgres import client
from dbtools.postgres.client import Connection, Target
from dbtools.prisma import history
from dbtools.sandbox import project, shop
from dbtools.wizard import actions, approval, inventory, worker
from dbtools.wizard.transitions import NotPossible
from rollback_portal.accounts.models import User
from rollback_portal.audit.models import AuditEntry
from rollback_portal.local import company
from tests import factories
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db(transaction=True)

DOWN = """ALTER TABLE "Order" ADD COLUMN "legacyPrice" integer;
UPDATE "Order" SET "legacyPrice" = "priceCents";
ALTER TABLE "Order" DROP COLUMN "priceCents";
"""


@pytest.fixture
def practice(server: Target, made_shop: Target, tmp_path: Path, settings: Any, monkeypatch: Any) -> Target:
    """The practice database and its repository, configured."""
    story = company.story(time.time())
    shop.fill(made_shop, [step for _, step in project.steps(story)], orders=3000)
    project.build(tmp_path / "shop.git", story)
    (tmp_path / "databases.toml").write_text(
        f'[shop]\nsecret = "SHOP_DATABASE_URL"\nrepository = "{tmp_path / "shop.git"}"\nprisma = "6.19.3"\n'
        'scratch = "SCRATCH_DATABASE_URL"\n'
    )
    monkeypatch.setenv("SHOP_DATABASE_URL", company.address(made_shop))
    monkeypatch.setenv("SCRATCH_DATABASE_URL", company.address(server))
    settings.DATABASES_FILE = str(tmp_path / "databases.toml")
    for name in ("BACKUP_FOLDER", "MIRROR_FOLDER", "SCRATCH_FOLDER"):
        setattr(settings, name, str(tmp_path / name.lower()))
    inventory.follow()
    return made_shop


@pytest.fixture
def dana() -> User:
    return factories.person("database admin", "Dana Okoro")


@pytest.fixture
def efe() -> User:
    return factories.person("database admin", "Efe Brandt")


def worked(row: DatabaseRollback) -> DatabaseRollback:
    """The row after a worker has done what it can."""
    while worker.run(row.pk):
        pass
    return DatabaseRollback.objects.shown().get(pk=row.pk)


def to_writing(user: User) -> DatabaseRollback:
    row = actions.start(rollback_rows.actor(user), Database.objects.get(name="shop"))
    actions.decide(rollback_rows.actor(user), row, reason="The fix needs a day", source={"kind": "live"})
    row = worked(row)
    assert row.status == "choosing", row.message
    actions.choose(rollback_rows.actor(user), row, row.migrations[-1]["name"])
    return worked(row)


def to_rehearsed(user: User, sql: str) -> DatabaseRollback:
    row = to_writing(user)
    assert row.status == "writing", row.message
    actions.write(rollback_rows.actor(user), row, sql)
    row = worked(row)
    assert row.status == "ready", (row.message, row.sql_analysis)
    assert {guard["tone"] for guard in row.preflight} == {"ok"}, row.preflight
    actions.back_up(rollback_rows.actor(user), row)
    return worked(row)


def to_approved(user: User, second: User, sql: str = DOWN) -> DatabaseRollback:
    row = to_rehearsed(user, sql)
    assert row.status == "rehearsed", row.message
    approval.ask(rollback_rows.actor(user), row)
    approval.approve(
        rollback_rows.actor(second), row, seen=row.approval_digest, acknowledged_losses=approval.losing(row)
    )
    return row


def names(connection: Connection) -> set[str]:
    return {row.name for row in history.read(connection, "public")}


def columns(connection: Connection) -> set[str]:
    found = connection.execute(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = '\"Order\"'::regclass AND attnum > 0 AND NOT attisdropped"
    ).fetchall()
    return {name for (name,) in found}


def test_nine_steps_lead_to_the_schema_before_and_nothing_else_is_changed(
    practice: Target, opened_shop: Connection, dana: User, efe: User
) -> None:
    row = to_approved(dana, efe)
    assert row.rehearsal["lose"][0].startswith("YOU LOSE 3,000 values of Order.priceCents")
    newest = row.selected[0]
    assert newest in names(opened_shop)
    approval.run(rollback_rows.actor(dana), row, typed=row.phrase)
    row = worked(row)
    assert row.status == "done", row.message
    assert newest not in names(opened_shop)
    assert {"legacyPrice"} <= columns(opened_shop)
    assert "priceCents" not in columns(opened_shop)
    assert row.verification == {"rows_standing": [], "schema_as_rehearsed": True}
    saved = AuditEntry.objects.filter(action="database rollback: rolled back").get().before["history"]
    assert [each["migration_name"] for each in saved] == [newest]
    assert Backup.objects.get().deleted_at is None


@pytest.fixture
def index_came_last(tmp_path: Path, monkeypatch: Any) -> None:
    """The company's newest migration makes an index instead."""
    copied = Path(shutil.copytree(project.SOURCE, tmp_path / "migrations"))
    newest = max(copied.iterdir())
    newest.with_name("9999_index.sql").write_text('CREATE INDEX "Order_index" ON "Order"("status");')
    newest.unlink()
    monkeypatch.setattr(project, "SOURCE", copied)


@pytest.mark.usefixtures("index_came_last", "practice")
def test_an_index_goes_concurrently_outside_any_transaction(
    opened_shop: Connection, dana: User, efe: User
) -> None:
    row = to_approved(dana, efe, 'DROP INDEX CONCURRENTLY "Order_index";')
    assert row.sql_analysis["path"] == "alone"
    approval.run(rollback_rows.actor(dana), row, typed=row.phrase)
    row = worked(row)
    assert row.status == "done", row.message
    assert row.selected[0] not in names(opened_shop)
    assert opened_shop.execute("SELECT to_regclass('\"Order_index\"')").fetchone() == (None,)
    assert row.verification == {"rows_standing": [], "schema_as_rehearsed": True}


@pytest.mark.parametrize(("kind", "why"), [("left", ""), ("live", "its SQL is not in this folder")])
def test_after_code_was_rolled_back_only_the_commit_that_was_left_has_the_migration(
    practice: Target, tmp_path: Path, dana: User, kind: str, why: str
) -> None:
    listed = ["git", "--git-dir", str(tmp_path / "shop.git"), "rev-list", "main"]
    newest, before, *_ = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    live = [{"commit": before, "left": {"commit": newest, "said": "the newest"}}]
    row = actions.start(rollback_rows.actor(dana), Database.objects.get(name="shop"))
    actions.decide(rollback_rows.actor(dana), row, reason="The fix needs a day", source={"kind": kind})
    DatabaseRollback.objects.filter(pk=row.pk).update(justification={**row.justification, "live": live})
    row = worked(row)
    assert row.status == "choosing", row.message
    assert row.source["commit"] == (newest if kind == "left" else before)
    said = row.migrations[-1]["why_not"]
    assert why in said if why else said == ""


def test_the_draft_for_the_harmful_migration_says_what_it_cannot_bring_back(
    practice: Target, dana: User
) -> None:
    row = to_writing(dana)
    assert row.draft["text"], row.draft["message"]
    assert "legacyPrice" in row.draft["text"]
    assert "loses data" in {line["mark"] for line in row.draft["lines"]}


def test_wrong_sql_is_caught_by_the_rehearsal_and_never_runs(
    practice: Target, opened_shop: Connection, dana: User
) -> None:
    before = columns(opened_shop)
    row = to_rehearsed(dana, 'ALTER TABLE "Order" DROP COLUMN "priceCents";')
    assert row.status == "rehearsed"
    assert row.rehearsal["passed"] is False
    assert any(check["lines"] for check in row.rehearsal["checks"])
    with pytest.raises(NotPossible):
        approval.ask(rollback_rows.actor(dana), row)
    assert columns(opened_shop) == before


def test_a_deploy_in_between_voids_the_run(
    practice: Target, opened_shop: Connection, dana: User, efe: User
) -> None:
    row = to_approved(dana, efe)
    before = columns(opened_shop)
    opened_shop.execute(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)"
        " VALUES ('x', 'c', '29990101000000_new', now(), 1)"
    )
    approval.run(rollback_rows.actor(dana), row, typed=row.phrase)
    row = worked(row)
    assert row.status == "unchanged"
    assert "something was deployed since" in row.message
    assert columns(opened_shop) == before


def test_a_worker_that_died_in_the_run_is_followed_by_a_look_not_by_a_second_run(
    practice: Target, opened_shop: Connection, dana: User, efe: User
) -> None:
    """The row says a transaction began; the database says that it never was committed."""
    row = to_approved(dana, efe)
    approval.run(rollback_rows.actor(dana), row, typed=row.phrase)
    with client.connect(practice, "a worker that dies") as dying:
        runner_says = dying.execute(
            "SELECT pg_current_xact_id()::text, (SELECT system_identifier::text FROM pg_control_system()),"
            " (SELECT timeline_id FROM pg_control_checkpoint())"
        ).fetchone()
        dying.rollback()
    assert runner_says is not None
    xid, system, timeline = runner_says
    identity = {"xid": xid, "system": system, "timeline": timeline, "backend": 1}
    DatabaseRollback.objects.filter(pk=row.pk).update(identity=identity)
    row = worked(row)
    assert row.status == "unchanged"
    assert "was not committed" in row.message
    assert row.selected[0] in names(opened_shop)


def test_the_password_of_the_target_stands_in_no_row_and_no_entry(
    practice: Target, dana: User, efe: User
) -> None:
    row = to_approved(dana, efe)
    told = [str(vars(row)), *(str(vars(entry)) for entry in AuditEntry.objects.all())]
    told += [str(vars(database)) for database in Database.objects.all()]
    assert practice.password
    assert not any(practice.password in text for text in told)
