"""A restore is complete or leaves nothing."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from dbtools.postgres import backups, client
from dbtools.postgres.backups.restore import UNKNOWN_TIMEOUT
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.programs import ClientPrograms
from tests.dbtools.conftest import MakeDatabase
from tests.support.rehearsal_role import rehearsal_role


def test_a_restore_makes_a_new_database_and_touches_no_other(
    taken: backups.TakenBackup, shop: DatabaseAddress, programs: ClientPrograms, server: DatabaseAddress
) -> None:
    name = f"{shop.database}_new"
    backups.restore_as_new(shop, name, Path(taken.path), programs)
    try:
        with client.connect(shop.with_database(name), "tests") as connection:
            assert connection.execute('SELECT count(*) FROM "Order"').fetchone() == (3_000,)
            query = (
                "SELECT count(DISTINCT (datcollate, datctype, datlocprovider)) FROM pg_database"
                " WHERE datname IN (%s, %s)"
            )
            assert connection.execute(query, [name, shop.database]).fetchone() == (1,)
        with pytest.raises(backups.RestoreFailed, match="exists already"):
            backups.restore_as_new(shop, name, Path(taken.path), programs)
        with pytest.raises(backups.RestoreFailed, match="exists already"):
            backups.restore_as_new(shop, shop.database, Path(taken.path), programs)
    finally:
        drop(server, name)


def test_a_role_that_is_no_superuser_restores_all_but_the_event_triggers(
    shop: DatabaseAddress, programs: ClientPrograms, server: DatabaseAddress, tmp_path: Path
) -> None:
    owner, name = rehearsal_role(server), f"{shop.database}_new"
    with client.connect(shop, "tests", autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id int)")
        connection.execute(
            "CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END'"
        )
        connection.execute("CREATE EVENT TRIGGER watches ON ddl_command_end EXECUTE FUNCTION noted()")
        connection.execute("COMMENT ON EVENT TRIGGER watches IS 'x'")
    taken = backups.take(shop, programs, tmp_path / "backups")
    as_owner = replace(owner, database=shop.database)
    done = backups.restore_as_new(as_owner, name, Path(taken.path), programs)
    try:
        assert done.event_triggers == ("watches",)
        with client.connect(owner.with_database(name), "tests") as connection:
            assert connection.execute("SELECT to_regclass('t') IS NOT NULL").fetchone() == (True,)
    finally:
        drop(server, name)


def drop(server: DatabaseAddress, name: str) -> None:
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(client.SQL("DROP DATABASE {}").format(client.Identifier(name)))


@pytest.mark.parametrize("name", ["", "a b", "a'b", "dbname=shop", "postgresql://x/y", "1a", "a" * 64, 'a"b'])
def test_an_invalid_name_is_refused(
    name: str, taken: backups.TakenBackup, shop: DatabaseAddress, programs: ClientPrograms
) -> None:
    with pytest.raises(backups.RestoreFailed, match="cannot be a database's name"):
        backups.restore_as_new(shop, name, Path(taken.path), programs)


def test_a_restore_that_fails_leaves_no_new_database(
    taken: backups.TakenBackup, shop: DatabaseAddress, programs: ClientPrograms, tmp_path: Path
) -> None:
    whole = Path(taken.path).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) - 2_000])
    name = f"{shop.database}_new"
    with pytest.raises(backups.RestoreFailed, match="could not be restored"):
        backups.restore_as_new(shop, name, tmp_path / "cut", programs)
    with client.connect(shop, "tests") as connection:
        assert connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None


def test_a_restore_into_a_database_is_all_or_nothing(
    taken: backups.TakenBackup, programs: ClientPrograms, tmp_path: Path, make_database: MakeDatabase
) -> None:
    whole = Path(taken.path).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) - 2_000])
    empty = make_database()
    with pytest.raises(backups.RestoreFailed):
        backups.restore(empty, tmp_path / "cut", programs)
    with client.connect(empty, "tests") as connection:
        query = "SELECT count(*) FROM pg_class WHERE relname IN ('Order', 'small')"
        assert connection.execute(query).fetchone() == (0,)


NOT_KNOWN = f"pg_restore: error: could not execute query: ERROR:  {UNKNOWN_TIMEOUT}"
ENDED = "pg_restore: warning: errors ignored on restore: 1"


@pytest.mark.parametrize(
    ("said", "code", "fails"),
    [
        ([NOT_KNOWN, "Command was: SET transaction_timeout = 0;", ENDED], 1, False),
        ([NOT_KNOWN], 1, True),
        ([NOT_KNOWN, ENDED], 3, True),
        ([NOT_KNOWN, "pg_restore: error: could not execute query: ERROR:  no such type", ENDED], 1, True),
        (["pg_restore: error: connection lost"], 1, True),
    ],
)
def test_to_an_older_server_only_the_setting_that_it_lacks_may_fail(
    shop: DatabaseAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    code: int,
    fails: bool,
) -> None:
    monkeypatch.setattr(import_module("dbtools.postgres.backups.restore"), "SETS_TIMEOUT", 19)
    lines = "\n".join(f"echo '{line}' >&2" for line in said)
    (tmp_path / "pg_restore").write_text(f"#!/bin/sh\n{lines}\nexit {code}\n")
    (tmp_path / "pg_restore").chmod(0o755)
    newer = ClientPrograms("", str(tmp_path / "pg_restore"), "19.0", "")
    if fails:
        with pytest.raises(backups.RestoreFailed):
            backups.restore(shop, tmp_path / "any", newer)
    else:
        assert backups.restore(shop, tmp_path / "any", newer) > 0


def test_an_archive_is_read_by_programs_that_are_not_older() -> None:
    versions = ("15.18", "16.10", "17.6", "18.6")
    by_version = {version: ClientPrograms("", "", version, "") for version in versions}
    cannot = [
        (dumps, restores)
        for dumps in versions
        for restores in versions
        if backups.why_not_readable(by_version[dumps], by_version[restores])
    ]
    assert cannot == [
        ("16.10", "15.18"), ("17.6", "15.18"), ("17.6", "16.10"), ("18.6", "15.18"), ("18.6", "16.10"),
    ]  # fmt: skip
