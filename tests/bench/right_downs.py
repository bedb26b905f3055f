"""Right down scripts, written by hand and drafted, each of which has to be accepted."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from dbtools.down_draft import MigrationReplay
from dbtools.down_draft.draft import DECIDE
from dbtools.postgres import client
from dbtools.postgres.client import SQL, DatabaseAddress, Error, Identifier
from dbtools.postgres.scratch import ScratchServer
from dbtools.rehearsal.differences.attribute_checks import NAMES
from dbtools.rehearsal.differences.sequences import SEQUENCES
from tests.dbtools.down_draft.kinds import kinds
from tests.dbtools.rehearsal.acceptance import NotAccepted, accept
from tests.dbtools.rehearsal.right_scripts import RIGHT, USERS
from tests.support.rehearsal_role import rehearsal_role

BY_HAND = "by hand"
ATTRIBUTES = {name for name, _, _ in NAMES.values()}


@dataclass(frozen=True, slots=True)
class RightScript:
    """A migration with a script that leads back; `how` says who wrote it."""

    how: str
    name: str
    before: str
    up: str
    down: str
    beside: str = ""


def by_hand() -> Iterator[RightScript]:
    for right in RIGHT:
        yield RightScript(BY_HAND, right.name, USERS + right.before, right.up, right.down, right.beside)


def drafted(server: DatabaseAddress) -> Iterator[RightScript]:
    """The drafts of every kind of migration, unless none is offered or a person has to decide first."""
    scratch = ScratchServer.on(rehearsal_role(server))
    for kind in kinds():
        with MigrationReplay(scratch) as replay:
            replay.apply(kind.before)
            before = replay.state()
            replay.apply(kind.up)
            draft = replay.draft([kind.up], before, replay.state())
        if draft.statements and not any(line.mark == DECIDE for line in draft.lines):
            yield RightScript("drafted", kind.name, kind.before, kind.up, draft.text)


def why_refused(server: DatabaseAddress, script: RightScript) -> str:
    """Why it is not accepted, or what is said of one that restores everything; "" if nothing is."""
    with new_database(server) as address, TemporaryDirectory() as folder:
        try:
            report = accept(
                address, Path(folder), script.before, script.up, script.down, beside=script.beside
            )
        except (NotAccepted, Error) as error:
            return str(error)
    told = [check.message for check in report.checks if check.name in ATTRIBUTES | {SEQUENCES}]
    return " ".join(told) if script.how == BY_HAND else ""


@contextmanager
def new_database(server: DatabaseAddress) -> Iterator[DatabaseAddress]:
    """An empty database, dropped at the end of the block."""
    name = f"downs_{secrets.token_hex(6)}"
    with client.connect(server, "wrong downs", autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
    try:
        yield server.with_database(name)
    finally:
        with client.connect(server, "wrong downs", autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
