"""Every kind of thing that real migrations do, as `kinds.sql` beside this file tells it."""

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
    """A schema before, a migration, and what its draft has to be worth. `contains` stands in its text."""

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
            name=found["name"],
            before=found["before"],
            up=found["up"],
            verdict=found["verdict"],
            loses=bool(found["loses"]),
            contains=found["contains"] or "",
        )
        for found in SECTION.finditer(text)
    )
