"""Checks for what a backup needs: disk space and client programs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from dbtools.postgres import programs
from dbtools.postgres.backups import disk_space
from dbtools.postgres.client import Connection, DatabaseAddress
from dbtools.postgres.programs import ClientPrograms
from dbtools.preflight import CheckInput, backup_needs
from tests.dbtools.preflight.checks import assert_only, results_by_name


def test_a_volume_without_space_is_refused(check_input: CheckInput, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_space, "free_and_reserve", lambda folder: (20_000_000, 10_000_000))
    assert_only(check_input, "Space", "stop", "20 MB free")


def test_a_volume_without_room_for_the_copies_of_a_rehearsal_is_refused(
    check_input: CheckInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsals = tmp_path / "rehearsals"
    room = {rehearsals: (20_000_000, 10_000_000)}
    monkeypatch.setattr(backup_needs, "data_volume", lambda folder: folder)  # whoever runs the tests
    monkeypatch.setattr(disk_space, "free_and_reserve", lambda folder: room.get(folder, (10**12, 0)))
    asked = replace(check_input, scratch_folder=rehearsals)
    assert_only(asked, "Space", "stop", f"keeps 2 copies of the database in {rehearsals}")
    room.clear()
    assert "and for the copies of the rehearsal" in results_by_name(asked)["Space"].message


def test_a_pg_dump_that_is_too_old_is_refused(check_input: CheckInput, tmp_path: Path) -> None:
    for name in ("pg_dump", "pg_restore"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 12.22'\n")
        program.chmod(0o755)
    assert_only(
        replace(check_input, programs=str(tmp_path)), "pg_dump", "stop", "12.22, older than the server"
    )


def test_an_address_that_asks_for_tls_needs_a_pg_dump_that_can(
    check_input: CheckInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    required: list[bool] = []

    def find(major: int, *, requires_tls: bool, folder: str) -> ClientPrograms:
        required.append(requires_tls)
        raise programs.ProgramNotFound("cannot encrypt")

    monkeypatch.setattr(programs, "find", find)
    assert_only(check_input, "pg_dump", "stop", "cannot encrypt")
    assert required == [False]


def test_a_pg_dump_that_does_not_get_in_is_refused(
    check_input: CheckInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DatabaseAddress, "environment", lambda address: {"PGHOST": "/nonexistent"})
    assert_only(check_input, "pg_dump", "stop", "cannot read the database: pg_dump: error: connection to")


def test_a_backup_that_would_not_be_encrypted_as_the_portal_is_warns(
    check_input: CheckInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Encrypted:
        ssl_in_use = True

    class Opened:
        info = type("Info", (), {"server_version": 180_006})
        pgconn = Encrypted

    found = ClientPrograms("", "", "18.6", "here", tls=False, message="It cannot encrypt.")
    monkeypatch.setattr(programs, "find", lambda *_, **__: found)
    monkeypatch.setattr(backup_needs, "try_program", lambda *_: None)
    (result,) = backup_needs.check_client_programs(cast("Connection", Opened), check_input)
    assert (result.tone, "the backup's would not be" in result.message) == ("warn", True)
