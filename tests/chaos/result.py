"""The result of one run, for the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Result:
    """Times are in seconds; `short` lists the goals that the run did not reach."""

    name: str
    without: str
    seed: int
    seconds: float
    faults: dict[str, int]
    acknowledged: int
    refused: int
    turned_away: int
    in_flight: int
    read_back: int
    ended: dict[str, int]
    findings: dict[str, list[str]]
    receipt: list[float]
    end: list[float]
    caught_after: float | None = None
    short: list[str] = field(default_factory=list)


def short_of(wanted: Mapping[str, int], counted: Mapping[str, int]) -> list[str]:
    """Describe what has not happened often enough yet."""
    return [
        f"{counted.get(kind, 0)} of {many} {kind}"
        for kind, many in wanted.items()
        if counted.get(kind, 0) < many
    ]
