"""Labelled replays, a day of points and deployments each: is a deployment to blame?"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from deployments.analysis.blame import BlameKind, WentLive, blame
from tests.bench.verdict.series import Readable
from tests.bench.verdict.traffic import DAY, Service, at, make_bursts, probe_points, provider_points

TO_BLAME = (
    "at once", "at once", "at once", "within two minutes", "ramp", "ramp", "noise", "daily rhythm",
    "latency only", "30 minutes later",
)  # fmt: skip
NOT_TO_BLAME = (
    "another cause", "another cause", "another cause", "deployments after it began", "nothing wrong",
    "nothing wrong", "daily rhythm", "noise", "slow drift", "over before",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was asked and what was answered; `culprit` is "" where no deployment is to blame."""

    kind: str
    number: int
    culprit: str
    answer: BlameKind
    named: str  # the deployment that was blamed, or ""

    @property
    def is_right(self) -> bool:
        return self.named == self.culprit


def replay(seed: int, number: int, to_blame: bool) -> Replayed:
    """Replay `number` of a seed, with a deployment to blame or without one: always the same one."""
    chance = random.Random(f"{seed}/{'blame' if to_blame else 'none'}/{number}")
    kind = (TO_BLAME if to_blame else NOT_TO_BLAME)[number % 10]
    now = DAY * 1.5
    harm_began = now - chance.uniform(240, 2_400)
    live = [chance.uniform(now - DAY, now) for _ in range(chance.choice((0, 1, 2, 3, 5)))]
    culprit = 0.0
    if to_blame:
        culprit = harm_began - _lag(kind, chance)
        # A second one so near would leave open which of them is to blame.
        live = [time for time in live if time < culprit - 60 or time > harm_began + 600]
        live.append(culprit)
    elif kind == "deployments after it began":
        live += [chance.uniform(harm_began + 300, now) for _ in range(chance.choice((1, 2)))]
    service = _service(kind, chance, harm_began, now, to_blame)
    seen = provider_points(service, chance, now - DAY, now)
    if chance.random() < 0.5:
        seen += probe_points(service, chance, now - DAY, now)
    seen.sort(key=lambda one: one.readable)
    deployments = [WentLive(f"{time:.0f}", at(time)) for time in live]
    said = blame(Readable(seen).readable(now), deployments)
    named = said.deployment.deployment if said.kind == BlameKind.AFTER_DEPLOYMENT and said.deployment else ""
    return Replayed(kind, number, f"{culprit:.0f}" if to_blame else "", said.kind, named)


def _lag(kind: str, chance: random.Random) -> float:
    """Seconds from going live until harm."""
    if kind == "30 minutes later":
        return chance.uniform(1_500, 2_100)
    return chance.uniform(60, 130) if kind == "within two minutes" else chance.uniform(0, 45)


def _service(kind: str, chance: random.Random, began: float, now: float, to_blame: bool) -> Service:
    usual = math.exp(chance.uniform(math.log(0.0001), math.log(0.02)))
    excess = math.exp(chance.uniform(math.log(0.02), math.log(0.4)))
    harmless = not to_blame and kind in {"nothing wrong", "daily rhythm", "noise"}
    length = {
        "ramp": chance.uniform(60, 300),
        "slow drift": now - began + chance.uniform(10_000, 30_000),
    }.get(kind, 1.0)
    start = now - length if kind == "slow drift" else began
    swing = chance.uniform(0.2, 0.5) if kind == "daily rhythm" else 0.0
    phase, base = chance.random(), chance.uniform(60, 800)
    rise = chance.uniform(2.5, 6) if kind == "latency only" or chance.random() < 0.2 else 1.0
    over = began + chance.uniform(60, 0.6 * (now - began)) if kind == "over before" else math.inf

    def part(time: float) -> float:
        if harmless or time < start or time >= over:
            return 0.0
        return min((time - start) / length, 1.0)

    def share(time: float) -> float:
        height = 0.0 if kind == "latency only" else excess * part(time)
        return min((usual + height) * (1 + swing * math.sin(2 * math.pi * (time / DAY + phase))), 0.98)

    noisy = kind == "noise"
    return Service(
        chance.choice((5.0, 20.0, 50.0, 200.0)),
        share,
        lambda time: base * rise ** part(time),
        swing=chance.uniform(0.5, 0.9) if kind == "daily rhythm" else chance.uniform(0, 0.2),
        wander=chance.uniform(0.4, 0.6) if noisy else chance.uniform(0.05, 0.35),
        memory=chance.uniform(0.5, 0.9) if noisy else chance.uniform(0.0, 0.7),
        batch=chance.uniform(2, 6) if noisy else chance.choice((1.0, 1.5, 2.5)),
        bursts=make_bursts(chance, now - DAY, now, 1.5 if noisy else chance.choice((0.0, 0.3))),
        delay=chance.uniform(3, 20),
        shows_open=chance.random() < 0.5,
        late=chance.choice((0.0, 0.02, 0.1)),
        missing=chance.choice((0.0, 0.01, 0.05)),
    )
