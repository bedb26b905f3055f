"""Whether the lock tables of both servers have room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbtools.postgres.scratch import ScratchServer
from dbtools.preflight import CheckInput, lock_table
from tests.dbtools.preflight.checks import assert_only, results_by_name
from tests.support.rehearsal_role import rehearsal_role


@pytest.mark.parametrize(("room", "tone"), [(2, "stop"), (5, "warn"), (6, "ok")])
def test_a_backup_of_three_tables_needs_room_for_three_locks(
    check_input: CheckInput, monkeypatch: pytest.MonkeyPatch, room: int, tone: str
) -> None:
    monkeypatch.setattr(lock_table, "ROOM", f"SELECT {room}")
    outcome = results_by_name(check_input)["Lock table"]
    assert outcome.tone == tone
    expected = (
        f"takes 3 locks at once, and this server has room for {room}" if tone != "ok" else "of 3 tables"
    )
    assert expected in outcome.message


def test_a_restore_locks_indexes_and_long_values_too(
    check_input: CheckInput, embedded_scratch: ScratchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three tables, four indexes, and two tables for long values with an index each."""
    scratch = rehearsal_role(embedded_scratch.maintenance)
    monkeypatch.setattr(lock_table, "ROOM", "SELECT 10")
    words = "The restore takes 11 locks at once, and the server for rehearsals has room for 10"
    assert_only(replace(check_input, scratch=scratch), "Lock table", "stop", words)


def test_the_room_of_a_real_server_is_counted(check_input: CheckInput) -> None:
    assert results_by_name(check_input)["Lock table"].tone == "ok"
