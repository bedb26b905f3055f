"""A run and a `migrate deploy` at the same time: which came first, and whether they mixed.

Every script, up or down, leaves a word in the table "Trail". Whatever happened can therefore be told from
three witnesses that have to agree: the history rows, the schema, and the order in which the scripts worked.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from dbtools.execution import runner
from dbtools.execution.run_spec import NothingChanged, RowToDelete, RunSpec
from dbtools.postgres import client, state
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Identifier
from dbtools.prisma import history
from tests.prisma.deployer import Deployed, Deployer
from tests.prisma.watching import Silent

NAMES = tuple(f"2026010{number}000000_part_{number}" for number in range(1, 6))
APPLIED = 4
LEAD = 0.5  # seconds, the maximum head start of either
PUBLIC = ("public",)


def up(number: int) -> str:
    first = 'CREATE TABLE "Trail" ("id" serial PRIMARY KEY, "did" text NOT NULL);\n' if number == 1 else ""
    return (
        f'{first}CREATE TABLE "Part{number}" ("id" integer PRIMARY KEY, "note" text);\n'
        "SELECT pg_sleep(0.05);\n"
        f'CREATE INDEX "Part{number}_note_idx" ON "Part{number}" ("note");\n'
        f"{trail('up', number)};\n"
    )


def down(number: int) -> tuple[str, ...]:
    return (
        f'DROP INDEX "Part{number}_note_idx"',
        "SELECT pg_sleep(0.1)",
        f'DROP TABLE "Part{number}"',
        trail("down", number),
    )


def trail(word: str, number: int) -> str:
    return f'INSERT INTO "Trail" ("did") VALUES (\'{word} {number}\')'  # noqa: S608 - our own words


FOLDER = {name: up(number) for number, name in enumerate(NAMES, 1)}


@dataclass(frozen=True, slots=True)
class Moment:
    """One attempt: the newest `going` migrations go, the folder has `pending` more than the database, and
    the deploy starts `offset` seconds after the run."""

    going: int
    pending: int
    offset: float


def moments(count: int, seed: int) -> Iterator[Moment]:
    dice = random.Random(seed)
    for _ in range(count):
        yield Moment(dice.randint(1, 3), dice.randint(0, 1), round(dice.uniform(-LEAD, LEAD), 3))


class Meeting:
    """The database with four of five migrations, and the schema after each of them."""

    def __init__(self, server: DatabaseAddress, deployer: Deployer) -> None:
        self.server, self.deployer = server, deployer
        self.prints: dict[int, str] = {}
        self.made: list[DatabaseAddress] = []
        self.start = self._made("TEMPLATE template0")
        for number in range(1, APPLIED + 2):
            address = self.start if number <= APPLIED else self._made("TEMPLATE {}", self.start.database)
            done = deployer.deploy(address, dict(list(FOLDER.items())[:number]))
            assert done.applied, done
            self.prints[number] = read(address)[1]
        self.rows, _, _ = read(self.start)

    def at(self, moment: Moment, slow: float = 0) -> str:
        """Start both and describe the result; a forbidden one begins with "MIXED".

        Args:
            slow: seconds that the run takes longer than it has to.
        """
        address = self._made("TEMPLATE {}", self.start.database)
        folder = dict(list(FOLDER.items())[: APPLIED + moment.pending])
        began = time.monotonic() + 0.02
        with ThreadPoolExecutor(1) as pool:
            deploying = pool.submit(self._deploy, address, folder, began + max(0.0, moment.offset))
            ran = self._run(address, moment.going, began + max(0.0, -moment.offset), slow)
            deployed = deploying.result()
        outcome = self._judge(address, moment, ran, deployed)
        self._drop(address)
        return outcome

    def _deploy(self, address: DatabaseAddress, folder: dict[str, str], at: float) -> Deployed:
        time.sleep(max(0.0, at - time.monotonic()))
        return self.deployer.deploy(address, folder)

    def _run(self, address: DatabaseAddress, going: int, at: float, slow: float) -> str:
        """Why it was not committed; "" if it was."""
        numbers = range(APPLIED, APPLIED - going, -1)
        spec = RunSpec(
            id=secrets.token_hex(4),
            statements=(
                *(statement for number in numbers for statement in down(number)),
                f"SELECT pg_sleep({slow})",
            ),
            rows=tuple(RowToDelete(row.id, row.name) for row in reversed(self.rows[-going:])),
            schema="public",
            schemas=PUBLIC,
            fingerprint=self.prints[APPLIED],
            history=history.digest(self.rows),
        )
        time.sleep(max(0.0, at - time.monotonic()))
        try:
            runner.run(address, spec, Silent())
        except NothingChanged as refusal:
            return str(refusal)
        return ""

    def _judge(self, address: DatabaseAddress, moment: Moment, refusal: str, deployed: Deployed) -> str:
        rows, schema, did = read(address)
        stands = len(rows)
        witnesses = f"{moment}: {[row.name for row in rows]}, {did}, {refusal!r}, {deployed}"
        if {row.name for row in rows} != set(NAMES[:stands]) or any(row.state != "applied" for row in rows):
            return f"MIXED history: {witnesses}"
        if schema != self.prints.get(stands):
            return f"MIXED schema: {witnesses}"
        if not one_after_the_other(did, stands):
            return f"MIXED work: {witnesses}"
        old = {row.id for row in self.rows[-moment.going :]} & {row.id for row in rows}
        if len(old) != (moment.going if refusal else 0):
            return f"MIXED rows: {witnesses}"
        return _outcome(moment, stands, refusal, deployed) or f"MIXED outcome: {witnesses}"

    def _made(self, like: str, *names: str) -> DatabaseAddress:
        name = f"together_{secrets.token_hex(5)}"
        create = SQL("CREATE DATABASE {} " + like).format(Identifier(name), *map(Identifier, names))
        with client.connect(self.server, "tests", autocommit=True) as connection:
            connection.execute(create)
        self.made.append(self.server.with_database(name))
        return self.made[-1]

    def close(self) -> None:
        for address in tuple(self.made):
            self._drop(address)

    def _drop(self, address: DatabaseAddress) -> None:
        with client.connect(self.server, "tests", autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(address.database)))
        self.made.remove(address)


def read(address: DatabaseAddress) -> tuple[tuple[history.HistoryRow, ...], str, tuple[str, ...]]:
    """The three facts: history, schema, trail."""
    with client.connect(address, "tests") as connection:
        rows = history.read(connection, "public")
        return rows, state.read(connection, PUBLIC).fingerprint, _trail(connection)


def _trail(connection: Connection) -> tuple[str, ...]:
    return tuple(text for (text,) in connection.execute('SELECT "did" FROM "Trail" ORDER BY "id"').fetchall())


def one_after_the_other(did: tuple[str, ...], stands: int) -> bool:
    """Whether each script ran on the state it was written for."""
    state = 0
    for word, number in (text.split() for text in did):
        if int(number) != (state + 1 if word == "up" else state):
            return False
        state += 1 if word == "up" else -1
    return state == stands


def _outcome(moment: Moment, stands: int, refusal: str, deployed: Deployed) -> str:
    everything, before = APPLIED + moment.pending, APPLIED - moment.going
    if refusal and stands == everything and not deployed.error:
        return f"refused, everything applied: {refusal}"
    if not refusal and stands == everything and len(deployed.applied) == everything - before:
        return "rolled back, then applied again whole"
    if not refusal and stands == before and deployed.code == "P1002":
        return "rolled back, the deploy gave up (P1002)"
    if not refusal and stands == before and not moment.pending and deployed == Deployed():
        return "rolled back, the deploy was before it with nothing to do"
    return ""


@contextmanager
def met(server: DatabaseAddress, major: int, *, locks: bool = True) -> Iterator[Meeting]:
    """Attempts with the engine of this version; the databases are dropped at the end."""
    with Deployer(major, server, locks=locks) as deployer:
        meeting = Meeting(server, deployer)
        try:
            yield meeting
        finally:
            meeting.close()
