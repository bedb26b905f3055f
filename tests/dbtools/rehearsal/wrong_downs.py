"""Wrong down scripts, made from right ones: one statement dropped, changed or added.

What a mutation is, is known by construction: "wrong" changes the schema or fails; "data" only moves rows or
values, so the schema cannot show it and the numbers have to; "silent" has to be said in the very words;
"neutral" changes nothing and has to pass.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dbtools import sql
from dbtools.rehearsal import STOP, MigrationSql, RehearsalReport
from dbtools.rehearsal.differences.row_checks import CHANGED, ROUND_TRIP
from tests.dbtools.rehearsal.right_downs import ADDITIONS, CHANGES, PARTS, Part
from tests.dbtools.rehearsal.silent_downs import PUT_RIGHT, SILENT


@dataclass(frozen=True, slots=True)
class Pair:
    """A migration and its correct down script."""

    up: MigrationSql
    parts: tuple[Part, ...]

    @property
    def down(self) -> tuple[str, ...]:
        return tuple(statement for part in reversed(self.parts) for statement in part.down)

    @property
    def without(self) -> tuple[str, ...]:
        return tuple(
            each for part in reversed(self.parts) for each in part.without or ("wrong",) * len(part.down)
        )


@dataclass(frozen=True, slots=True)
class Mutant:
    """A down script that differs from a correct one in one place, and the effect of that.

    Attributes:
        says: a line that the report has to have, unless PostgreSQL refuses the script.
        what: the kind of a silent effect, else the same as `kind`.
    """

    kind: str
    how: str
    down: str
    says: str = ""
    what: str = ""


def pairs(seeded: random.Random) -> Iterator[Pair]:
    """First each part by itself, then random combinations of two or three parts."""
    for number, part in enumerate(PARTS):
        yield Pair(MigrationSql(f"2_{number}", part.up), (part,))
    while True:
        chosen = tuple(seeded.sample(PARTS, seeded.choice((2, 2, 3))))
        yield Pair(MigrationSql("2_several", "\n".join(part.up for part in chosen)), chosen)


def mutants(pair: Pair, seeded: random.Random) -> list[Mutant]:
    """All mutants of the pair, each once, in random order."""
    by_text = {mutant.down: mutant for mutant in _made(pair, seeded)}
    readable = [mutant for mutant in by_text.values() if _is_sql(mutant.down)]
    return seeded.sample(readable, len(readable))


def _made(pair: Pair, seeded: random.Random) -> Iterator[Mutant]:
    yield from _dropped(pair)
    yield from _changed(pair)
    yield from _added(pair, seeded)
    yield from _silent(pair, seeded)


def _silent(pair: Pair, seeded: random.Random) -> Iterator[Mutant]:
    """What leaves the schema right, before or after the correct script."""
    for silent in (*SILENT, *PUT_RIGHT):
        first = seeded.random() < 0.5 and silent.what != "values"
        down = [*silent.statements, *pair.down] if first else [*pair.down, *silent.statements]
        kind = "silent" if silent.says else "neutral"
        yield Mutant(kind, f"added {'; '.join(silent.statements)}", text(down), silent.says, silent.what)


def _dropped(pair: Pair) -> Iterator[Mutant]:
    for number, kind in enumerate(pair.without):
        left = [statement for place, statement in enumerate(pair.down) if place != number]
        if left:
            yield Mutant(kind, f"dropped {pair.down[number]}", text(left))


def _changed(pair: Pair) -> Iterator[Mutant]:
    for number, statement in enumerate(pair.down):
        for pattern, other in CHANGES:
            changed = re.sub(pattern, other, statement, count=1)
            if changed != statement:
                both = [*pair.down[:number], changed, *pair.down[number + 1 :]]
                kind = "data" if statement.startswith("UPDATE") else "wrong"
                yield Mutant(kind, f"changed into {changed}", text(both))


def _added(pair: Pair, seeded: random.Random) -> Iterator[Mutant]:
    for kind, statement in ADDITIONS:
        place = seeded.randrange(len(pair.down) + 1)
        later = pair.down[place:]
        judged = "neutral" if _made_again(statement, later) else kind
        yield Mutant(judged, f"added {statement}", text([*pair.down[:place], statement, *later]))


def _made_again(statement: str, later: tuple[str, ...]) -> bool:
    """Whether it drops a view that the correct script creates later anyway."""
    view = statement.removeprefix("DROP VIEW ")
    return view != statement and any(each.startswith(f"CREATE OR REPLACE VIEW {view} ") for each in later)


def _is_sql(down: str) -> bool:
    try:
        return bool(sql.split(down))
    except sql.InvalidSql:
        return False


def text(statements: list[str] | tuple[str, ...]) -> str:
    return "".join(f"{statement};\n" for statement in statements)


def caught(mutant: Mutant, report: RehearsalReport, right: RehearsalReport) -> bool:
    """Whether the rehearsal failed or, for a script that only changes data, differs from the correct one.

    Of a silent one it has to say the very line, with its count.
    """
    if mutant.kind == "silent":
        refused = any(check.name == "Down" and check.tone == STOP for check in report.checks)
        return refused or any(mutant.says in check.lines for check in report.checks)
    if mutant.what and mutant.kind == "neutral":
        return report.message != right.message
    if mutant.kind == "data":
        return not report.passed or _said_of_data(report) != _said_of_data(right)
    return not report.passed


def _said_of_data(report: RehearsalReport) -> object:
    said = {check.name: check.lines for check in report.checks if check.name in (CHANGED, ROUND_TRIP)}
    return report.counts, report.losses, said
