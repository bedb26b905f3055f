"""A history that changes roles, or names one that only the target has, is replayed and touches no role."""

from __future__ import annotations

import pytest

from dbtools.down_draft import MigrationReplay
from dbtools.down_draft.replay import ReplayFailed
from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.scratch import ScratchServer
from dbtools.postgres.scratch.extensions import named_in, only_superusers
from dbtools.rehearsal import MigrationSql
from dbtools.rehearsal.apply_migrations import apply
from tests.support.rehearsal_role import REHEARSALS, rehearsal_role

DROPS_A_USER = (
    "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'auditor_w') THEN"
    " CREATE USER auditor_w; END IF; END $$;\nCREATE TABLE t(id int);\nGRANT SELECT ON t TO auditor_w;",
    "BEGIN;\nREVOKE ALL ON t FROM auditor_w;\nDROP USER IF EXISTS auditor_w;\nCOMMIT;",
    "ALTER TABLE t ADD b int;",
)
NAMES_A_ROLE = (
    "CREATE TABLE t(id int PRIMARY KEY);\nALTER TABLE t ENABLE ROW LEVEL SECURITY;\n"
    "CREATE POLICY p ON t TO only_on_the_target USING (true);",
    "ALTER TABLE t ADD b int;",
)
CHANGES_ROLES = (
    f"ALTER ROLE {REHEARSALS} SET search_path = evil",
    f"ALTER ROLE {REHEARSALS} PASSWORD 'mine now'",
    f"GRANT {REHEARSALS} TO CURRENT_USER",
    "CREATE DATABASE theirs",
    f"DO $$ BEGIN EXECUTE 'ALTER ROLE {REHEARSALS} SET work_mem = 1000'; END $$",
)
# What these statements would change; other tests make and drop roles of their own on this server meanwhile.
KEPT = """
SELECT to_jsonb(role), ARRAY(SELECT setconfig::text FROM pg_db_role_setting WHERE setrole = role.oid),
       ARRAY(SELECT member::regrole::text FROM pg_auth_members WHERE roleid = role.oid),
       EXISTS (SELECT FROM pg_database WHERE datname = 'theirs')
FROM pg_authid role WHERE rolname = %s
"""


@pytest.mark.parametrize("history", [DROPS_A_USER, NAMES_A_ROLE])
def test_the_newest_of_such_a_history_gets_a_draft(
    embedded_scratch: ScratchServer, history: tuple[str, ...]
) -> None:
    with MigrationReplay(embedded_scratch) as replay:
        for text in history[:-1]:
            replay.apply(text)
        before = replay.state()
        replay.apply(history[-1])
        draft = replay.draft([history[-1]], before, replay.state())
    assert draft.verdict == "exact"


@pytest.mark.parametrize("history", [DROPS_A_USER, NAMES_A_ROLE])
def test_such_a_history_is_applied_in_a_rehearsal(
    embedded_scratch: ScratchServer, history: tuple[str, ...]
) -> None:
    migrations = [MigrationSql(str(number), text) for number, text in enumerate(history)]
    with embedded_scratch.database() as address:
        apply(address, migrations, "public", scratch=embedded_scratch)


@pytest.mark.parametrize("statement", CHANGES_ROLES)
def test_a_server_that_outlives_the_rehearsal_keeps_its_roles(
    server: DatabaseAddress, statement: str
) -> None:
    scratch = ScratchServer.on(rehearsal_role(server))
    with client.connect(server, "tests", autocommit=True) as connection:
        before = connection.execute(KEPT, [REHEARSALS]).fetchone()
        with MigrationReplay(scratch) as replay:
            replay.apply(f"CREATE TABLE t (id int); {statement};")
        assert connection.execute(KEPT, [REHEARSALS]).fetchone() == before


def test_a_role_that_a_configured_server_lacks_is_named(server: DatabaseAddress) -> None:
    with (
        MigrationReplay(ScratchServer.on(rehearsal_role(server))) as replay,
        pytest.raises(ReplayFailed, match="make only_on_the_target there"),
    ):
        replay.apply(NAMES_A_ROLE[0])


def test_an_extension_that_reaches_beyond_its_database_is_refused_in_words(
    embedded_scratch: ScratchServer,
) -> None:
    with (
        MigrationReplay(embedded_scratch) as replay,
        pytest.raises(ReplayFailed, match="does not make the extension dblink"),
    ):
        replay.apply("CREATE EXTENSION dblink;")


def test_an_extension_of_the_list_is_made_beforehand(embedded_scratch: ScratchServer) -> None:
    text = "CREATE EXTENSION vector; CREATE TABLE t (v vector(3));"
    with MigrationReplay(embedded_scratch, needed=only_superusers(named_in([text]))) as replay:
        replay.apply(text)
        before = replay.state()
        replay.apply("CREATE EXTENSION citext; DROP EXTENSION citext;")
        assert replay.state().catalog.fingerprint == before.catalog.fingerprint
