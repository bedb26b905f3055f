"""What only the database's own server has does not keep a copy from being restored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dbtools.postgres import backups, client
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Identifier
from dbtools.postgres.scratch import ScratchServer
from dbtools.rehearsal.restored_copy import restore
from tests.dbtools.rehearsal.small_project import programs_for


@pytest.fixture
def tablespace(opened: Connection, shop: DatabaseAddress) -> Iterator[str]:
    """A tablespace of the database's server, in its own data folder."""
    name = f"fast_{shop.database}"
    opened.execute("SET allow_in_place_tablespaces = on")
    opened.execute(SQL("CREATE TABLESPACE {} LOCATION ''").format(Identifier(name)))
    yield name
    opened.execute("DROP TABLE t")
    opened.execute(SQL("DROP TABLESPACE {}").format(Identifier(name)))


def test_a_table_in_a_tablespace_is_restored_without_it(
    opened: Connection,
    shop: DatabaseAddress,
    tablespace: str,
    embedded_scratch: ScratchServer,
    tmp_path: Path,
) -> None:
    opened.execute(SQL("CREATE TABLE t (id int PRIMARY KEY) TABLESPACE {}").format(Identifier(tablespace)))
    opened.execute("INSERT INTO t VALUES (1), (2)")
    taken = backups.take(shop, programs_for(shop), tmp_path / "backups")
    with embedded_scratch.database() as empty:
        restore(empty, Path(taken.path), embedded_scratch)
        with client.connect(empty, "tests") as connection:
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)
