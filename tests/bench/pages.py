"""How long pages take on the server, how many SQL statements they need and how many bytes they are."""

from __future__ import annotations

import gzip
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.portal import Portal
from tests.bench.table import milliseconds, say, share, table

ROUNDS = 30
NO_ROWS = "/accounts/login/"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one page costs."""

    name: str
    rows: str
    queries: int
    times: list[float]
    plain: int
    zipped: int


def measure(portal: Portal, pages: Sequence[tuple[str, str, str]]) -> list[Cost]:
    """Request each page, one after the other, through the web server.

    Args:
        pages: name, description of the rows, and path of each page.
    """
    ana, stranger = portal.person("ana"), portal.stranger()
    counted = portal.inside("queries", *(path for _, _, path in pages))
    costs = []
    for name, rows, path in pages:
        person = stranger if path == NO_ROWS else ana
        body = person.page(path).encode()
        person.page(path)
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            person.page(path)
            times.append(time.perf_counter() - began)
        costs.append(Cost(name, rows, counted[path], times, len(body), len(gzip.compress(body, 6))))
    return costs


def show(costs: list[Cost]) -> None:
    say(f"Pages, {ROUNDS} requests one after the other, signed in")
    table(
        ("page", "rows", "SQL", "min", "median", "p95", "HTML", "gzip"),
        [
            [
                cost.name,
                cost.rows,
                str(cost.queries),
                milliseconds(min(cost.times)),
                milliseconds(median(cost.times)),
                milliseconds(share(cost.times, 0.95)),
                f"{cost.plain / 1000:.0f} kB",
                f"{cost.zipped / 1000:.0f} kB",
            ]
            for cost in sorted(costs, key=lambda cost: cost.name)
        ],
    )
