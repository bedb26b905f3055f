"""Every kind of change in real migrations, from `kinds.sql`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SECTION = re.compile(
    r"^-- kind: (?P<name>[^\n]*)\n-- verdict: (?P<verdict>[a-z ]+)(?P<loses>, loses)?\n"
    r"(?:-- contains: (?P<contains>[^\n]*)\n)?"
    r"(?P<before>.*?)^-- up\n(?P<up>.*?)(?=^-- kind: |\Z)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A schema, a migration, and the expected verdict of its draft, whose text contains `contains`."""

    name: str
    before: str
    up: str
    verdict: str
    loses: bool
    contains: str


def kinds() -> tuple[Kind, ...]:
    text = Path(__file__).with_suffix(".sql").read_text()
    return tuple(
        Kind(
            name=match["name"],
            before=match["before"],
            up=match["up"],
            verdict=match["verdict"],
            loses=bool(match["loses"]),
            contains=match["contains"] or "",
        )
        for match in SECTION.finditer(text)
    )
