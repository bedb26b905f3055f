"""One project's migrations, one after the other: drafted, run and judged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dbtools.down_draft import NotReplayed, Replay
from dbtools.down_draft.replay import State
from dbtools.postgres import client
from dbtools.postgres.client import Error, Target
from dbtools.postgres.dump import dump_schema
from dbtools.prisma.names import in_order
from tests.bench.down import anchor
from tests.bench.down.judge import WRONG, differing, verdict

REFUSED, FAILED, NOT_APPLICABLE = "refused", "failed", "not applicable"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one migration.

    `seconds` is the draft with its proof; `prisma` the verdict on Prisma's script, "" where it was not asked.
    """

    name: str
    verdict: str
    loses: bool = False
    seconds: float = 0.0
    said: str = ""
    script: str = ""
    more: tuple[str, ...] = ()
    prisma: str = ""


def migrations(folder: Path, version: str) -> dict[str, str]:
    """The texts by name, in the order of this version of Prisma.

    Raises:
        UnknownOrder: a name is not in ASCII.
    """
    found = {path.parent.name: path for path in folder.glob("*/migration.sql")}
    return {name: found[name].read_text("utf-8") for name in in_order(found, version)}


@dataclass(frozen=True, slots=True)
class Wish:
    """How many of the newest migrations are drafted (0 for all), and how many of them Prisma is asked about.

    `twice` runs each draft once more on a copy of its own.
    """

    newest: int = 0
    prisma: int = 0
    twice: bool = False


def results(replay: Replay, texts: dict[str, str], wish: Wish) -> Iterator[Result]:
    """Go through the history; what does not apply to an empty database is passed over."""
    before: State | None = None
    done: list[tuple[str, str]] = []
    for left, (name, text) in zip(range(len(texts), 0, -1), texts.items(), strict=True):
        if before is None and (not wish.newest or left <= wish.newest):
            before = replay.state()
        try:
            replay.apply(text)
        except NotReplayed as error:
            yield Result(name, NOT_APPLICABLE, said=str(error))
            continue
        done.append((name, text))
        if before:
            after = replay.state()
            asked = anchor.judged(replay, done, before) if left <= wish.prisma else ""
            found = one(replay, name, text, before, after, asked)
            yield again(replay, found, before) if wish.twice else found
            before = after


def one(replay: Replay, name: str, text: str, before: State, after: State, prisma: str = "") -> Result:
    """Draft it. What came out is judged by pg_dump's text alone; the draft's own word does not count."""
    began = time.monotonic()
    draft = replay.draft([text], before, after)
    took = time.monotonic() - began
    found = draft.verdict
    more: tuple[str, ...] = ()
    if found != REFUSED:
        found = verdict(before.dump, replay.reached)
        more = tuple(differing(before.dump, replay.reached)) if found == WRONG else ()
    return Result(name, found, draft.loses, took, draft.message, draft.text, more, prisma)


def again(replay: Replay, result: Result, before: State) -> Result:
    """Run a draft once more, on a copy of its own, and judge that."""
    if result.verdict == REFUSED:
        return result
    with replay.copy() as where:
        problem = run(where, result.script)
        if problem:
            return replace(result, verdict=FAILED, said=problem)
        reached = dump_schema(where, replay.scratch.programs)
    return replace(result, verdict=verdict(before.dump, reached), more=tuple(differing(before.dump, reached)))


def run(where: Target, script: str) -> str:
    """The text as a whole, in one transaction; "" where it ran."""
    try:
        with client.connect(where, "bench", autocommit=True) as connection, connection.transaction():
            connection.execute(script.encode())
    except Error as error:
        return " ".join(str(error).split())
    return ""
