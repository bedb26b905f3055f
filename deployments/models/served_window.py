"""How the requests to a service's public addresses went in the last minutes, and whether it fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from deployments.providers.public.health import WRONG_CONTENT
from rollback_portal.text import duration

WINDOW = timedelta(minutes=5)
REMEMBERED = timedelta(days=1)  # that the addresses answered, and so that the portal has a way to them
KINDS = {0: "no answer", WRONG_CONTENT: "wrong content"}
ENOUGH = 60  # requests by which a share of 5% can be judged


def too_many_failed(failed: float, total: float) -> bool:
    """Whether more than `SERVED_ERROR_SHARE` per cent did. Whether so many say anything is not asked here."""
    return failed * 100 > total * settings.SERVED_ERROR_SHARE


@dataclass(frozen=True, slots=True)
class Round:
    """The requests of one check. `failed` counts those that failed by HTTP status; 0 stands for no answer.

    See `HealthRule.fault` for the others.
    """

    at: datetime
    total: int
    failed: Mapping[int, int]

    @property
    def failures(self) -> int:
        return sum(self.failed.values())

    @property
    def answered(self) -> bool:
        return self.failed.get(0, 0) < self.total


@dataclass(frozen=True, slots=True)
class ServedWindow:
    """The checks of one commit, oldest first, and none older than `WINDOW`.

    One check is a handful of requests and may have met a single error; a share is only known over several.
    `answered_at` is when an address of the service last gave any answer, whatever was live.
    """

    commit_sha: str = ""
    rounds: Sequence[Round] = ()
    answered_at: datetime | None = None

    @classmethod
    def stored(cls, data: Mapping[str, Any] | None, now: datetime) -> ServedWindow:
        """What `as_json` gave, without what has grown too old since, or is from a clock ahead of `now`."""
        if not data:
            return cls()
        rounds = [
            Round(datetime.fromisoformat(at), total, {int(status): count for status, count in failed.items()})
            for at, total, failed in data["rounds"]
            if datetime.fromisoformat(at) <= now
        ]
        answered = data.get("answered_at")
        answered_at = datetime.fromisoformat(answered) if answered else None
        return cls(data["commit"], rounds, answered_at).since(now - WINDOW)

    def as_json(self) -> dict[str, Any]:
        rounds = [[one.at.isoformat(), one.total, dict(one.failed)] for one in self.rounds]
        answered = self.answered_at.isoformat() if self.answered_at else None
        return {"commit": self.commit_sha, "rounds": rounds, "answered_at": answered}

    def with_round(self, commit_sha: str, one: Round) -> ServedWindow:
        """Another commit starts anew: its errors are its own."""
        before = self.since(one.at - WINDOW).rounds if commit_sha == self.commit_sha else ()
        return ServedWindow(commit_sha, (*before, one), one.at if one.answered else self.answered_at)

    def since(self, at: datetime) -> ServedWindow:
        return replace(self, rounds=tuple(one for one in self.rounds if one.at >= at))

    def latest(self, requests: int) -> ServedWindow:
        """As many of the latest checks as have so many requests together."""
        counted, rounds = 0, list[Round]()
        for one in reversed(self.rounds):
            if counted >= requests:
                break
            counted += one.total
            rounds.insert(0, one)
        return replace(self, rounds=tuple(rounds))

    @property
    def total(self) -> int:
        return sum(one.total for one in self.rounds)

    @property
    def failures(self) -> int:
        return sum(one.failures for one in self.rounds)

    @property
    def answered(self) -> bool:
        """Where no answer ever came, the portal may have no way to the addresses: nothing is known.

        Where they answered in the last day, silence is the service's.
        """
        if any(one.answered for one in self.rounds):
            return True
        return bool(self.rounds and self.answered_at and self.rounds[-1].at - self.answered_at < REMEMBERED)

    @property
    def too_many_failures(self) -> bool:
        """More than `SERVED_ERROR_SHARE` percent of the requests failed."""
        return self.answered and too_many_failed(self.failures, self.total)

    @property
    def failing(self) -> bool:
        """Too many requests failed, in more than one check: a single check may have hit a brief glitch."""
        return self.too_many_failures and sum(one.failures > 0 for one in self.rounds) > 1

    @property
    def last_failed(self) -> bool:
        """At least half of the requests of the last check failed, which may last only a moment."""
        return bool(self.rounds) and self.rounds[-1].failures * 2 >= self.rounds[-1].total > 0

    @property
    def message(self) -> str:
        """ "9 of 120 requests in the last 5 min failed (503)"; "" where none did."""
        if not self.failures:
            return ""
        statuses = Counter[int]()
        for one in self.rounds:
            statuses.update(one.failed)
        kinds = ", ".join(KINDS.get(status, str(status)) for status, _ in statuses.most_common(3))
        over = "" if len(self.rounds) == 1 else f" in the last {duration(self._length)}"
        return f"{self.failures} of {self.total} requests{over} failed ({kinds})"

    @property
    def _length(self) -> timedelta:
        """The time that the checks cover, rounded to what people read: full minutes after the first."""
        seconds = (self.rounds[-1].at - self.rounds[0].at).total_seconds()
        return timedelta(seconds=max(round(seconds), 1) if seconds < 60 else round(seconds / 60) * 60)
