"""A damaged backup is never used."""

from __future__ import annotations

import random
from pathlib import Path

from dbtools.postgres import backups
from dbtools.postgres.backups.verify import read_back
from dbtools.postgres.programs import ClientPrograms
from tests.dbtools.postgres.backups.samples import flipped


def verdict(path: Path, taken: backups.TakenBackup) -> str:
    try:
        backups.verify(path, taken.sha256, taken.bytes)
    except backups.BackupUnusable as error:
        return str(error)
    return ""


def test_every_truncation_and_every_flip_is_refused(taken: backups.TakenBackup, tmp_path: Path) -> None:
    whole, damaged = Path(taken.path).read_bytes(), tmp_path / "damaged"
    assert verdict(Path(taken.path), taken) == ""
    seeded = random.Random(1)
    for cut in {len(whole) - 1, *(seeded.randrange(len(whole)) for _ in range(99))}:
        damaged.write_bytes(whole[:cut])
        assert f"has {cut:,} bytes" in verdict(damaged, taken)
    for _ in range(500):
        damaged.write_bytes(flipped(whole, seeded.randrange(len(whole)), seeded.randrange(8)))
        assert "its SHA-256 differs" in verdict(damaged, taken)
    damaged.write_bytes(whole + b"\0")
    assert verdict(damaged, taken) != ""
    damaged.unlink()
    assert "cannot be read" in verdict(damaged, taken)


def readable(programs: ClientPrograms, path: Path) -> bool:
    try:
        read_back(path, programs)
    except backups.BackupUnusable:
        return False
    return True


def test_reading_back_detects_damage_from_before_the_hash(
    taken: backups.TakenBackup, programs: ClientPrograms, tmp_path: Path
) -> None:
    """As if the disk had lost bytes before they were hashed."""
    whole, damaged = Path(taken.path).read_bytes(), tmp_path / "damaged"
    assert read_back(Path(taken.path), programs) == (taken.sha256, taken.bytes)
    rows = len(whole) // 2  # the front holds the contents, the rest is compressed rows
    seeded = random.Random(2)
    for cut in [len(whole) - 1, *(seeded.randrange(len(whole)) for _ in range(9))]:
        damaged.write_bytes(whole[:cut])
        assert not readable(programs, damaged)
    for _ in range(30):
        damaged.write_bytes(flipped(whole, seeded.randrange(rows, len(whole) - 100), seeded.randrange(8)))
        assert not readable(programs, damaged)
