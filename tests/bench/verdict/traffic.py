"""Simulated traffic that shares no assumption with the tests it is for.

The tests take errors as negative binomial. Here they come in batches whose size is geometric, at a share that
wanders (a first-order autoregressive process of its logarithm), with bursts that begin at random, last
seconds to minutes and do not fit the intervals, on a number of requests that wanders, too. Latency wanders
and jumps.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from deployments.analysis.points import TrafficPoint, TrafficSource

DAY = 86_400.0
EPOCH = datetime(2026, 11, 29, tzinfo=UTC)
PROVIDER_SECONDS, PROBE_SECONDS = 30.0, 15.0


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


@dataclass(slots=True)
class Service:
    """How one service behaves; times in seconds, shares from 0 to 1, latency in milliseconds.

    `share` and `latency` give what is true at a time, without any noise.
    """

    rate: float  # requests a second
    share: Callable[[float], float]
    latency: Callable[[float], float]
    swing: float = 0.0  # of traffic over the day, 0 to 1
    wander: float = 0.25  # standard deviation of the logarithm of the share
    memory: float = 0.5  # correlation of that between two intervals
    batch: float = 1.5  # mean number of requests that one cause fails
    bursts: list[tuple[float, float, float]] = field(default_factory=list)  # start, length, share
    delay: float = 12.0  # seconds until a closed interval can be read
    shows_open: bool = True  # whether the newest interval can be read before it has closed
    late: float = 0.02  # the part of the intervals that comes a minute or two later still
    missing: float = 0.01  # the part that never comes
    addresses: int = 1  # asked by each round of probes


@dataclass(frozen=True, slots=True)
class Seen:
    """A point and the second from which it can be read."""

    point: TrafficPoint
    readable: float


def poisson(chance: random.Random, mean: float) -> int:
    if mean > 60:
        return max(round(chance.gauss(mean, math.sqrt(mean))), 0)
    border, product, number = math.exp(-mean), chance.random(), 0
    while product > border:
        product *= chance.random()
        number += 1
    return number


def make_bursts(
    chance: random.Random, start: float, end: float, per_hour: float
) -> list[tuple[float, float, float]]:
    bursts, time = [], start
    while per_hour > 0 and (time := time + chance.expovariate(per_hour / 3600)) < end:
        length = min(chance.lognormvariate(math.log(15), 0.7), 75.0)
        bursts.append((time, length, chance.uniform(0.003, 0.06)))
    return bursts


def provider_points(service: Service, chance: random.Random, start: float, end: float) -> list[Seen]:
    """What the provider will show of this time; some intervals are late, and some are shown half full."""
    seen, share_noise, rate_noise, slow_noise = [], 0.0, 0.0, 0.0
    phase = chance.random()
    fresh = math.sqrt(1 - service.memory**2)
    time = math.floor(start / PROVIDER_SECONDS) * PROVIDER_SECONDS
    while time < end:
        share_noise = service.memory * share_noise + fresh * chance.gauss(0, service.wander)
        rate_noise = 0.9 * rate_noise + 0.44 * chance.gauss(0, 0.12)
        slow_noise = 0.5 * slow_noise + 0.87 * chance.gauss(0, 0.1)
        daily = 1 + service.swing * math.sin(2 * math.pi * (time / DAY + phase))
        requests = poisson(chance, service.rate * daily * PROVIDER_SECONDS * math.exp(rate_noise))
        expected = _mean_share(service, time) * math.exp(share_noise - service.wander**2 / 2)
        errors = min(_errors(chance, requests * expected, service.batch), requests)
        if chance.random() >= service.missing:
            p95 = _p95(service, chance, time, requests, slow_noise)
            point = TrafficPoint(at(time), PROVIDER_SECONDS, requests, errors, p95, TrafficSource.PROVIDER)
            wait = service.delay + (chance.uniform(30, 120) if chance.random() < service.late else 0.0)
            seen.append(Seen(point, time + PROVIDER_SECONDS + wait))
            if service.shows_open:
                seen.append(_half(chance, point, time + PROVIDER_SECONDS / 2 + wait))
        time += PROVIDER_SECONDS
    return seen


def _mean_share(service: Service, time: float) -> float:
    """The true share of an interval: the mean over its parts, and the bursts that fall into it."""
    parts = [service.share(time + PROVIDER_SECONDS * (number + 0.5) / 3) for number in range(3)]
    share = sum(parts) / 3
    for begin, length, height in service.bursts:
        overlap = min(time + PROVIDER_SECONDS, begin + length) - max(time, begin)
        if overlap > 0:
            share += height * overlap / PROVIDER_SECONDS
    return min(share, 1.0)


def _errors(chance: random.Random, mean: float, batch: float) -> int:
    """Batches of geometric size: one cause fails some requests at once."""
    batches = poisson(chance, mean / batch)
    if batch <= 1:
        return batches
    if batches > 200:
        return max(round(chance.gauss(batches * batch, math.sqrt(batches * batch * (2 * batch - 1)))), 0)
    stop = math.log(1 - 1 / batch)
    return sum(1 + int(math.log(1 - chance.random()) / stop) for _ in range(batches))


def _p95(
    service: Service, chance: random.Random, time: float, requests: int, slow_noise: float
) -> float | None:
    if not requests:
        return None
    noise = slow_noise + chance.gauss(0, 0.5 / math.sqrt(requests))
    jump = math.log(chance.uniform(2, 6)) if chance.random() < 0.01 else 0.0
    return service.latency(time + PROVIDER_SECONDS / 2) * math.exp(noise + jump)


def _half(chance: random.Random, point: TrafficPoint, readable: float) -> Seen:
    """The same interval as it was read when half of it had passed."""
    requests, errors = point.requests or 0, point.errors or 0
    first = round(requests * chance.uniform(0.4, 0.6))
    failed = min(sum(chance.random() < first / requests for _ in range(errors)), first) if requests else 0
    early = TrafficPoint(point.time, point.duration, first, failed, point.p95_ms, point.source)
    return Seen(early, readable)


def probe_points(service: Service, chance: random.Random, start: float, end: float) -> list[Seen]:
    """The portal's own probes, readable two seconds after each; none of them is lost."""
    seen, time = [], start + chance.uniform(0, PROBE_SECONDS)
    while time < end:
        share = service.share(time) + sum(
            height for begin, length, height in service.bursts if begin <= time < begin + length
        )
        failed = sum(chance.random() < share for _ in range(service.addresses))
        latency = service.latency(time) * 0.6 * chance.lognormvariate(0, 0.3)
        point = TrafficPoint(at(time), PROBE_SECONDS, service.addresses, failed, latency, TrafficSource.PROBE)
        seen.append(Seen(point, time + 2))
        time += PROBE_SECONDS + chance.uniform(-0.5, 0.5)
    return seen
