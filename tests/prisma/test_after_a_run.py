"""After a run Prisma itself says that exactly these migrations are pending, and applies them again."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtools.execution import runner
from dbtools.execution.run_spec import HistoryRow, Order
from dbtools.postgres import catalog, client, dump
from dbtools.postgres.client import Target
from dbtools.prisma import history
from dbtools.prisma.compare import chosen
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.rehearsal.small_project import programs_for
from tests.prisma.cli import Prisma
from tests.prisma.projects import DOWN, apply, first, judged, practice, rows, states, written
from tests.prisma.watching import Silent

pytestmark = pytest.mark.real_prisma


@pytest.mark.parametrize("going", [1, 3])
def test_prisma_agrees_with_what_a_run_leaves(
    prisma: Prisma, make_database: MakeDatabase, tmp_path: Path, going: int
) -> None:
    migrations = practice()
    earlier = first(migrations, len(migrations) - going)
    gone = tuple(list(migrations)[-going:])
    now, before = written(tmp_path / "now", migrations), written(tmp_path / "before", earlier)
    where, untouched, complete = make_database(), make_database(), make_database()
    apply(where, migrations)
    apply(untouched, earlier)
    apply(complete, migrations)

    roll_back(where, now, prisma.version, gone[0], going)

    status = prisma(where, now, "migrate", "status")
    assert (status.code, status.pending) == (1, gone), status.text
    diff = prisma.clean(where, before)
    assert (diff.code, "No difference detected" in diff.text) == (0, True), diff.text
    assert_same(untouched, where)

    deployed = prisma(where, now, "migrate", "deploy")
    assert (deployed.code, [name for name in migrations if name in deployed.text]) == (0, list(gone))
    assert set(states(where, now, prisma.version).values()) == {"applied"}
    assert_same(complete, where)


def test_prisma_sees_it_where_the_down_script_forgot_something(
    prisma: Prisma, shop: Target, tmp_path: Path
) -> None:
    migrations = practice()
    apply(shop, migrations)
    now = written(tmp_path / "now", migrations)
    before = written(tmp_path / "before", first(migrations, len(migrations) - 1))
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute('ALTER TABLE "Order" ADD COLUMN "legacyPrice" INTEGER')
    assert prisma.clean(shop, now).code == 2
    assert prisma.clean(shop, before).code == 2


def roll_back(where: Target, folder: Path, version: str, name: str, going: int) -> None:
    """As the wizard does it: what was chosen goes, with a script that somebody wrote."""
    entries = chosen(judged(where, folder, version), name)
    assert len(entries) == going
    with client.connect(where, "tests") as connection:
        fingerprint = catalog.read(connection, ("public",)).fingerprint
    order = Order(
        id="17",
        statements=tuple(statement for script in DOWN[:going] for statement in script),
        rows=tuple(HistoryRow(entry.row, entry.name) for entry in entries),
        schema="public",
        schemas=("public",),
        fingerprint=fingerprint,
        history=history.digest(rows(where)),
    )
    assert len(runner.run(where, order, Silent()).deleted) == going


def assert_same(expected: Target, found: Target) -> None:
    programs = programs_for(expected)
    compared = dump.compare(dump.dump_schema(expected, programs), dump.dump_schema(found, programs))
    assert compared.holds, "\n".join(compared.lines)
