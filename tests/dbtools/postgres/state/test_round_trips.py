"""A copy by dump and restore equals its original, however odd the schema; `make round-trips` tries 200."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dbtools.postgres import catalog, client, programs, state
from dbtools.postgres.client import DatabaseAddress, Error
from dbtools.postgres.programs import Child, ClientPrograms
from dbtools.postgres.state import DatabaseState
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.postgres.state.odd_schemas import OddSchema

TRIPS = int(os.environ.get("PORTAL_ROUND_TRIPS", "4"))
# They belong to the database, not to what is in it.
OF_THE_DATABASE = ("database ", "setting ")


@pytest.fixture
def located() -> ClientPrograms:
    return programs.find(18, requires_tls=False)


def fill(address: DatabaseAddress, schema: OddSchema) -> int:
    """Make the schema; what two drawn parts do not allow together is left out. Returns how much stands."""
    made = 0
    with client.connect(address, "tests", autocommit=True) as connection:
        for statement in schema.statements():
            with suppress(Error), connection.transaction():
                connection.execute(statement.encode())
                made += 1
    return made


def copy(source: DatabaseAddress, target: DatabaseAddress, located: ClientPrograms, file: Path) -> None:
    """Dump and restore everything, owners, rights and publications, too."""
    with Child([located.pg_dump, "-Fc", "--no-password", f"--file={file}"], source) as child:
        child.wait()
    command = [
        located.pg_restore,
        "--exit-on-error",
        "--no-password",
        f"--dbname={target.database}",
        str(file),
    ]
    with Child(command, target, output=subprocess.PIPE) as child:
        child.read_output()


def read(address: DatabaseAddress) -> tuple[str, DatabaseState]:
    with client.connect(address, "tests") as connection:
        return catalog.read(connection, ("app",)).fingerprint, state.read(connection, ("app",))


def differences(one: DatabaseState, other: DatabaseState) -> Iterator[str]:
    for sentence in state.differences(one.parts, other.parts):
        if not sentence.startswith(OF_THE_DATABASE):
            yield sentence


@pytest.mark.parametrize("seed", range(1, TRIPS + 1))
def test_a_copy_equals_its_original(
    make_database: MakeDatabase, located: ClientPrograms, tmp_path: Path, seed: int
) -> None:
    first, second = make_database(), make_database()
    made = fill(first, OddSchema(seed))
    assert made > 15
    copy(first, second, located, tmp_path / "copy.dump")
    (schema, whole), (schema_again, again) = read(first), read(second)
    assert list(differences(whole, again)) == []
    assert schema == schema_again
