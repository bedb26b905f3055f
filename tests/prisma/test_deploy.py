"""The wizard reads what `migrate deploy` writes, and the other way round."""

from __future__ import annotations

import json
import random
import string
import subprocess
from pathlib import Path

import pytest

from dbtools.postgres.client import DatabaseAddress
from dbtools.prisma.history import HistoryNotFound
from dbtools.prisma.names import sort_names
from tests.dbtools.conftest import MakeDatabase
from tests.prisma.cli import Prisma, diff_script
from tests.prisma.projects import SMALL, apply, first, judged, practice, rows, states, written

pytestmark = pytest.mark.real_prisma
APPLIED = "All migrations have been successfully applied."


@pytest.mark.parametrize("migrations", [SMALL, practice()], ids=["small", "practice"])
def test_what_prisma_deploys_is_read_as_applied(
    prisma: Prisma, shop: DatabaseAddress, tmp_path: Path, migrations: dict[str, str]
) -> None:
    folder = written(tmp_path / "migrations", migrations)
    done = prisma(shop, folder, "migrate", "deploy")
    assert (done.code, APPLIED in done.text) == (0, True), done.text
    entries = judged(shop, folder, prisma.version)
    assert [(entry.name, entry.state) for entry in entries] == [(name, "applied") for name in migrations]
    assert [entry.why_not for entry in entries] == [""] * len(migrations)
    assert {(row.steps, row.logs) for row in rows(shop)} == {(1, None)}


def test_prisma_finds_the_practice_database_up_to_date(
    prisma: Prisma, shop: DatabaseAddress, tmp_path: Path
) -> None:
    apply(shop, practice())
    folder = written(tmp_path / "migrations", practice())
    done = prisma(shop, folder, "migrate", "status")
    assert (done.code, "Database schema is up to date!" in done.text) == (0, True), done.text


def test_prisma_proposes_a_down_script_in_the_same_way_as_the_bench_asks(
    prisma: Prisma, make_database: MakeDatabase, tmp_path: Path
) -> None:
    newer, older = written(tmp_path / "newer", SMALL), written(tmp_path / "older", first(SMALL, 2))
    wrong = written(tmp_path / "wrong", {**SMALL, "20260104000000_wrong": "NO SQL AT ALL;"})
    address = make_database()
    proposed = diff_script(prisma.major, address, newer, older)
    assert proposed is not None
    assert proposed.startswith("-- DropForeignKey")
    assert 'DROP TABLE "public"."Order";' in proposed
    assert diff_script(prisma.major, address, older, older) == ""
    assert diff_script(prisma.major, address, wrong, older) is None


def test_names_are_sorted_as_by_the_cli() -> None:
    """Since 6.6 the CLI sorts by JavaScript's `localeCompare`."""
    dice, signs = random.Random(4), string.ascii_letters + string.digits + "_-. "
    names = sorted({"".join(dice.choices(signs, k=dice.randint(1, 6))) for _ in range(3000)})
    sorting = "console.log(JSON.stringify(JSON.parse(process.argv[1]).sort((a, b) => a.localeCompare(b))))"
    done = subprocess.run(
        ["node", "-e", sorting, json.dumps(names)], capture_output=True, text=True, check=True, timeout=60
    )
    assert sort_names(names, "6.19.3") == tuple(json.loads(done.stdout))


def test_without_prismas_table_everything_is_pending_and_there_is_no_history(
    prisma: Prisma, shop: DatabaseAddress, tmp_path: Path
) -> None:
    folder = written(tmp_path / "migrations", SMALL)
    done = prisma(shop, folder, "migrate", "status")
    assert (done.code, done.pending) == (1, tuple(SMALL)), done.text
    with pytest.raises(HistoryNotFound, match="never used here"):
        states(shop, folder, prisma.version)
