"""The kinds of simulated operations: what was true, and what the portal could read of it and when."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from deployments.analysis.points import TrafficPoint
from tests.bench.verdict.traffic import (
    Seen,
    Service,
    make_bursts,
    probe_points,
    provider_points,
)

KINDS = (
    "step", "ramp", "noise", "low traffic", "daily rhythm", "not from the deployment", "late harm",
    "partial recovery",
)  # fmt: skip
HISTORY = 7_500.0  # seconds of points before the deployment that is left
WATCHED = 3_600.0
STILL_WRONG = 0.3  # of what the incident added, and at least double the usual share: not recovered
NEVER = math.inf


class Readable:
    """Points in the order in which they could be read."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        self.points = [one.point for one in seen]
        self.seconds = [one.readable for one in seen]

    def readable(self, now: float) -> list[TrafficPoint]:
        return self.points[: bisect_right(self.seconds, now)]


@dataclass(slots=True)
class Operation:
    """One simulated operation; all times in seconds, `served` is when the target began to serve.

    `good_from` to `good_until` the service is as before; it is bad before `bad_until` and from `bad_from` on.
    """

    kind: str
    number: int
    rate: float
    latency_incident: bool
    left_live: float
    acted: float
    served: float
    good_from: float
    good_until: float
    bad_until: float
    bad_from: float
    seen: list[Seen]

    def readable(self, now: float) -> list[TrafficPoint]:
        return Readable(self.seen).readable(now)

    def since_served(self, served_at: datetime) -> Readable:
        return Readable([one for one in self.seen if one.point.time >= served_at])

    @property
    def is_ever_good(self) -> bool:
        return self.good_from < self.good_until

    @property
    def is_ever_bad(self) -> bool:
        return self.bad_until > self.served or self.bad_from < NEVER

    @property
    def stays_bad(self) -> bool:
        return self.bad_until == NEVER

    def is_bad(self, now: float) -> bool:
        return self.served <= now < self.bad_until or now >= self.bad_from

    def is_good(self, now: float) -> bool:
        return self.good_from <= now < self.good_until


def operation(seed: int, number: int) -> Operation:
    """Series `number` of a seed: always the same one."""
    chance = random.Random(f"{seed}/{number}")
    kind = KINDS[number % len(KINDS)]
    usual = math.exp(chance.uniform(math.log(0.0001), math.log(0.02)))
    incident = min(usual + math.exp(chance.uniform(math.log(0.02), math.log(0.4))), 0.9)
    if kind == "low traffic":
        rate = chance.choice((0.1, 0.3, 1.0))
    else:
        rate = chance.choice((5.0, 20.0, 50.0, 50.0, 50.0, 200.0))
    left_live = HISTORY
    began = left_live + chance.choice((0.0, chance.uniform(0, 120)))
    if kind == "not from the deployment" and chance.random() < 0.5:
        began = left_live - chance.uniform(300, 2_400)
    acted = max(left_live, began) + chance.uniform(150, 1_500)
    served = acted + chance.uniform(10, 90)
    shape = _after(kind, chance, usual, incident, served)
    left = _left(kind, chance, began, served, shape)
    slow = chance.random() < 0.2
    service = _service(kind, chance, rate, served)
    service.share = _share(kind, chance, usual, incident, left)
    base_ms, factor = chance.uniform(60, 800), chance.uniform(2.5, 8) if slow else 1.0
    service.latency = lambda time: base_ms * factor ** min(left(time), 1.0)
    end = served + WATCHED + 300
    seen = provider_points(service, chance, 0.0, end) + probe_points(service, chance, 0.0, end)
    seen.sort(key=lambda one: one.readable)
    return Operation(
        kind, number, rate, slow, left_live, acted, served,
        shape.good_from, shape.good_until, shape.bad_until, shape.bad_from, seen,
    )  # fmt: skip


@dataclass(slots=True)
class Shape:
    """How much of the incident is left once the target serves (0 to 1), and when that is good or bad."""

    left: Callable[[float], float]
    good_from: float = NEVER
    good_until: float = NEVER
    bad_until: float = 0.0
    bad_from: float = NEVER


def _after(kind: str, chance: random.Random, usual: float, incident: float, served: float) -> Shape:
    stays = Shape(lambda _: 1.0, bad_until=NEVER)
    if kind == "not from the deployment":
        return stays
    if kind == "partial recovery":
        part = chance.uniform(STILL_WRONG, 0.7)
        is_bad = part * (incident - usual) >= usual
        return Shape(lambda _: part, bad_until=NEVER if is_bad else 0.0)
    if kind != "late harm" and chance.random() < 0.5:
        return stays
    if kind == "ramp":
        length = chance.uniform(30, 240)
        gone = served + length * (1 - STILL_WRONG)
        return Shape(
            lambda time: max(1 - (time - served) / length, 0.0), good_from=served + length, bad_until=gone
        )
    constant = chance.uniform(4, 20) if chance.random() < 0.25 else 0.0

    def cold_start(time: float) -> float:
        return 0.5 * math.exp(-(time - served) / constant) if constant else 0.0

    if kind != "late harm":
        return Shape(cold_start, good_from=served)
    return _harmed_again(chance, usual, incident, served, cold_start)


def _harmed_again(
    chance: random.Random, usual: float, incident: float, served: float, first: Callable[[float], float]
) -> Shape:
    again = served + chance.uniform(600, 2_700)
    height = max(chance.uniform(0.4, 1.2), usual / (incident - usual))  # at least double the usual share
    ramp = chance.choice((1.0, 1.0, 120.0, 300.0))

    def left(time: float) -> float:
        return first(time) if time < again else height * min((time - again) / ramp, 1.0)

    return Shape(left, good_from=served, good_until=again, bad_from=again + ramp)


def _left(
    kind: str, chance: random.Random, began: float, served: float, shape: Shape
) -> Callable[[float], float]:
    """The part of the incident that is there at a time: before it, in it and after it."""
    length = chance.uniform(60, 400) if kind == "ramp" else 1.0

    def left(time: float) -> float:
        if time < began:
            return 0.0
        return min((time - began) / length, 1.0) if time < served else shape.left(time)

    return left


def _share(
    kind: str, chance: random.Random, usual: float, incident: float, left: Callable[[float], float]
) -> Callable[[float], float]:
    swing = chance.uniform(0.2, 0.5) if kind == "daily rhythm" else 0.0
    phase = chance.random()

    def share(time: float) -> float:
        daily = 1 + swing * math.sin(2 * math.pi * (time / 86_400 + phase))
        return min((usual + (incident - usual) * left(time)) * daily, 1.0)

    return share


def _service(kind: str, chance: random.Random, rate: float, served: float) -> Service:
    noisy = kind == "noise"
    return Service(
        rate,
        lambda _: 0.0,
        lambda _: 100.0,
        swing=chance.uniform(0.5, 0.9) if kind == "daily rhythm" else chance.uniform(0, 0.2),
        wander=chance.uniform(0.4, 0.6) if noisy else chance.uniform(0.05, 0.35),
        memory=chance.uniform(0.5, 0.9) if noisy else chance.uniform(0.0, 0.7),
        batch=chance.uniform(2, 6) if noisy else chance.choice((1.0, 1.5, 2.5)),
        bursts=make_bursts(chance, 0.0, served + WATCHED, 1.5 if noisy else chance.choice((0.0, 0.3))),
        delay=chance.uniform(3, 20),
        shows_open=chance.random() < 0.5,
        late=chance.choice((0.0, 0.02, 0.1)),
        missing=chance.choice((0.0, 0.01, 0.05)),
        addresses=chance.choice((1, 1, 3)),
    )
