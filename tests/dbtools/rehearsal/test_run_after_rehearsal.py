"""A run after its rehearsal, on real servers: the right one passes, whatever its copy was like."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dbtools.execution import runner
from dbtools.execution.run_spec import CommittedRun, NothingChanged, RowToDelete, RunObserver, RunSpec
from dbtools.postgres import client, state
from dbtools.postgres.client import SQL, DatabaseAddress, Error, Identifier
from dbtools.postgres.scratch import ScratchServer
from dbtools.postgres.scratch.roles import roles_of
from dbtools.prisma import history
from dbtools.rehearsal import MigrationSql, RehearsalReport, rehearse
from dbtools.rehearsal.differences.original_rights import read_original_rights
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.execution.small_database import RecordingObserver
from tests.dbtools.rehearsal.small_project import Project, project

DOWN = "ALTER TABLE t DROP COLUMN b;"
UP = "ALTER TABLE t ADD b int;"
VIEW = "CREATE TABLE t(id int PRIMARY KEY); CREATE VIEW v AS SELECT t.id FROM t WHERE t.id > 0;"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A project, its rehearsal, and the run that was approved then."""

    project: Project
    report: RehearsalReport
    spec: RunSpec

    def run(self) -> CommittedRun:
        return runner.run(self.project.address, self.spec, RecordingObserver())


def rehearsed(made: Project, down: str) -> Rehearsed:
    """Rehearse it with the portal's own runner, as the wizard does."""
    address, task = made.address, made.task(down)
    with client.connect(address, "tests") as connection:
        rows = history.read(connection, "public")
        approved = state.read(connection, ("public",))
    going = tuple(RowToDelete(row.id, row.name) for row in rows if row.name == made.going[0].name)
    spec = RunSpec(
        "7",
        task.statements,
        going,
        "public",
        ("public",),
        approved.fingerprint,
        history.digest(rows),
        tries=1,
    )

    def execute(copy: DatabaseAddress, observer: RunObserver, known: str) -> CommittedRun:
        return runner.run(copy, replace(spec, fingerprint=known), observer)

    def fingerprint(copy: DatabaseAddress) -> str:
        with client.connect(copy, "tests") as connection:
            return state.read(connection, ("public",)).fingerprint

    report = rehearse(
        replace(task, original=read_original_rights(made.address)), made.scratch, execute, fingerprint
    )
    return Rehearsed(made, report, replace(spec, rehearsed=report.change, approved=approved.parts))


def rolled_back(made: Project, down: str = DOWN) -> CommittedRun:
    """Rehearse and run it, and see from a new connection what the run itself saw."""
    ready = rehearsed(made, down)
    assert ready.report.passed, ready.report.message
    done = ready.run()
    assert done.after is not None
    with client.connect(made.address, "tests") as connection:
        assert state.read(connection, ("public",)).fingerprint == done.after.fingerprint
    return done


def beside(address: DatabaseAddress, sql: str) -> None:
    with client.connect(address, "tests", autocommit=True) as connection:
        connection.execute(sql.encode())


def migrated(
    address: DatabaseAddress, folder: Path, scratch: ScratchServer, first: str, beside: str = "", up: str = UP
) -> Project:
    """A database after two migrations, and what somebody has added by hand; rehearsed on this server."""
    made = project(address, folder, [MigrationSql("1_init", first)], [MigrationSql("2_more", up)], beside)
    return replace(made, scratch=scratch)


@pytest.fixture
def older_database(older_server: DatabaseAddress) -> Iterator[DatabaseAddress]:
    """An empty database on the older server."""
    name = f"target_{secrets.token_hex(6)}"
    with client.connect(older_server, "tests", autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
    yield older_server.with_database(name)
    with client.connect(older_server, "tests", autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


# The kinds of an expression, and downs that touch them; every one of them is right.
WIDER_VIEW = "CREATE VIEW v AS SELECT t.id, t.b FROM t WHERE t.id > 0;"
SAME_VIEW = "CREATE VIEW v AS SELECT t.id FROM t WHERE t.id > 0;"
OLDER = {
    "a view": (VIEW, UP, DOWN),
    "a view that is made anew": (
        VIEW, " ".join(("DROP VIEW v;", UP, WIDER_VIEW)), " ".join(("DROP VIEW v;", DOWN, SAME_VIEW)),
    ),
    "a view over a renamed column": (
        VIEW, "ALTER TABLE t RENAME id TO number;", "ALTER TABLE t RENAME number TO id;",
    ),
    "a list of a check": (
        "CREATE TABLE t (id int PRIMARY KEY, s varchar(3) CHECK (s IN ('a', 'b')));",
        "ALTER TABLE t RENAME s TO kind;", "ALTER TABLE t RENAME kind TO s;",
    ),
    "a materialized view and a rule": (
        "CREATE TABLE t (id int PRIMARY KEY); CREATE MATERIALIZED VIEW m AS SELECT t.id FROM t;"
        " CREATE RULE r AS ON DELETE TO t WHERE OLD.id < 0 DO INSTEAD NOTHING;", UP, DOWN,
    ),
    "a generated column and an index": (
        "CREATE TABLE t (id int PRIMARY KEY, d text, g text GENERATED ALWAYS AS (lower(d)) STORED);"
        " CREATE INDEX i ON t (upper(d)) WHERE d IS NOT NULL;", UP, DOWN,
    ),
}  # fmt: skip


@pytest.mark.older_server
@pytest.mark.parametrize("case", OLDER)
def test_what_another_version_writes_otherwise_is_no_false_alarm(
    older_database: DatabaseAddress, embedded_scratch: ScratchServer, tmp_path: Path, case: str
) -> None:
    first, up, down = OLDER[case]
    made = migrated(older_database, tmp_path, embedded_scratch, first, up=up)
    assert rolled_back(made, down).after is not None


@pytest.mark.older_server
def test_another_object_than_in_the_rehearsal_is_undone_on_an_older_server_too(
    older_database: DatabaseAddress, embedded_scratch: ScratchServer, tmp_path: Path
) -> None:
    made = migrated(older_database, tmp_path, embedded_scratch, VIEW, MEDDLES)
    with pytest.raises(NothingChanged, match=r"table public\.more is new\. In the rehearsal it stays\."):
        rehearsed(made, DOWN).run()


PUBLISHED = {
    "a table": "CREATE PUBLICATION p FOR TABLE t",
    "all tables": "CREATE PUBLICATION p FOR ALL TABLES",
    "a schema": "CREATE PUBLICATION p FOR TABLES IN SCHEMA public",
    "some rows and columns": "CREATE PUBLICATION p FOR TABLE t (id) WHERE (id > 0)",
}


@pytest.mark.parametrize("what", PUBLISHED)
def test_a_publication_is_no_false_alarm(
    make_database: MakeDatabase, embedded_scratch: ScratchServer, tmp_path: Path, what: str
) -> None:
    made = migrated(make_database(), tmp_path, embedded_scratch, VIEW, PUBLISHED[what])
    done = rolled_back(made)
    assert done.before is not None
    assert done.after is not None
    assert list(state.beside(done.before, done.after)) == []


@pytest.fixture
def role_of_target(server: DatabaseAddress) -> Iterator[str]:
    """A role that only the database's own server has."""
    name = f"authenticated_{secrets.token_hex(4)}"
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(SQL("CREATE ROLE {}").format(Identifier(name)))
    yield name
    with client.connect(server, "tests", autocommit=True) as connection, suppress(Error):
        connection.execute(SQL("DROP ROLE {}").format(Identifier(name)))


def test_a_policy_to_a_role_and_a_grant_are_no_false_alarm(
    make_database: MakeDatabase, embedded_scratch: ScratchServer, tmp_path: Path, role_of_target: str
) -> None:
    address = make_database()
    by_hand = (
        f"ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t TO {role_of_target} USING (true);"
        f" GRANT SELECT ON t TO {role_of_target}; GRANT SELECT (id) ON v TO {role_of_target}"
    )
    made = migrated(address, tmp_path, embedded_scratch, VIEW, by_hand)
    embedded_scratch.add_roles(roles_of(address))
    rolled_back(made)
    beside(address, f"DROP OWNED BY {role_of_target}")


def test_what_is_made_anew_and_loses_its_rights_is_named_before_and_after(
    make_database: MakeDatabase, embedded_scratch: ScratchServer, tmp_path: Path, role_of_target: str
) -> None:
    address = make_database()
    by_hand = f"GRANT SELECT ON v TO {role_of_target}"
    made = migrated(address, tmp_path, embedded_scratch, VIEW, by_hand)
    embedded_scratch.add_roles(roles_of(address))
    ready = rehearsed(made, " ".join((DOWN, "DROP VIEW v;", SAME_VIEW)))
    (check,) = [check for check in ready.report.checks if check.name == "Rights"]
    (line,) = check.lines
    assert f"SELECT for {role_of_target}: given → none" in line
    done = ready.run()
    assert done.before is not None
    assert done.after is not None
    (sentence,) = state.beside(done.before, done.after)
    assert sentence.startswith("privileges of view public.v is ")


def test_a_materialized_view_that_is_left_empty_is_named(
    make_database: MakeDatabase, embedded_scratch: ScratchServer, tmp_path: Path
) -> None:
    first = "CREATE TABLE t(id int PRIMARY KEY); CREATE MATERIALIZED VIEW m AS SELECT id FROM t;"
    made = migrated(make_database(), tmp_path, embedded_scratch, first)
    report = rehearsed(made, f"{DOWN} REFRESH MATERIALIZED VIEW m WITH NO DATA;").report
    (check,) = [check for check in report.checks if check.name == "Materialized views"]
    assert (check.tone, len(check.lines)) == ("stop", 1)


MEDDLES = """
CREATE FUNCTION meddles() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN IF to_regclass('public.more') IS NULL THEN CREATE TABLE public.more (id int); END IF; END $$;
CREATE EVENT TRIGGER meddles ON sql_drop EXECUTE FUNCTION meddles();
"""


def test_a_run_that_does_more_than_its_rehearsal_is_undone_and_says_what(
    make_database: MakeDatabase, embedded_scratch: ScratchServer, tmp_path: Path
) -> None:
    """The copy has no event trigger, so nobody has seen what this one does."""
    made = migrated(make_database(), tmp_path, embedded_scratch, VIEW, MEDDLES)
    ready = rehearsed(made, DOWN)
    with pytest.raises(NothingChanged) as raised:
        ready.run()
    assert "The run did not do what its rehearsal did." in str(raised.value)
    assert "table public.more is new. In the rehearsal it stays." in str(raised.value)
    with client.connect(made.address, "tests") as connection:
        assert state.read(connection, ("public",)).fingerprint == ready.spec.fingerprint


APPROVED = "CREATE POLICY p ON t USING ((id = 1 OR id = 2) AND NOT id = 3)"
CHANGED_SINCE = "ALTER POLICY p ON t USING (id = 1 OR (id = 2 AND NOT id = 3))"


def test_a_policy_that_was_changed_after_the_approval_stops_the_run_by_name(
    make_database: MakeDatabase, embedded_scratch: ScratchServer, tmp_path: Path
) -> None:
    made = migrated(make_database(), tmp_path, embedded_scratch, VIEW, APPROVED)
    ready = rehearsed(made, DOWN)
    beside(made.address, CHANGED_SINCE)
    with pytest.raises(NothingChanged, match=r"not the one that was approved\. policy public\.t\.p is "):
        ready.run()
