"""What no schema shows: the rehearsal says which values change and which do not come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtools.rehearsal import OK, WARN, Check, Migration, Report
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.rehearsal.small_project import Project, project

BEFORE = Migration(
    "1_init", 'CREATE TABLE "Order" ("id" SERIAL PRIMARY KEY, "note" TEXT, "legacyPrice" INTEGER);'
)
GOING = Migration(
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


def check(report: Report, name: str) -> Check | None:
    return next((each for each in report.checks if each.name == name), None)


def test_where_everything_comes_back_it_is_said(shop_project: Project) -> None:
    report = shop_project.rehearse(ADD + FILL + DROP)
    assert report.passed, report.message
    assert check(report, "Values") is None
    assert check(report, "Round trip") == Check(
        "Round trip", OK, "Applied again, the migrations give every row and value back."
    )


def test_a_forgotten_update_is_seen_by_what_does_not_come_back(shop_project: Project) -> None:
    report = shop_project.rehearse(ADD + DROP)
    found = check(report, "Round trip")
    assert found is not None
    assert found.tone == WARN
    assert found.lines == ("Order.priceCents has 0 of 300 values",)
    assert found.message in report.message


@pytest.mark.parametrize("wrong", ['"priceCents" * 100', '"priceCents" + ("id" % 2)', "7"])
def test_an_update_with_wrong_values_is_seen_by_what_comes_back(shop_project: Project, wrong: str) -> None:
    report = shop_project.rehearse(ADD + FILL.replace('= "priceCents"', f"= {wrong}") + DROP)
    found = check(report, "Round trip")
    assert found is not None
    assert found.lines == ("Order.priceCents has other values",)


@pytest.mark.parametrize(
    "extra",
    ['UPDATE "Order" SET "note" = \'x\' WHERE "id" = 7;', 'UPDATE "Order" SET "note" = upper("note");'],
)
def test_values_that_change_in_a_column_that_stays_are_named(shop_project: Project, extra: str) -> None:
    report = shop_project.rehearse(ADD + FILL + DROP + extra)
    found = check(report, "Values")
    assert found is not None
    assert found.tone == WARN
    assert found.message == ("The SQL changes values that stay: Order.note. Look whether just that is meant.")


def test_values_in_another_order_are_the_same_values(shop_project: Project) -> None:
    """An UPDATE moves a row in the file, and a column that is only renamed keeps what it holds."""
    same = 'UPDATE "Order" SET "note" = "note" WHERE "id" < 9;'
    assert check(shop_project.rehearse(ADD + FILL + DROP + same), "Values") is None


def test_rows_that_do_not_come_back_are_counted(shop_project: Project) -> None:
    report = shop_project.rehearse(ADD + FILL + DROP + TOO_MANY)
    found = check(report, "Round trip")
    assert found is not None
    assert found.lines == ("Order has 296 of 300 rows",)
    assert check(report, "Values") is None  # told as a loss
