"""The three ways on which foreign SQL once ran a program on the wizard's host; none leaves a mark now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbtools.down_draft import MigrationReplay
from dbtools.postgres import backups, client
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.scratch import ScratchServer
from dbtools.prisma.compare import compare
from dbtools.prisma.folder import from_files
from dbtools.prisma.history import HistoryRow
from dbtools.rehearsal import MigrationSql
from dbtools.rehearsal.apply_migrations import apply
from dbtools.rehearsal.restored_copy import restore
from dbtools.wizard.worker.backup_and_rehearse import why_not_replayed
from tests.dbtools.hostile.programs import hidden, open_folder
from tests.dbtools.rehearsal.small_project import programs_for


@pytest.fixture
def mark() -> Iterator[Path]:
    """A file that is made only if a program ran."""
    with open_folder() as folder:
        yield folder / "a-program-ran"


def test_a_migration_that_is_replayed_for_a_draft_runs_no_program(
    embedded_scratch: ScratchServer, mark: Path
) -> None:
    with MigrationReplay(embedded_scratch) as replay:
        replay.apply(f"DO $$ BEGIN {hidden(mark)} END $$;")
    assert not mark.exists()


def test_a_migration_that_is_replayed_for_a_rehearsal_runs_no_program(
    embedded_scratch: ScratchServer, mark: Path
) -> None:
    with embedded_scratch.database() as address:
        apply(address, [MigrationSql("1_evil", f"DO $$ BEGIN {hidden(mark)} END $$;")], "public")
    assert not mark.exists()


def test_a_hostile_database_runs_no_program_while_it_is_restored(
    embedded_scratch: ScratchServer, shop: DatabaseAddress, mark: Path, tmp_path: Path
) -> None:
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int)")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute(
            "CREATE FUNCTION harmless(int) RETURNS boolean LANGUAGE plpgsql AS"
            f" $$ BEGIN {hidden(mark)} RETURN true; END $$".encode()
        )
        connection.execute("CREATE ROLE hostile_owner")
        try:
            connection.execute("ALTER TABLE t OWNER TO hostile_owner")
            connection.execute("GRANT CREATE ON SCHEMA public TO hostile_owner")
            connection.execute("SET ROLE hostile_owner")
            connection.execute("ALTER TABLE t ADD CHECK (harmless(id))")
            connection.execute("RESET ROLE")
            taken = backups.take(shop, programs_for(shop), tmp_path)
        finally:
            connection.execute("RESET ROLE")
            connection.execute("DROP OWNED BY hostile_owner")
            connection.execute("DROP ROLE hostile_owner")
    with embedded_scratch.database() as address:
        restore(address, Path(taken.path), embedded_scratch)
    assert not mark.exists()


def test_what_only_a_superuser_can_make_is_made_before_or_left_out_by_name(
    embedded_scratch: ScratchServer, shop: DatabaseAddress, mark: Path, tmp_path: Path
) -> None:
    with client.connect(shop, "tests", autocommit=True) as connection:
        for statement in (
            "CREATE SCHEMA ext",
            "CREATE EXTENSION vector SCHEMA ext",
            "CREATE EXTENSION citext",
            "CREATE TABLE t (id int, v ext.vector(2), c citext)",
            "INSERT INTO t VALUES (1, '[1,2]', 'a')",
            "CREATE FUNCTION evil() RETURNS event_trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {hidden(mark)} END $$",
            "CREATE EVENT TRIGGER evil ON ddl_command_end EXECUTE FUNCTION evil()",
            "COMMENT ON EVENT TRIGGER evil IS 'x'",
        ):
            connection.execute(statement.encode())
        mark.unlink(missing_ok=True)  # the target itself may
        taken = backups.take(shop, programs_for(shop), tmp_path)
        mark.unlink(missing_ok=True)
    with embedded_scratch.database() as address:
        copy = restore(address, Path(taken.path), embedded_scratch)
        assert copy.event_triggers == ("evil",)
        with client.connect(address, "tests", autocommit=True) as connection:
            assert connection.execute("SELECT v::text, c FROM t").fetchall() == [("[1,2]", "a")]
            connection.execute("DROP EXTENSION vector CASCADE")  # as the owner of a database may
    assert not mark.exists()


@pytest.mark.parametrize("applied", [1, 2])
def test_a_baseline_whose_file_says_something_else_is_never_replayed(applied: int) -> None:
    folder = from_files({"0_baseline/migration.sql": b"DO $$ BEGIN PERFORM 1; END $$;"}, "a branch")
    recorded = hashlib.sha256(b"CREATE TABLE t (id int);").hexdigest()
    rows = [
        HistoryRow(str(number), "0_baseline", recorded, "applied", 0, "", f"2025-01-0{number}", "{}")
        for number in range(1, applied + 1)
    ]
    (entry,) = compare(folder, rows, "")
    assert entry.state == "edited since"
    stored = [{"name": entry.name, "state": entry.state, "row": entry.row}]
    assert "edited" in why_not_replayed(stored)  # type: ignore[arg-type]
