"""Backups: of one moment, whole or not there, and nothing that was damaged is ever used."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from dbtools.postgres import backups, client
from dbtools.postgres.backups import disk_space, dump, snapshot
from dbtools.postgres.backups.verify import read_back
from dbtools.postgres.client import Target
from dbtools.postgres.programs import Programs
from rollback_portal.processes.supervised import wait_until
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.rehearsal.small_project import programs_for

FILL = """
CREATE TABLE "Order" (id int PRIMARY KEY, note text);
INSERT INTO "Order" SELECT i, md5(i::text) || ' ' || md5((i * 7)::text) FROM generate_series(1, {rows}) i;
CREATE SCHEMA other;
CREATE TABLE other.small (id int);
INSERT INTO other.small VALUES (1), (2), (3);
"""


def fill(where: Target, rows: int) -> None:
    with client.connect(where, "tests", autocommit=True) as connection:
        connection.execute(FILL.format(rows=rows).encode())


@pytest.fixture
def programs(server: Target) -> Programs:
    return programs_for(server)


@pytest.fixture
def taken(shop: Target, programs: Programs, tmp_path: Path) -> backups.Taken:
    fill(shop, 3_000)
    return backups.take(shop, programs, tmp_path / "backups")


def test_a_backup_is_private_whole_and_told_in_numbers(taken: backups.Taken, shop: Target) -> None:
    path = Path(taken.path)
    assert path.read_bytes()[:5] == b"PGDMP"
    assert taken.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert taken.bytes == path.stat().st_size
    assert dict(taken.rows) == {"Order": 3_000, "other.small": 3}
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert path.name.startswith(f"{shop.database}-")
    assert path.suffix == ".dump"


def test_the_rows_are_those_of_its_own_moment_while_somebody_writes(
    shop: Target, programs: Programs, tmp_path: Path, make_database: MakeDatabase
) -> None:
    fill(shop, 20_000)
    over = Event()

    def write() -> None:
        with client.connect(shop, "tests", autocommit=True) as connection:
            number = 1_000_000
            while not over.is_set():
                number += 1
                connection.execute('INSERT INTO "Order" VALUES (%s)', [number])
                connection.execute("INSERT INTO other.small VALUES (%s)", [number])

    writer = Thread(target=write)
    writer.start()
    try:
        found = backups.take(shop, programs, tmp_path)
    finally:
        over.set()
        writer.join()
    copy = make_database()
    backups.restore(copy, Path(found.path), programs)
    with client.connect(copy, "tests") as connection:
        rows = snapshot.counts(connection)
    assert dict(found.rows) == rows


def test_progress_names_the_table_and_the_bytes(shop: Target, programs: Programs, tmp_path: Path) -> None:
    fill(shop, 300_000)
    told: list[backups.Progress] = []
    backups.take(shop, programs, tmp_path, progress=told.append)
    dumping = [each for each in told if each.stage == "dumping"]
    assert dumping
    assert [each.bytes for each in dumping] == sorted(each.bytes for each in dumping)
    assert dumping[-1].rate > 0
    assert {each.tables for each in told} == {2}
    assert "Order" in {each.table for each in told}


# --- what goes wrong while it is taken ----------------------------------------------------------------
def test_a_table_that_somebody_holds_is_not_waited_for_for_ever(
    shop: Target, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, 10)
    monkeypatch.setattr("dbtools.postgres.backups.snapshot.SESSION", ("lock_timeout=200ms",))
    with client.connect(shop, "tests") as other:
        other.execute('LOCK TABLE "Order" IN ACCESS EXCLUSIVE MODE')
        with pytest.raises(backups.NotTaken, match="held a table exclusively"):
            backups.take(shop, programs, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_that_is_stopped_leaves_nothing(shop: Target, programs: Programs, tmp_path: Path) -> None:
    fill(shop, 300_000)
    asked: Iterator[bool] = iter([False, False, False])
    with pytest.raises(backups.Canceled):
        backups.take(shop, programs, tmp_path, stop=lambda: next(asked, True))
    assert list(tmp_path.iterdir()) == []
    with client.connect(shop, "tests") as connection:
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'rollback-portal' AND datname = %s"
        )
        assert wait_until(lambda: connection.execute(query, [shop.database]).fetchone() == (0,), 10)


def killed_after(pause: float, where: Target, programs: Programs, folder: Path) -> tuple[str, int]:
    """Take one and kill pg_dump so many seconds after its start.

    Returns:
        What `take` says, "" where pg_dump was faster; and how many bytes were written by then.
    """
    said, written = "", [0]
    over = Event()

    def kill() -> None:
        while not (started := children_called("pg_dump")) and not over.is_set():
            time.sleep(0.002)
        if not over.wait(pause) and started:  # the moment is the test's subject
            written[:] = [path.stat().st_size for path in folder.glob("*.partial")]
            with suppress(ProcessLookupError):
                os.kill(started[0], 9)

    killer = Thread(target=kill)
    killer.start()
    try:
        backups.take(where, programs, folder)
    except backups.NotTaken as error:
        said = str(error)
    finally:
        over.set()
        killer.join()
    return said, sum(written)


def children_called(name: str) -> list[int]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # threads and children end at any moment
            for pid in (task / "children").read_text().split():
                if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                    found.append(int(pid))
    return found


def test_a_pg_dump_that_was_killed_at_any_of_50_moments_leaves_no_backup(
    shop: Target, programs: Programs, tmp_path: Path
) -> None:
    fill(shop, 30_000)
    whole = backups.take(shop, programs, tmp_path).seconds  # half of which is for reading it back
    seeded = random.Random(4)
    taken, killed = 1, []
    for _ in range(50):
        said, written = killed_after(seeded.uniform(0, whole / 2), shop, programs, tmp_path)
        assert "No backup was taken." in said or said == ""
        taken += said == ""
        killed += [written] if said else []
        assert len(list(tmp_path.iterdir())) == taken
    assert len(killed) >= 10
    assert any(killed)  # some of them while it wrote


def test_a_killed_worker_leaves_only_what_the_next_one_clears_away(
    shop: Target, programs: Programs, tmp_path: Path
) -> None:
    fill(shop, 10)
    (tmp_path / "left.dump.partial").write_bytes(b"half")
    with dump._partial(tmp_path, "another worker's") as busy:
        found = backups.take(shop, programs, tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {busy.name, Path(found.path).name}


def test_the_volume_is_asked_before_and_kept_from_filling_up(
    shop: Target, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, 100_000)
    monkeypatch.setattr(disk_space, "room", lambda folder: (30_000_000, 29_000_000))
    with pytest.raises(backups.NotTaken, match="29 MB of which stay in reserve; 2 × "):
        backups.take(shop, programs, tmp_path)
    monkeypatch.setattr(dump, "why_no_space", lambda folder, size: "")
    monkeypatch.setattr(disk_space, "room", lambda folder: (28_000_000, 29_000_000))
    with pytest.raises(backups.NotTaken, match="its reserve was reached"):
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


def test_a_full_volume_is_said_in_words_and_leaves_nothing(
    shop: Target, programs: Programs, tiny_volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, 100_000)
    with pytest.raises(backups.NotTaken, match="MB free"):
        backups.take(shop, programs, tiny_volume)
    monkeypatch.setattr(dump, "why_no_space", lambda folder, size: "")
    monkeypatch.setattr("dbtools.postgres.backups.progress.reserve_is_touched", lambda folder: False)
    with pytest.raises(backups.NotTaken, match="volume is full"):
        backups.take(shop, programs, tiny_volume)
    assert list(tiny_volume.iterdir()) == []


# --- what happens to it afterwards --------------------------------------------------------------------
def verdict(path: Path, taken: backups.Taken) -> str:
    try:
        backups.verify(path, taken.sha256, taken.bytes)
    except backups.NotUsable as error:
        return str(error)
    return ""


def test_every_truncation_and_every_flip_is_refused(taken: backups.Taken, tmp_path: Path) -> None:
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


def flipped(whole: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(whole)
    changed[place] ^= 1 << bit
    return bytes(changed)


def readable(programs: Programs, path: Path) -> bool:
    try:
        read_back(path, programs)
    except backups.NotUsable:
        return False
    return True


def test_reading_back_refuses_damage_that_no_recorded_hash_would_show(
    taken: backups.Taken, programs: Programs, tmp_path: Path
) -> None:
    """As when the disk loses bytes before they were ever hashed."""
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


def test_a_backup_that_cannot_be_read_back_is_none(
    shop: Target, programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop, 3_000)
    real: Callable[..., tuple[str, int]] = read_back

    def damaged(path: Path, *given: object, **named: object) -> tuple[str, int]:
        path.write_bytes(flipped(path.read_bytes(), path.stat().st_size - 500, 3))
        return real(path, *given, **named)

    monkeypatch.setattr(dump, "read_back", damaged)
    with pytest.raises(backups.NotTaken, match="cannot be read to its end"):
        backups.take(shop, programs, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_old_backups_are_listed_but_never_those_that_are_needed(tmp_path: Path) -> None:
    for name, days in (("a.dump", 20), ("b.dump", 15), ("c.dump", 13), ("d.dump", 30), ("e.partial", 99)):
        (tmp_path / name).write_bytes(b"")
        then = time.time() - days * 86_400
        os.utime(tmp_path / name, (then, then))
    assert [path.name for path in backups.expired(tmp_path, 14, keep={"d.dump"})] == ["a.dump", "b.dump"]
    assert len(list(tmp_path.iterdir())) == 5


# --- restoring ----------------------------------------------------------------------------------------
def test_a_restore_makes_a_new_database_and_touches_no_other(
    taken: backups.Taken, shop: Target, programs: Programs, server: Target
) -> None:
    name = f"{shop.database}_new"
    backups.restore_as_new(shop, name, Path(taken.path), programs)
    try:
        with client.connect(shop.named(name), "tests") as connection:
            assert connection.execute('SELECT count(*) FROM "Order"').fetchone() == (3_000,)
            query = (
                "SELECT count(DISTINCT (datcollate, datctype, datlocprovider)) FROM pg_database"
                " WHERE datname IN (%s, %s)"
            )
            assert connection.execute(query, [name, shop.database]).fetchone() == (1,)
        with pytest.raises(backups.NotRestored, match="exists already"):
            backups.restore_as_new(shop, name, Path(taken.path), programs)
        with pytest.raises(backups.NotRestored, match="exists already"):
            backups.restore_as_new(shop, shop.database, Path(taken.path), programs)
    finally:
        drop(server, name)


def drop(server: Target, name: str) -> None:
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(client.SQL("DROP DATABASE {}").format(client.Identifier(name)))


@pytest.mark.parametrize("name", ["", "a b", "a'b", "dbname=shop", "postgresql://x/y", "1a", "a" * 64, 'a"b'])
def test_a_name_that_is_none_is_refused(
    name: str, taken: backups.Taken, shop: Target, programs: Programs
) -> None:
    with pytest.raises(backups.NotRestored, match="cannot be a database's name"):
        backups.restore_as_new(shop, name, Path(taken.path), programs)


def test_a_restore_that_fails_leaves_no_new_database(
    taken: backups.Taken, shop: Target, programs: Programs, tmp_path: Path
) -> None:
    whole = Path(taken.path).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) - 2_000])
    name = f"{shop.database}_new"
    with pytest.raises(backups.NotRestored, match="could not be restored"):
        backups.restore_as_new(shop, name, tmp_path / "cut", programs)
    with client.connect(shop, "tests") as connection:
        assert connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None


def test_a_restore_into_a_database_is_all_or_nothing(
    taken: backups.Taken, programs: Programs, tmp_path: Path, make_database: MakeDatabase
) -> None:
    whole = Path(taken.path).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) - 2_000])
    empty = make_database()
    with pytest.raises(backups.NotRestored):
        backups.restore(empty, tmp_path / "cut", programs)
    with client.connect(empty, "tests") as connection:
        query = "SELECT count(*) FROM pg_class WHERE relname IN ('Order', 'small')"
        assert connection.execute(query).fetchone() == (0,)


def test_the_command_for_people_works_and_holds_no_secret(
    taken: backups.Taken, programs: Programs, make_database: MakeDatabase
) -> None:
    empty = make_database()
    said = backups.command(empty, Path(taken.path))
    assert empty.password
    assert empty.password not in said
    typed = said.replace("pg_restore", programs.pg_restore, 1)
    done = subprocess.run(
        ["/bin/sh", "-c", typed], env={"PGPASSWORD": empty.password}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with client.connect(empty, "tests") as connection:
        assert connection.execute('SELECT count(*) FROM "Order"').fetchone() == (3_000,)


def test_the_password_stands_in_no_argument_while_a_backup_is_taken(
    shop: Target, programs: Programs, tmp_path: Path
) -> None:
    fill(shop, 300_000)
    seen: list[bytes] = []

    def look(_: backups.Progress) -> None:
        seen.extend(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children_called("pg_dump"))

    backups.take(shop, programs, tmp_path, progress=look)
    assert seen
    assert shop.password
    assert not any(shop.password.encode() in each for each in seen)
