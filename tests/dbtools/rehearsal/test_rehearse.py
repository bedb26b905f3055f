"""Rehearsals on a restored backup: what passes, what fails, and what is reported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from dbtools.execution import runner
from dbtools.execution.run_spec import CommittedRun, RowToDelete, RunObserver, RunSpec
from dbtools.postgres import backups, client, programs, state
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.scratch import ScratchServer, ScratchUnavailable
from dbtools.postgres.state import SchemaChange
from dbtools.prisma import history
from dbtools.rehearsal import STOP, WARN, MigrationSql, RehearsalProgress, RehearsalReport, rehearse
from dbtools.rehearsal.progress import STEPS
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.rehearsal import small_project
from tests.dbtools.rehearsal.small_project import Project, project

BEFORE = (
    MigrationSql(
        "1_init",
        'CREATE TABLE "User" ("id" SERIAL PRIMARY KEY, "email" TEXT NOT NULL,'
        " \"kind\" VARCHAR(8) NOT NULL DEFAULT 'a',"
        " CONSTRAINT kinds CHECK (\"kind\" IN ('a', 'b')));\n"
        'CREATE TABLE "Order" ("id" SERIAL PRIMARY KEY, "userId" INTEGER NOT NULL, "legacyPrice" INTEGER);',
    ),
    MigrationSql("2_index", 'CREATE UNIQUE INDEX "User_email_key" ON "User"("email");'),
)
GOING = (
    MigrationSql(
        "3_price",
        'ALTER TABLE "Order" ADD COLUMN "priceCents" INTEGER;\n'
        'ALTER TABLE "Order" DROP COLUMN "legacyPrice";\n'
        'CREATE INDEX "Order_priceCents_idx" ON "Order"("priceCents");',
    ),
)
ROWS = (
    'INSERT INTO "User" ("email") SELECT i || \'@example.org\' FROM generate_series(1, 30) i;'
    'INSERT INTO "Order" ("userId", "priceCents") SELECT i % 30, nullif(i, 7) FROM generate_series(1, 500) i;'
)
DOWN = (
    'ALTER TABLE "Order" ADD COLUMN "legacyPrice" INTEGER;\n'
    'UPDATE "Order" SET "legacyPrice" = "priceCents";\n'
    'ALTER TABLE "Order" DROP COLUMN "priceCents";'
)


@pytest.fixture
def shop_project(make_database: MakeDatabase, tmp_path: Path) -> Project:
    return project(make_database(), tmp_path / "backups", BEFORE, GOING, ROWS)


def tones(report: RehearsalReport) -> dict[str, str]:
    return {check.name: check.tone for check in report.checks}


def test_a_correct_script_passes_with_a_complete_report(shop_project: Project) -> None:
    report = shop_project.rehearse(DOWN, since="Nov 21, 09:31")
    assert report.passed, report.message
    assert tones(report) == {
        **dict.fromkeys(["Restore", "Down", "Schema afterwards", "Up again", "Down again"], "ok"),
        "Round trip": WARN,  # the migration throws the old prices away
    }
    assert report.verdict == "same but for column order" or report.verdict == "same"
    assert report.lose == (
        "YOU LOSE 499 values of Order.priceCents written since Nov 21, 09:31. They stay in the backup.",
    )
    assert [step.rows for step in report.ran] == [-1, 500, -1]
    assert [(lock.table, lock.mode) for lock in report.locks] == [("Order", "ACCESS EXCLUSIVE")]
    assert report.locks[0].seconds > 0
    assert report.restore_seconds > 0
    assert "533 rows in 3 tables" in report.checks[0].message


def test_the_report_is_json_with_its_digest(shop_project: Project) -> None:
    report = shop_project.rehearse(DOWN)
    stored = json.loads(json.dumps(asdict(report)))
    assert stored["sha256"] == report.sha256 == report.digest()
    for changed in (
        replace(report, passed=False),
        replace(report, script_sha256="0"),
        replace(report, losses=()),
        replace(report, change=SchemaChange(18, {}, {"table": "x"})),
    ):
        assert changed.digest() != report.sha256


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The databases of this test's rehearsals, as other tests use the same server."""
    databases: list[str] = []
    database = ScratchServer.database

    @contextmanager
    def noted(self: ScratchServer, template: str = "template0") -> Iterator[DatabaseAddress]:
        with database(self, template) as address:
            databases.append(address.database)
            yield address

    monkeypatch.setattr(ScratchServer, "database", noted)
    return databases


def test_a_rehearsal_leaves_nothing_on_the_server(
    places: list[str], shop_project: Project, server: DatabaseAddress
) -> None:
    shop_project.rehearse(DOWN)
    shop_project.rehearse("SELECT 1 / 0")
    assert len(places) >= 2
    assert left(server, places) == []


def left(server: DatabaseAddress, places: list[str]) -> list[str]:
    with client.connect(server, "tests") as connection:
        query = "SELECT datname FROM pg_database WHERE datname = ANY(%s)"
        return [name for (name,) in connection.execute(query, [places]).fetchall()]


def test_a_forgotten_statement_is_caught(shop_project: Project) -> None:
    report = shop_project.rehearse('ALTER TABLE "Order" ADD COLUMN "legacyPrice" INTEGER;')
    assert not report.passed
    assert tones(report)["Schema afterwards"] == STOP
    assert any('+    "priceCents" integer' in line for line in "\n".join(report.checks[2].lines).split("\n"))


def test_a_failing_round_trip_is_caught(shop_project: Project) -> None:
    report = shop_project.rehearse(DOWN, why_not_replayed="The history was squashed.")
    assert report.passed
    assert report.verdict == "unknown"
    assert tones(report)["Schema afterwards"] == WARN
    wrong = shop_project.rehearse(
        'ALTER TABLE "Order" ADD COLUMN "legacyPrice" INTEGER;', why_not_replayed="The history was squashed."
    )
    assert not wrong.passed
    assert "3_price does not apply" in wrong.message


def test_a_script_that_fails_is_caught(shop_project: Project) -> None:
    report = shop_project.rehearse('ALTER TABLE "Order" DROP COLUMN "price";')
    assert not report.passed
    assert "does not run on the restored backup" in report.message
    assert report.change is None


def test_a_script_that_works_only_once_is_caught(shop_project: Project) -> None:
    once = """
CREATE TABLE "Memo" (id int); DROP TABLE "Memo";
DELETE FROM "User" WHERE "id" = 1;
INSERT INTO "User" ("id", "email") SELECT 1000, 'only@example.org';"""
    report = shop_project.rehearse(DOWN + once)
    assert tones(report)["Schema afterwards"] == "ok"
    assert tones(report)["Down again"] == STOP


def test_lost_rows_and_values_are_counted(shop_project: Project) -> None:
    down = f'{DOWN}\nDELETE FROM "User" WHERE "id" <= 4;\nUPDATE "Order" SET "legacyPrice" = NULL;'
    report = shop_project.rehearse(down)
    reported = {(loss.table, loss.column): loss.number for loss in report.losses}
    assert reported == {("Order", "priceCents"): 499, ("User", ""): 4}
    assert "YOU LOSE 4 rows of User. They stay in the backup." in report.lose


def test_a_renamed_column_is_no_loss(make_database: MakeDatabase, tmp_path: Path) -> None:
    up = MigrationSql(
        "3_rename", 'ALTER TABLE "User" RENAME COLUMN "email" TO "mail"; ALTER TABLE "Order" RENAME TO "Buy";'
    )
    made = project(make_database(), tmp_path, BEFORE, (up,))
    with client.connect(made.address, "tests") as connection:
        connection.execute('INSERT INTO "User" ("mail") VALUES (\'a@example.org\')')
        connection.commit()
    made = replace(made, taken=backups.take(made.address, made.scratch.programs, tmp_path))
    report = made.rehearse(
        'ALTER TABLE "Buy" RENAME TO "Order"; ALTER TABLE "User" RENAME COLUMN "mail" TO "email";'
    )
    assert report.passed, report.message
    assert report.losses == ()
    assert report.verdict == "same"


def test_manual_changes_are_reported_and_stop_nothing(make_database: MakeDatabase, tmp_path: Path) -> None:
    by_hand = f'{ROWS}CREATE INDEX by_hand ON "User"("kind"); ALTER TABLE "User" ALTER "kind" DROP DEFAULT;'
    made = project(make_database(), tmp_path, BEFORE, GOING, by_hand)
    report = made.rehearse(DOWN)
    assert report.passed, report.message
    assert tones(report)["Schema afterwards"] == WARN
    assert "changed by hand" in report.message
    wrong = made.rehearse(f'{DOWN}\nDROP INDEX "User_email_key";')
    assert not wrong.passed


def test_a_check_constraint_that_postgresql_rewrites_is_no_difference(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    """The CHECK on User reads differently in the backup than in a newly migrated database."""
    up = MigrationSql("3_column", 'ALTER TABLE "Order" ADD COLUMN "note" TEXT;')
    made = project(make_database(), tmp_path, BEFORE, (up,))
    report = made.rehearse('ALTER TABLE "Order" DROP COLUMN "note";')
    assert report.passed, report.message
    assert report.verdict == "same"
    assert report.losses == ()


def test_a_restored_backup_with_other_rows_than_its_snapshot_is_refused(shop_project: Project) -> None:
    rows = tuple((name, number + (name == "Order")) for name, number in shop_project.taken.rows)
    report = shop_project.rehearse(DOWN, rows=rows)
    assert not report.passed
    assert report.message == "Order has 500 rows after the restore and had 501 in the backup's snapshot."
    assert report.ran == ()


def test_a_swapped_backup_is_not_rehearsed(shop_project: Project) -> None:
    path = Path(shop_project.taken.path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(backups.BackupUnusable, match="not the one that was taken"):
        shop_project.rehearse(DOWN)


def test_an_extension_that_is_missing_is_named(
    places: list[str], shop_project: Project, monkeypatch: pytest.MonkeyPatch, server: DatabaseAddress
) -> None:
    with client.connect(shop_project.address, "tests", autocommit=True) as connection:
        connection.execute("CREATE EXTENSION citext")
        connection.execute('ALTER TABLE "User" ADD COLUMN "nick" citext')
    taken = backups.take(
        shop_project.address, shop_project.scratch.programs, Path(shop_project.taken.path).parent
    )
    made = replace(shop_project, taken=taken)
    monkeypatch.setattr(ScratchServer, "available", lambda self: {"plpgsql"})
    with pytest.raises(ScratchUnavailable, match="lacks the extension citext"):
        made.rehearse(DOWN)
    assert left(server, places) == []


def test_the_portals_own_runner_runs_it_down_and_down_again(shop_project: Project) -> None:
    """Although PostgreSQL has rewritten a CHECK of the backup, which changes its fingerprint."""
    task = shop_project.task(DOWN)
    with client.connect(shop_project.address, "tests") as connection:
        rows = history.read(connection, "public")
        approved = state.read(connection, ("public",)).fingerprint
    going = tuple(RowToDelete(row.id, row.name) for row in rows if row.name == "3_price")
    spec = RunSpec("7", task.statements, going, "public", ("public",), approved, history.digest(rows))

    def execute(address: DatabaseAddress, observer: RunObserver, known: str) -> CommittedRun:
        return runner.run(address, replace(spec, fingerprint=known), observer)

    def fingerprint(address: DatabaseAddress) -> str:
        with client.connect(address, "tests") as connection:
            return state.read(connection, ("public",)).fingerprint

    report = rehearse(task, shop_project.scratch, execute, fingerprint)
    assert report.passed, report.message
    assert [(lock.table, lock.mode) for lock in report.locks] == [("Order", "ACCESS EXCLUSIVE")]
    assert 0 < report.locks[0].seconds < report.total_seconds
    assert report.change is not None
    assert report.change.touched


def test_it_can_be_canceled_at_every_step(
    places: list[str], shop_project: Project, server: DatabaseAddress
) -> None:
    task = shop_project.task(DOWN)
    reported: list[RehearsalProgress] = []
    runs = small_project.runner(task.statements, ["3_price"])
    rehearse(task, shop_project.scratch, runs, shop_project.fingerprint, progress=reported.append)
    assert sorted({one.step for one in reported}) == list(range(1, STEPS + 1))
    for step in range(STEPS):
        asked: Iterator[bool] = iter([False] * step + [True] * 1000)
        with pytest.raises(programs.ProgramStopped):
            rehearse(task, shop_project.scratch, runs, shop_project.fingerprint, stop=asked.__next__)
    assert places
    assert left(server, places) == []
