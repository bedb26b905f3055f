"""One project's migrations, one after the other: drafted, run and judged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dbtools import target
from dbtools.drafts import Draft, NotReplayed, Replay
from dbtools.drafts.replay import State
from dbtools.prisma.names import in_order
from dbtools.schema import dump
from dbtools.target import Error, Target
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


def migrations(folder: Path) -> dict[str, str]:
    """The texts by name, in Prisma's order."""
    found = {path.parent.name: path for path in folder.glob("*/migration.sql")}
    return {name: found[name].read_text() for name in in_order(found, "7")}


def results(replay: Replay, texts: dict[str, str], newest: int = 0, prisma: int = 0) -> Iterator[Result]:
    """Go through the history; what does not apply to an empty database is passed over.

    Args:
        newest: how many of the newest ones are drafted; 0 for all.
        prisma: how many of the newest ones Prisma is asked about.
    """
    before: State | None = None
    done: list[tuple[str, str]] = []
    for left, (name, text) in zip(range(len(texts), 0, -1), texts.items(), strict=True):
        if before is None and (not newest or left <= newest):
            before = replay.state()
        try:
            replay.apply(text)
        except NotReplayed as error:
            yield Result(name, NOT_APPLICABLE, said=str(error))
            continue
        done.append((name, text))
        if before:
            after = replay.state()
            asked = anchor.judged(replay, done, before) if left <= prisma else ""
            yield one(replay, name, text, before, after, asked)
            before = after


def one(replay: Replay, name: str, text: str, before: State, after: State, prisma: str = "") -> Result:
    began = time.monotonic()
    draft = replay.draft([text], before, after)
    took = time.monotonic() - began
    found, said = draft.verdict, draft.sentence
    more: tuple[str, ...] = ()
    if found != REFUSED:
        found, said, more = judged(replay, draft, before)
    return Result(name, found, draft.loses, took, said, draft.text, more, prisma)


def judged(replay: Replay, draft: Draft, before: State) -> tuple[str, str, tuple[str, ...]]:
    """The text is run on a copy of its own and pg_dump's text compared; the draft's proof does not count."""
    with replay.copy() as where:
        problem = run(where, draft)
        if problem:
            return FAILED, problem, ()
        reached = dump(where, replay.scratch.programs)
    found = verdict(before.dump, reached)
    return found, draft.sentence, tuple(differing(before.dump, reached)) if found == WRONG else ()


def run(where: Target, draft: Draft) -> str:
    """The text as a whole, in one transaction; "" where it ran."""
    try:
        with target.connect(where, "bench", autocommit=True) as connection, connection.transaction():
            connection.execute(draft.text.encode())
    except Error as error:
        return " ".join(str(error).split())
    return ""
