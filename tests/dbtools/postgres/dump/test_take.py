"""What a dump of a schema contains."""

from __future__ import annotations

from dbtools.postgres import dump
from dbtools.postgres.dump import DIFFERENT, SAME, compare
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.postgres.dump.test_compare import BASE, made
from tests.dbtools.rehearsal.small_project import HISTORY, programs_for

MARKER = "CREATE SCHEMA rollback_portal; CREATE TABLE rollback_portal.applied (id int);"


def test_the_tables_of_prisma_and_of_the_portal_are_left_out(make_database: MakeDatabase) -> None:
    plain = made(make_database(), BASE)
    both = made(
        make_database(),
        f"{BASE}{HISTORY}{MARKER}",
    )
    assert compare(plain, both).verdict == SAME


def test_reloading_a_dump_a_second_time_changes_nothing(make_database: MakeDatabase) -> None:
    typed = made(make_database(), "CREATE TABLE a (x varchar(9) CHECK (x IN ('a', 'b')))")
    empty, other = make_database(), make_database()
    once = dump.dump_after_reload(typed, empty, programs_for(empty))
    assert compare(typed, once).verdict == DIFFERENT
    assert compare(once, dump.dump_after_reload(once, other, programs_for(other))).verdict == SAME
