"""Every state that Prisma's own commands leave a history in, and the wizard's word for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dbtools.postgres.client import Target
from dbtools.prisma.compare import Entry, NotChoosable, chosen
from tests.prisma.cli import Prisma
from tests.prisma.projects import SMALL, first, judged, rows, states, written

pytestmark = pytest.mark.real_prisma
INIT, PHONE, ORDER = SMALL
BROKEN = {**SMALL, ORDER: 'CREATE TABLE "Half" ("id" INTEGER);\nALTER TABLE "Nowhere" ADD COLUMN "a" TEXT;\n'}


def test_a_failed_migration_holds_everything_until_it_is_settled(
    prisma: Prisma, shop: Target, tmp_path: Path
) -> None:
    folder = written(tmp_path / "migrations", BROKEN)
    assert prisma(shop, folder, "migrate", "deploy").code == 1
    entries = judged(shop, folder, prisma.version)
    assert [entry.state for entry in entries] == ["applied", "applied", "failed"]
    with pytest.raises(NotChoosable, match="has failed or is being applied"):
        chosen(entries, PHONE)
    assert "P3009" in prisma(shop, folder, "migrate", "deploy").text

    settled = prisma(shop, folder, "migrate", "resolve", "--rolled-back", ORDER)
    assert settled.code == 0, settled.text
    entries = judged(shop, folder, prisma.version)
    assert [entry.state for entry in entries] == ["applied", "applied", "rolled back"]
    assert names(chosen(entries, PHONE)) == [PHONE]

    repaired = written(tmp_path / "repaired", SMALL)
    assert prisma(shop, repaired, "migrate", "deploy").code == 0
    entries = judged(shop, repaired, prisma.version)
    assert [entry.state for entry in entries] == ["applied"] * 3
    assert (len(rows(shop)), names(chosen(entries, ORDER))) == (4, [ORDER])


def test_what_was_only_recorded_is_a_baseline_that_cannot_go(
    prisma: Prisma, shop: Target, tmp_path: Path
) -> None:
    folder = written(tmp_path / "migrations", SMALL)
    assert prisma(shop, folder, "migrate", "resolve", "--applied", INIT).code == 0
    (row,) = rows(shop)
    assert (row.steps, row.logs, row.state, row.never_ran) == (0, "", "applied", True)
    assert states(shop, folder, prisma.version) == {
        INIT: "squashed baseline", PHONE: "pending", ORDER: "pending",
    }  # fmt: skip


def test_files_that_changed_afterwards_are_told_apart_as_prisma_does(
    prisma: Prisma, shop: Target, tmp_path: Path
) -> None:
    """Line ends do not count; a text does; and a directory that is gone is no word in `migrate status`."""
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
    with pytest.raises(NotChoosable, match="not in this folder"):
        chosen(entries, ORDER)
    with pytest.raises(NotChoosable, match="is later and cannot be rolled back"):
        chosen(entries, PHONE)
    assert prisma(shop, shorter, "migrate", "status").code == 0


def test_a_directory_without_a_script_stops_prisma_and_is_seen(
    prisma: Prisma, shop: Target, tmp_path: Path
) -> None:
    folder = written(tmp_path / "migrations", SMALL)
    (folder / ORDER / "migration.sql").unlink()
    done = prisma(shop, folder, "migrate", "deploy")
    assert (done.code, "P3015" in done.text) == (1, True), done.text
    assert states(shop, folder, prisma.version) == {INIT: "applied", PHONE: "applied", ORDER: "no SQL"}


def test_windows_line_ends_deployed_are_applied_to_a_folder_of_unix(
    prisma: Prisma, shop: Target, tmp_path: Path
) -> None:
    windows = {name: script.replace("\n", "\r\n") for name, script in SMALL.items()}
    assert prisma(shop, written(tmp_path / "windows", windows), "migrate", "deploy").code == 0
    folder = written(tmp_path / "unix", SMALL)
    assert set(states(shop, folder, prisma.version).values()) == {"applied"}


def names(entries: Sequence[Entry]) -> list[str]:
    return [entry.name for entry in entries]
