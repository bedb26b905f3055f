"""Every state of the history after Prisma's commands, and how the wizard reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dbtools.postgres.client import DatabaseAddress
from dbtools.prisma.compare import MigrationEntry, NotSelectable, select
from tests.prisma.cli import Prisma
from tests.prisma.projects import SMALL, first, judged, rows, states, written

pytestmark = [pytest.mark.long, pytest.mark.real_prisma]
INIT, PHONE, ORDER = SMALL
BROKEN = {**SMALL, ORDER: 'CREATE TABLE "Half" ("id" INTEGER);\nALTER TABLE "Nowhere" ADD COLUMN "a" TEXT;\n'}


def test_a_failed_migration_blocks_everything_until_it_is_resolved(
    prisma: Prisma, shop: DatabaseAddress, tmp_path: Path
) -> None:
    folder = written(tmp_path / "migrations", BROKEN)
    assert prisma(shop, folder, "migrate", "deploy").code == 1
    entries = judged(shop, folder, prisma.version)
    assert [entry.state for entry in entries] == ["applied", "applied", "failed"]
    with pytest.raises(NotSelectable, match="has failed or is being applied"):
        select(entries, PHONE)
    assert "P3009" in prisma(shop, folder, "migrate", "deploy").text

    settled = prisma(shop, folder, "migrate", "resolve", "--rolled-back", ORDER)
    assert settled.code == 0, settled.text
    entries = judged(shop, folder, prisma.version)
    assert [entry.state for entry in entries] == ["applied", "applied", "rolled back"]
    assert names(select(entries, PHONE)) == [PHONE]

    repaired = written(tmp_path / "repaired", SMALL)
    assert prisma(shop, repaired, "migrate", "deploy").code == 0
    entries = judged(shop, repaired, prisma.version)
    assert [entry.state for entry in entries] == ["applied"] * 3
    assert (len(rows(shop)), names(select(entries, ORDER))) == (4, [ORDER])


def test_a_baseline_cannot_be_rolled_back(prisma: Prisma, shop: DatabaseAddress, tmp_path: Path) -> None:
    folder = written(tmp_path / "migrations", SMALL)
    assert prisma(shop, folder, "migrate", "resolve", "--applied", INIT).code == 0
    (row,) = rows(shop)
    assert (row.steps, row.logs, row.state, row.never_ran) == (0, "", "applied", True)
    assert states(shop, folder, prisma.version) == {
        INIT: "squashed baseline", PHONE: "pending", ORDER: "pending",
    }  # fmt: skip


def test_edited_files_are_recognised_as_by_prisma(
    prisma: Prisma, shop: DatabaseAddress, tmp_path: Path
) -> None:
    """Line endings do not count, text does; `migrate status` does not mention a deleted directory."""
    assert prisma(shop, written(tmp_path / "deployed", SMALL), "migrate", "deploy").code == 0
    windows = {name: script.replace("\n", "\r\n") for name, script in SMALL.items()}
    folder = written(tmp_path / "windows", windows)
    assert set(states(shop, folder, prisma.version).values()) == {"applied"}

    edited = written(tmp_path / "edited", {**SMALL, PHONE: SMALL[PHONE] + "-- later\n"})
    assert states(shop, edited, prisma.version)[PHONE] == "edited since"
    assert prisma(shop, edited, "migrate", "status").code == 0

    shorter = written(tmp_path / "shorter", first(SMALL, 2))
    entries = judged(shop, shorter, prisma.version)
    assert entries[2].state == "unknown to the folder"
    with pytest.raises(NotSelectable, match="not in this folder"):
        select(entries, ORDER)
    with pytest.raises(NotSelectable, match="is later and cannot be rolled back"):
        select(entries, PHONE)
    assert prisma(shop, shorter, "migrate", "status").code == 0


def test_a_directory_without_a_script_is_reported_and_stops_prisma(
    prisma: Prisma, shop: DatabaseAddress, tmp_path: Path
) -> None:
    folder = written(tmp_path / "migrations", SMALL)
    (folder / ORDER / "migration.sql").unlink()
    done = prisma(shop, folder, "migrate", "deploy")
    assert (done.code, "P3015" in done.text) == (1, True), done.text
    assert states(shop, folder, prisma.version) == {INIT: "applied", PHONE: "applied", ORDER: "no SQL"}


def test_windows_line_endings_in_the_history_match_a_unix_folder(
    prisma: Prisma, shop: DatabaseAddress, tmp_path: Path
) -> None:
    windows = {name: script.replace("\n", "\r\n") for name, script in SMALL.items()}
    assert prisma(shop, written(tmp_path / "windows", windows), "migrate", "deploy").code == 0
    folder = written(tmp_path / "unix", SMALL)
    assert set(states(shop, folder, prisma.version).values()) == {"applied"}


def names(entries: Sequence[MigrationEntry]) -> list[str]:
    return [entry.name for entry in entries]
