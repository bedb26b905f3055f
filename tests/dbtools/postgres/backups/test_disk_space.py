"""A backup needs free space and never uses up the reserve."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbtools.postgres import backups
from dbtools.postgres.backups import disk_space, dump
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.programs import ClientPrograms
from tests.dbtools.postgres.backups.samples import fill


def test_the_free_space_is_checked_before_and_the_reserve_is_kept(
    shop: DatabaseAddress, programs: ClientPrograms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, 100_000)
    monkeypatch.setattr(disk_space, "free_and_reserve", lambda folder: (30_000_000, 29_000_000))
    with pytest.raises(backups.BackupFailed, match="29 MB of which stay in reserve; 2 × "):
        backups.take(shop, programs, tmp_path)
    monkeypatch.setattr(dump, "why_no_space", lambda folder, size: "")
    monkeypatch.setattr(disk_space, "free_and_reserve", lambda folder: (28_000_000, 29_000_000))
    with pytest.raises(backups.BackupFailed, match="its reserve was reached"):
        backups.take(shop, programs, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def tiny_volume(tmp_path: Path) -> Iterator[Path]:
    """A volume of 1 MB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("only root can make a volume of 1 MB, so a full disk was not tried")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_volume_is_reported_and_leaves_nothing(
    shop: DatabaseAddress, programs: ClientPrograms, tiny_volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, 100_000)
    with pytest.raises(backups.BackupFailed, match="MB free"):
        backups.take(shop, programs, tiny_volume)
    monkeypatch.setattr(dump, "why_no_space", lambda folder, size: "")
    monkeypatch.setattr("dbtools.postgres.backups.dump.reserve_reached", lambda folder: False)
    with pytest.raises(backups.BackupFailed, match="volume is full"):
        backups.take(shop, programs, tiny_volume)
    assert list(tiny_volume.iterdir()) == []
