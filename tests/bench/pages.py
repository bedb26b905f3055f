"""How long pages take on the server, how many SQL statements they need and how many bytes they are."""

from __future__ import annotations

import gzip
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.portal import Portal
from tests.bench.table import milliseconds, say, share, table

ROUNDS = 30
NO_ROWS = "/accounts/login/"


@dataclass(slots=True)
class Cost:
    """What one page costs."""

    name: str
    rows: str
    queries: int
    body: bytes
    times: list[float] = field(default_factory=list)

    @property
    def figures(self) -> tuple[str, str, str]:
        """The number of SQL statements, the median and p95."""
        middle, tail = median(self.times), share(self.times, 0.95)
        return str(self.queries), milliseconds(middle), milliseconds(tail)


def measure(
    portals: Sequence[Portal], pages: Sequence[tuple[str, str, str]], rounds: int = ROUNDS
) -> list[list[Cost]]:
    """Request each page, one after the other, through the web server.

    Args:
        portals: where several are compared, each is asked in turn, so that what else happens on the machine
            meets all of them.
        pages: name, description of the rows, and path of each page.

    Returns:
        For each page its costs, in the order of the portals.
    """
    paths = [path for _, _, path in pages]
    counted = [portal.inside("queries", *paths, *paths) for portal in portals]  # the second time counts
    visitors = [(portal.stranger(), portal.person("ana")) for portal in portals]
    costs = []
    for name, rows, path in pages:
        people = [stranger if path == NO_ROWS else ana for stranger, ana in visitors]
        bodies = [
            (person.page(path), person.page(path).encode())[1] for person in people
        ]  # the second is warm
        beside = [Cost(name, rows, count[path], body) for count, body in zip(counted, bodies, strict=True)]
        turns = list(zip(people, beside, strict=True))
        for number in range(rounds):
            for person, cost in turns if number % 2 == 0 else reversed(turns):
                began = time.perf_counter()
                person.page(path)
                cost.times.append(time.perf_counter() - began)
        costs.append(beside)
    return costs


def show(costs: Sequence[Cost]) -> None:
    say(f"Pages, {ROUNDS} requests one after the other, signed in")
    table(
        ("page", "rows", "SQL", "median", "p95", "min", "HTML", "gzip"),
        [
            [
                cost.name,
                cost.rows,
                *cost.figures,
                milliseconds(min(cost.times)),
                f"{len(cost.body) / 1000:.0f} kB",
                f"{len(gzip.compress(cost.body, 6)) / 1000:.0f} kB",
            ]
            for cost in sorted(costs, key=lambda cost: cost.name)
        ],
    )


def show_beside(costs: Sequence[Sequence[Cost]], other: str) -> None:
    """Print the figures of this checkout beside those of another one.

    Args:
        costs: of each page, here and there.
        other: what people call the other one.
    """
    say(f"Pages here and of {other}, each {ROUNDS} times in turn, signed in")
    head = [column for name in ("SQL", "median", "p95") for column in (name, f"{name} {other}")]
    table(
        ("page", "rows", *head),
        [
            [
                here.name,
                here.rows,
                *(figure for pair in zip(here.figures, there.figures, strict=True) for figure in pair),
            ]
            for here, there in sorted(costs, key=lambda pair: pair[0].name)
        ],
    )
