"""After a run, Prisma reports exactly these migrations as pending and applies them again."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtools.execution import runner
from dbtools.execution.run_spec import RowToDelete, RunSpec
from dbtools.postgres import client, dump, state
from dbtools.postgres.client import DatabaseAddress
from dbtools.prisma import history
from dbtools.prisma.compare import select
from dbtools.prisma.status import older_rows, status_in_words
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.rehearsal.small_project import programs_for
from tests.prisma.cli import Prisma
from tests.prisma.projects import DOWN, apply, first, judged, practice, rows, states, written
from tests.prisma.watching import Silent

pytestmark = [pytest.mark.long, pytest.mark.real_prisma]


@pytest.mark.parametrize("going", [1, 3])
def test_prisma_agrees_with_what_a_run_leaves(
    prisma: Prisma, make_database: MakeDatabase, tmp_path: Path, going: int
) -> None:
    migrations = practice()
    earlier = first(migrations, len(migrations) - going)
    gone = tuple(list(migrations)[-going:])
    now, before = written(tmp_path / "now", migrations), written(tmp_path / "before", earlier)
    address, untouched, complete = make_database(), make_database(), make_database()
    apply(address, migrations)
    apply(untouched, earlier)
    apply(complete, migrations)

    roll_back(address, now, prisma.version, gone[0], going)

    status = prisma(address, now, "migrate", "status")
    assert (status.code, status.pending) == (1, gone), status.text
    diff = prisma.clean(address, before)
    assert (diff.code, "No difference detected" in diff.text) == (0, True), diff.text
    assert_same(untouched, address)

    deployed = prisma(address, now, "migrate", "deploy")
    assert (deployed.code, [name for name in migrations if name in deployed.text]) == (0, list(gone))
    assert set(states(address, now, prisma.version).values()) == {"applied"}
    assert_same(complete, address)


def test_an_older_row_of_a_failed_try_stays_and_each_version_reads_it_as_the_page_says(
    prisma: Prisma, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """The newest migration had failed, was marked as rolled back, repaired and applied before the run."""
    migrations = practice()
    newest = list(migrations)[-1]
    address = make_database()
    apply(address, first(migrations, len(migrations) - 1))
    broken = written(
        tmp_path / "broken", {**migrations, newest: 'ALTER TABLE "Nowhere" ADD COLUMN "a" TEXT;'}
    )
    assert prisma(address, broken, "migrate", "deploy").code == 1
    assert prisma(address, broken, "migrate", "resolve", "--rolled-back", newest).code == 0
    now = written(tmp_path / "now", migrations)
    assert prisma(address, now, "migrate", "deploy").code == 0

    roll_back(address, now, prisma.version, newest, 1)

    assert older_rows(rows(address), (newest,)) == (newest,)
    status, words = prisma(address, now, "migrate", "status"), status_in_words((newest,), (newest,))
    if prisma.major == 6:
        assert (status.code, "Database schema is up to date!" in status.text) == (0, True), status.text
        assert "Prisma 6, and of 7 up to 7.8, leaves it out" in words
    else:
        assert (status.code, status.pending) == (1, (newest,)), status.text
        assert "since 7.9 it says “not yet been applied” (exit code 1)" in words
    deployed = prisma(address, now, "migrate", "deploy")
    assert (deployed.code, newest in deployed.text) == (0, True), deployed.text


def test_prisma_notices_an_incomplete_down_script(
    prisma: Prisma, shop: DatabaseAddress, tmp_path: Path
) -> None:
    migrations = practice()
    apply(shop, migrations)
    now = written(tmp_path / "now", migrations)
    before = written(tmp_path / "before", first(migrations, len(migrations) - 1))
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute('ALTER TABLE "Order" ADD COLUMN "legacyPrice" INTEGER')
    assert prisma.clean(shop, now).code == 2
    assert prisma.clean(shop, before).code == 2


def roll_back(address: DatabaseAddress, folder: Path, version: str, name: str, going: int) -> None:
    """Roll back as the wizard does, with a script written by hand."""
    entries = select(judged(address, folder, version), name)
    assert len(entries) == going
    with client.connect(address, "tests") as connection:
        fingerprint = state.read(connection, ("public",)).fingerprint
    spec = RunSpec(
        id="17",
        statements=tuple(statement for script in DOWN[:going] for statement in script),
        rows=tuple(RowToDelete(entry.row, entry.name) for entry in entries),
        schema="public",
        schemas=("public",),
        fingerprint=fingerprint,
        history=history.digest(rows(address)),
    )
    assert len(runner.run(address, spec, Silent()).deleted) == going


def assert_same(expected: DatabaseAddress, actual: DatabaseAddress) -> None:
    programs = programs_for(expected)
    compared = dump.compare(dump.dump_schema(expected, programs), dump.dump_schema(actual, programs))
    assert compared.holds, "\n".join(compared.lines)
