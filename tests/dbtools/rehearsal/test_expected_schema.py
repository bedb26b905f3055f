"""What the migrations before should have left: an extension that may have stood before may stay or go."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtools.postgres import client
from dbtools.rehearsal import MigrationSql
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.rehearsal.small_project import project

INIT = MigrationSql("1_init", "CREATE TABLE t (id int PRIMARY KEY);")
MADE_CONDITIONALLY = "CREATE EXTENSION IF NOT EXISTS citext; ALTER TABLE t ADD b int;"
MADE = "CREATE EXTENSION citext; ALTER TABLE t ADD b int;"
LEFT = "ALTER TABLE t DROP COLUMN b;"
DROPPED = f"{LEFT} DROP EXTENSION citext;"


@pytest.mark.parametrize(
    ("up", "down", "passes", "stands"),
    [
        (MADE_CONDITIONALLY, LEFT, True, False),
        (MADE_CONDITIONALLY, LEFT, True, True),
        (MADE_CONDITIONALLY, DROPPED, True, False),
        (MADE, DROPPED, True, False),
        (MADE, LEFT, False, False),
    ],
)
def test_only_an_extension_that_may_have_stood_before_may_stay(
    make_database: MakeDatabase, tmp_path: Path, up: str, down: str, passes: bool, stands: bool
) -> None:
    target = make_database()
    if stands:
        with client.connect(target, "tests", autocommit=True) as connection:
            connection.execute("CREATE EXTENSION citext SCHEMA public")
    made = project(target, tmp_path, [INIT], [MigrationSql("2_citext", up)])
    report = made.rehearse(down)
    assert report.passed is passes, report.message
    assert ("is not the one that the migrations before produce" in report.message) is not passes
