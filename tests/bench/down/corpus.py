"""Drafts, runs and judges the migrations of a project, one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dbtools.down_draft import MigrationReplay, ReplayFailed
from dbtools.down_draft.replay import SchemaState
from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress, Error
from dbtools.postgres.dump import dump_schema
from dbtools.prisma.names import sort_names
from tests.bench.down import prisma_baseline
from tests.bench.down.judge import WRONG, differing, loses_data, verdict

REFUSED, FAILED, NOT_APPLICABLE = "refused", "failed", "not applicable"


@dataclass(frozen=True, slots=True)
class Result:
    """The result for one migration.

    `seconds` is the time to draft and prove; `prisma` the verdict on Prisma's script, "" without one.
    """

    name: str
    verdict: str
    loses: bool = False
    seconds: float = 0.0
    message: str = ""
    script: str = ""
    more: tuple[str, ...] = ()
    prisma: str = ""


def migrations(folder: Path, version: str) -> dict[str, str]:
    """The scripts by name, in the order of this version of Prisma.

    Raises:
        UnknownOrder: a name is not in ASCII.
    """
    paths = {path.parent.name: path for path in folder.glob("*/migration.sql")}
    return {name: paths[name].read_text("utf-8") for name in sort_names(paths, version)}


@dataclass(frozen=True, slots=True)
class Wish:
    """How many of the newest migrations are drafted (0 for all), and for how many Prisma is run too.

    `twice` runs each draft once more, on another copy.
    """

    newest: int = 0
    prisma: int = 0
    twice: bool = False


def results(replay: MigrationReplay, texts: dict[str, str], wish: Wish) -> Iterator[Result]:
    """Go through the history, skipping what cannot be applied to an empty database."""
    before: SchemaState | None = None
    done: list[tuple[str, str]] = []
    for left, (name, text) in zip(range(len(texts), 0, -1), texts.items(), strict=True):
        if before is None and (not wish.newest or left <= wish.newest):
            before = replay.state()
        try:
            replay.apply(text)
        except ReplayFailed as error:
            yield Result(name, NOT_APPLICABLE, message=str(error))
            continue
        done.append((name, text))
        if before:
            after = replay.state()
            asked = prisma_baseline.judged(replay, done, before) if left <= wish.prisma else ""
            outcome = one(replay, name, text, before, after, asked)
            yield again(replay, outcome, before) if wish.twice else outcome
            before = after


def one(
    replay: MigrationReplay, name: str, text: str, before: SchemaState, after: SchemaState, prisma: str = ""
) -> Result:
    """Draft it, and judge the result by the text of pg_dump only, not by the verdict of the draft."""
    began = time.monotonic()
    draft = replay.draft([text], before, after)
    took = time.monotonic() - began
    outcome = draft.verdict
    more: tuple[str, ...] = ()
    if outcome != REFUSED:
        outcome = verdict(before.dump, replay.reached)
        more = tuple(differing(before.dump, replay.reached)) if outcome == WRONG else ()
    return Result(name, outcome, loses_data(draft), took, draft.message, draft.text, more, prisma)


def again(replay: MigrationReplay, result: Result, before: SchemaState) -> Result:
    """Run a draft once more, on another copy, and judge that."""
    if result.verdict == REFUSED:
        return result
    with replay.copy() as address:
        problem = run(address, result.script)
        if problem:
            return replace(result, verdict=FAILED, message=problem)
        reached = dump_schema(address, replay.scratch.programs)
    return replace(result, verdict=verdict(before.dump, reached), more=tuple(differing(before.dump, reached)))


def run(address: DatabaseAddress, script: str) -> str:
    """Run the whole text in one transaction; return the error or ""."""
    try:
        with client.connect(address, "bench", autocommit=True) as connection, connection.transaction():
            connection.execute(script.encode())
    except Error as error:
        return " ".join(str(error).split())
    return ""
