"""The rows are counted in the snapshot that is dumped."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

from dbtools.postgres import backups, client
from dbtools.postgres.backups import snapshot
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.programs import ClientPrograms
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.postgres.backups.samples import fill


def test_the_rows_are_those_of_the_snapshot_while_others_write(
    shop: DatabaseAddress, programs: ClientPrograms, tmp_path: Path, make_database: MakeDatabase
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
        backup = backups.take(shop, programs, tmp_path)
    finally:
        over.set()
        writer.join()
    copy = make_database()
    backups.restore(copy, Path(backup.path), programs)
    with client.connect(copy, "tests") as connection:
        rows = snapshot.counts(connection)
    assert dict(backup.rows) == rows
