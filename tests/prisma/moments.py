"""A run and a `migrate deploy` at the same time: who came first, and whether they ever mixed.

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
from dbtools.execution.run_spec import HistoryRow, NothingChanged, Order
from dbtools.postgres import catalog, client
from dbtools.postgres.client import SQL, Connection, Identifier, Target
from dbtools.prisma import history
from tests.prisma.deployer import Deployed, Deployer
from tests.prisma.watching import Silent

NAMES = tuple(f"2026010{number}000000_part_{number}" for number in range(1, 6))
APPLIED = 4
LEAD = 0.5  # seconds that either may start before the other
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
    """One meeting: the newest `going` migrations go, the folder has `pending` more than the database, and
    the deploy starts `offset` seconds after the run."""

    going: int
    pending: int
    offset: float


def moments(count: int, seed: int) -> Iterator[Moment]:
    dice = random.Random(seed)
    for _ in range(count):
        yield Moment(dice.randint(1, 3), dice.randint(0, 1), round(dice.uniform(-LEAD, LEAD), 3))


class Meeting:
    """The database with four of five migrations, and what the schema is after each of them."""

    def __init__(self, server: Target, deployer: Deployer) -> None:
        self.server, self.deployer = server, deployer
        self.prints: dict[int, str] = {}
        self.made: list[Target] = []
        self.start = self._made("TEMPLATE template0")
        for number in range(1, APPLIED + 2):
            where = self.start if number <= APPLIED else self._made("TEMPLATE {}", self.start.database)
            done = deployer.deploy(where, dict(list(FOLDER.items())[:number]))
            assert done.applied, done
            self.prints[number] = read(where)[1]
        self.rows, _, _ = read(self.start)

    def at(self, moment: Moment, slow: float = 0) -> str:
        """Let both begin, and name what came out of it; what may not be begins with "MIXED".

        Args:
            slow: seconds that the run takes longer than it has to.
        """
        where = self._made("TEMPLATE {}", self.start.database)
        folder = dict(list(FOLDER.items())[: APPLIED + moment.pending])
        began = time.monotonic() + 0.02
        with ThreadPoolExecutor(1) as pool:
            deploying = pool.submit(self._deploy, where, folder, began + max(0.0, moment.offset))
            ran = self._run(where, moment.going, began + max(0.0, -moment.offset), slow)
            deployed = deploying.result()
        found = self._judge(where, moment, ran, deployed)
        self._drop(where)
        return found

    def _deploy(self, where: Target, folder: dict[str, str], at: float) -> Deployed:
        time.sleep(max(0.0, at - time.monotonic()))
        return self.deployer.deploy(where, folder)

    def _run(self, where: Target, going: int, at: float, slow: float) -> str:
        """Why it was not committed; nothing where it was."""
        numbers = range(APPLIED, APPLIED - going, -1)
        order = Order(
            id=secrets.token_hex(4),
            statements=(
                *(statement for number in numbers for statement in down(number)),
                f"SELECT pg_sleep({slow})",
            ),
            rows=tuple(HistoryRow(row.id, row.name) for row in reversed(self.rows[-going:])),
            schema="public",
            schemas=PUBLIC,
            fingerprint=self.prints[APPLIED],
            history=history.digest(self.rows),
        )
        time.sleep(max(0.0, at - time.monotonic()))
        try:
            runner.run(where, order, Silent())
        except NothingChanged as refusal:
            return str(refusal)
        return ""

    def _judge(self, where: Target, moment: Moment, refusal: str, deployed: Deployed) -> str:
        rows, schema, did = read(where)
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

    def _made(self, like: str, *names: str) -> Target:
        name = f"together_{secrets.token_hex(5)}"
        create = SQL("CREATE DATABASE {} " + like).format(Identifier(name), *map(Identifier, names))
        with client.connect(self.server, "tests", autocommit=True) as connection:
            connection.execute(create)
        self.made.append(self.server.named(name))
        return self.made[-1]

    def close(self) -> None:
        for where in tuple(self.made):
            self._drop(where)

    def _drop(self, where: Target) -> None:
        with client.connect(self.server, "tests", autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(where.database)))
        self.made.remove(where)


def read(where: Target) -> tuple[tuple[history.Row, ...], str, tuple[str, ...]]:
    """The three witnesses: history, schema, trail."""
    with client.connect(where, "tests") as connection:
        rows = history.read(connection, "public")
        return rows, catalog.read(connection, PUBLIC).fingerprint, _trail(connection)


def _trail(connection: Connection) -> tuple[str, ...]:
    return tuple(each for (each,) in connection.execute('SELECT "did" FROM "Trail" ORDER BY "id"').fetchall())


def one_after_the_other(did: tuple[str, ...], stands: int) -> bool:
    """Whether each script worked on the state that it was written for."""
    state = 0
    for word, number in (each.split() for each in did):
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
def met(server: Target, major: int, *, locks: bool = True) -> Iterator[Meeting]:
    """A meeting with the engine of this version; its databases are gone afterwards."""
    with Deployer(major, server, locks=locks) as deployer:
        meeting = Meeting(server, deployer)
        try:
            yield meeting
        finally:
            meeting.close()
