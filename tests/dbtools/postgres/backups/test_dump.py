"""Taking a backup: complete, private, of one snapshot, and leaving nothing if it fails."""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from dbtools.postgres import backups, client
from dbtools.postgres.backups import dump
from dbtools.postgres.backups.verify import read_back
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.programs import ClientPrograms
from rollback_portal.processes.supervised import wait_until
from tests.dbtools.postgres.backups.samples import fill, flipped


def test_a_backup_is_private_complete_and_described(
    taken: backups.TakenBackup, shop: DatabaseAddress
) -> None:
    path = Path(taken.path)
    assert path.read_bytes()[:5] == b"PGDMP"
    assert taken.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert taken.bytes == path.stat().st_size
    assert dict(taken.rows) == {"Order": 3_000, "other.small": 3}
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    assert path.name.startswith(f"{shop.database}-")
    assert path.suffix == ".dump"


def test_progress_names_the_table_and_the_bytes(
    shop: DatabaseAddress, programs: ClientPrograms, tmp_path: Path
) -> None:
    fill(shop, 300_000)
    reports: list[backups.BackupProgress] = []
    backups.take(shop, programs, tmp_path, progress=reports.append)
    dumping = [report for report in reports if report.stage == "dumping"]
    assert dumping
    assert [report.bytes for report in dumping] == sorted(report.bytes for report in dumping)
    assert dumping[-1].rate > 0
    assert {report.tables for report in reports} == {2}
    assert "Order" in {report.table for report in reports}
    assert [report.done for report in dumping] == sorted(report.done for report in dumping)
    assert all(0 <= report.done <= report.total for report in reports)
    (total,) = {report.total for report in dumping}
    assert total > 10_000_000  # bytes of the tables, not of the compressed file


def test_waiting_for_a_locked_table_has_a_limit(
    shop: DatabaseAddress, programs: ClientPrograms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, 10)
    monkeypatch.setattr("dbtools.postgres.backups.snapshot.SESSION", ("lock_timeout=200ms",))
    with client.connect(shop, "tests") as other:
        other.execute('LOCK TABLE "Order" IN ACCESS EXCLUSIVE MODE')
        with pytest.raises(backups.BackupFailed, match="held a table exclusively"):
            backups.take(shop, programs, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_that_is_stopped_leaves_nothing(
    shop: DatabaseAddress, programs: ClientPrograms, tmp_path: Path
) -> None:
    fill(shop, 300_000)
    asked: Iterator[bool] = iter([False, False, False])
    with pytest.raises(backups.BackupCanceled):
        backups.take(shop, programs, tmp_path, stop=lambda: next(asked, True))
    assert list(tmp_path.iterdir()) == []
    with client.connect(shop, "tests") as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'rollback-portal' AND datname = %s"
        )
        assert wait_until(lambda: connection.execute(query, [shop.database]).fetchone() == (0,), 10)


def killed_after(
    pause: float | None, address: DatabaseAddress, programs: ClientPrograms, folder: Path
) -> tuple[str, int]:
    """Take a backup and kill pg_dump `pause` seconds after its start, or with None as soon as it has written.

    Returns:
        The error of `take`, or "" if pg_dump was faster; and the number of bytes written by then.
    """
    message, written = "", [0]
    over = Event()

    def sizes() -> list[int]:
        return [path.stat().st_size for path in folder.glob("*.partial")]

    def kill() -> None:
        while not (started := children_called("pg_dump")) and not over.is_set():
            time.sleep(0.002)
        while pause is None and not any(sizes()) and not over.is_set():
            time.sleep(0.0005)
        if not over.wait(pause or 0.0) and started:  # the moment is what the test varies
            written[:] = sizes()
            with suppress(ProcessLookupError):
                os.kill(started[0], 9)

    killer = Thread(target=kill)
    killer.start()
    try:
        backups.take(address, programs, folder)
    except backups.BackupFailed as error:
        message = str(error)
    finally:
        over.set()
        killer.join()
    return message, sum(written)


def children_called(name: str) -> list[int]:
    pids = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # threads and children end at any moment
            for pid in (task / "children").read_text().split():
                if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                    pids.append(int(pid))
    return pids


def test_a_pg_dump_that_was_killed_at_any_of_50_moments_leaves_no_backup(
    shop: DatabaseAddress, programs: ClientPrograms, tmp_path: Path
) -> None:
    fill(shop, 30_000)
    whole = backups.take(shop, programs, tmp_path).seconds  # half of which is for reading it back
    seeded = random.Random(4)
    taken, killed = 1, []
    for pause in (None, *(seeded.uniform(0, whole / 2) for _ in range(50))):
        message, written = killed_after(pause, shop, programs, tmp_path)
        assert "No backup was taken." in message or message == ""
        taken += message == ""
        killed += [written] if message else []
        assert len(list(tmp_path.iterdir())) == taken
    assert len(killed) >= 10
    assert killed[0]  # while it wrote


def test_the_next_backup_deletes_what_a_killed_worker_left(
    shop: DatabaseAddress, programs: ClientPrograms, tmp_path: Path
) -> None:
    fill(shop, 10)
    (tmp_path / "left.dump.partial").write_bytes(b"half")
    with dump._partial(tmp_path, "another worker's") as busy:
        backup = backups.take(shop, programs, tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {busy.name, Path(backup.path).name}


def test_a_backup_that_cannot_be_read_back_is_not_kept(
    shop: DatabaseAddress, programs: ClientPrograms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, 3_000)
    real: Callable[..., tuple[str, int]] = read_back

    def damaged(path: Path, *args: object, **kwargs: object) -> tuple[str, int]:
        path.write_bytes(flipped(path.read_bytes(), path.stat().st_size - 500, 3))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(dump, "read_back", damaged)
    with pytest.raises(backups.BackupFailed, match="cannot be read to its end"):
        backups.take(shop, programs, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_password_is_in_no_argument_while_a_backup_is_taken(
    shop: DatabaseAddress, programs: ClientPrograms, tmp_path: Path
) -> None:
    fill(shop, 300_000)
    arguments: list[bytes] = []

    def look(_: backups.BackupProgress) -> None:
        arguments.extend(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children_called("pg_dump"))

    backups.take(shop, programs, tmp_path, progress=look)
    assert arguments
    assert shop.password
    assert not any(shop.password.encode() in argument for argument in arguments)
