"""The rehearsal reports which values change and which do not come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtools.rehearsal import OK, WARN, MigrationSql, RehearsalCheck, RehearsalReport
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.rehearsal.small_project import Project, project

BEFORE = MigrationSql(
    "1_init", 'CREATE TABLE "Order" ("id" SERIAL PRIMARY KEY, "note" TEXT, "legacyPrice" INTEGER);'
)
GOING = MigrationSql(
    "2_price",
    'ALTER TABLE "Order" ADD COLUMN "priceCents" INTEGER;\n'
    'UPDATE "Order" SET "priceCents" = "legacyPrice";\n'
    'ALTER TABLE "Order" DROP COLUMN "legacyPrice";',
)
ROWS = 'INSERT INTO "Order" ("note", "priceCents") SELECT \'n\' || i, i FROM generate_series(1, 300) i;'
ADD, FILL, DROP = (
    'ALTER TABLE "Order" ADD COLUMN "legacyPrice" INTEGER;',
    'UPDATE "Order" SET "legacyPrice" = "priceCents";',
    'ALTER TABLE "Order" DROP COLUMN "priceCents";',
)
TOO_MANY = 'DELETE FROM "Order" WHERE "id" <= 4;'


@pytest.fixture
def shop_project(make_database: MakeDatabase, tmp_path: Path) -> Project:
    return project(make_database(), tmp_path, [BEFORE], [GOING], ROWS)


def check(report: RehearsalReport, name: str) -> RehearsalCheck | None:
    return next((item for item in report.checks if item.name == name), None)


def test_a_complete_round_trip_is_reported(shop_project: Project) -> None:
    report = shop_project.rehearse(ADD + FILL + DROP)
    assert report.passed, report.message
    assert check(report, "Values") is None
    assert check(report, "Round trip") == RehearsalCheck(
        "Round trip", OK, "Applied again, the migrations give every row and value back."
    )


def test_a_forgotten_update_is_noticed_in_the_round_trip(shop_project: Project) -> None:
    report = shop_project.rehearse(ADD + DROP)
    result = check(report, "Round trip")
    assert result is not None
    assert result.tone == WARN
    assert result.lines == ("Order.priceCents has 0 of 300 values",)
    assert result.message in report.message


@pytest.mark.parametrize(
    ("wrong", "rows"),
    [
        ('"priceCents" * 100', 300),
        ('"priceCents" + ("id" % 2)', 150),
        ("7", 299),
        ('301 - "priceCents"', 300),
    ],
)
def test_an_update_with_wrong_values_is_noticed_in_the_round_trip(
    shop_project: Project, wrong: str, rows: int
) -> None:
    report = shop_project.rehearse(ADD + FILL.replace('= "priceCents"', f"= {wrong}") + DROP)
    result = check(report, "Round trip")
    assert result is not None
    assert result.lines == (f"Order.priceCents has other values in {rows} rows",)


@pytest.mark.parametrize(
    ("extra", "rows"),
    [
        ('UPDATE "Order" SET "note" = \'x\' WHERE "id" = 7;', "1 row"),
        ('UPDATE "Order" SET "note" = upper("note");', "300 rows"),
    ],
)
def test_changed_values_are_named(shop_project: Project, extra: str, rows: str) -> None:
    report = shop_project.rehearse(ADD + FILL + DROP + extra)
    result = check(report, "Values")
    assert result is not None
    assert result.tone == WARN
    assert result.message == (
        f"The SQL changes values that stay: Order.note in {rows}. Check that this is intended."
    )


def test_values_in_another_order_are_the_same_values(shop_project: Project) -> None:
    """An UPDATE moves a row within the table file, and a renamed column keeps its values."""
    same = 'UPDATE "Order" SET "note" = "note" WHERE "id" < 9;'
    assert check(shop_project.rehearse(ADD + FILL + DROP + same), "Values") is None


def test_rows_that_do_not_come_back_are_counted(shop_project: Project) -> None:
    report = shop_project.rehearse(ADD + FILL + DROP + TOO_MANY)
    result = check(report, "Round trip")
    assert result is not None
    assert result.lines == ("Order has 296 of 300 rows",)
    assert check(report, "Values") is None  # reported as a loss


def test_values_that_trade_places_with_nulls_are_noticed_in_the_round_trip(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    half = ROWS.replace(", i FROM", ", CASE WHEN i % 2 = 0 THEN 7 END FROM")
    traded = FILL.replace('= "priceCents"', '= CASE WHEN "priceCents" IS NULL THEN 7 END')
    report = project(make_database(), tmp_path, [BEFORE], [GOING], half).rehearse(ADD + traded + DROP)
    result = check(report, "Round trip")
    assert result is not None
    assert result.lines == ("Order.priceCents has other values in 300 rows",)
