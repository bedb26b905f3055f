"""Tracks known external changes so that each is reported once, whether state or events reveal it first.

State reveals most of them: a deployment that is live, the last move of the domains, a setting that differs
from the reading before. Events add who did it and when, and the acts that no state shows; they may come late
or never. What was there at the first reading is treated as history and not reported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from deployments.models import ActKind, Change, Deployment, OutsideAct, Service
from deployments.providers.auto_deploy import may_be_same
from deployments.providers.base import RemoteEvent
from deployments.sync.fit import fits, fitted
from deployments.sync.outside.own_changes import Finding, Verdict
from deployments.sync.reading import ServiceReading
from rollback_portal.jobs import clock

HISTORY = "before the first reading"
CLOCKS_APART = timedelta(minutes=130)  # two clocks that are each wrong by an hour


@dataclass(frozen=True, slots=True)
class Before:
    """What was known of a service before a reading."""

    live_id: str
    auto_deploy: str
    synced_at: datetime | None
    events_read: bool
    served: frozenset[str]  # ids of those named in the reading that had been live

    @classmethod
    def of(cls, service: Service, reading: ServiceReading) -> Before:
        named = [remote.id for remote in reading.deployments]
        served = service.deployments.filter(served=True, provider_id__in=[one for one in named if fits(one)])
        return cls(
            service.live.provider_id if service.live else "",
            service.auto_deploy,
            service.synced_at,
            service.events_read_at is not None,
            frozenset(served.values_list("provider_id", flat=True)),
        )


@dataclass(frozen=True, slots=True)
class NewAct:
    """An act to tell. `detail`: more about it, in words; `late`: the portal's order that may have done it."""

    act: OutsideAct
    detail: str = ""
    late: Change | None = None


@dataclass
class Memory:
    """The known acts of a service, and those that a reading adds. The caller has locked the service."""

    service: Service
    before: Before
    reading: ServiceReading
    rows: Mapping[str, Deployment]
    new: list[NewAct] = field(default_factory=list)

    def acts(self, **conditions: Any) -> QuerySet[OutsideAct]:
        return OutsideAct.objects.filter(service=self.service, **conditions)

    def knows(self, identity: str) -> bool:
        return self.acts(identity=identity).exists()

    def is_history(self, at: datetime | None) -> bool:
        """From so long before the first reading that no clock makes it news; the rest has its identity."""
        until = self.service.history_until
        return at is not None and until is not None and at < until - CLOCKS_APART

    def events(self, kinds: Collection[str]) -> Sequence[RemoteEvent]:
        """Those of these kinds that are new, oldest first."""
        found = [event for event in self.reading.events if event.kind in kinds and fits(event.id, 100)]
        known = set(self.acts(event_id__in=[event.id for event in found]).values_list("event_id", flat=True))
        return [event for event in reversed(found) if event.id not in known]

    @property
    def reads_first_events(self) -> bool:
        """What only these events tell may be from before the first reading."""
        return self.reading.recorded.outcome == "read" and not self.before.events_read

    def attach(self, event: RemoteEvent, acts: QuerySet[OutsideAct]) -> bool:
        """Add the event to the one of these acts that it tells of, where that was learned without it."""
        near = [act for act in acts.filter(event_id=None)[:20] if same_moment(act.happened_at, event.at)]
        if not near:
            return False
        act = min(near, key=lambda one: abs((one.happened_at or event.at) - event.at))
        act.event_id, act.actor = event.id, act.actor or event.actor[:200]
        act.reason = act.reason or event.reason[:100]
        act.save(update_fields=["event_id", "actor", "reason"])
        return True

    def tell(
        self, finding: Finding, kind: str, identity: str, target: str, at: datetime | None, *,
        event: RemoteEvent | None = None, actor: str = "", detail: str = "", **fields: str,
    ) -> None:  # fmt: skip
        """Remember an act, and tell it unless it is the portal's own or may still prove to be."""
        if finding.verdict is Verdict.WAIT:
            return
        ours = finding.verdict is Verdict.OURS
        act = OutsideAct(
            service=self.service, kind=kind, identity=identity, target=target, happened_at=at,
            event_id=event.id if event else None, actor=actor or (event.actor if event else ""),
            change=finding.change if ours else None, learned_at=clock.now(), **fields,
        )  # fmt: skip
        fitted(act).save(force_insert=True)
        if not ours and not self._is_old_news(act):
            self.new.append(NewAct(act, detail, finding.change))

    def _is_old_news(self, act: OutsideAct) -> bool:
        differs = self.before.auto_deploy not in {"", act.target}
        agrees = may_be_same(act.target, self.service.auto_deploy)
        explains = act.kind == ActKind.AUTO_DEPLOY and differs and agrees
        return self.reads_first_events and act.identity.startswith("event ") and not explains


def same_moment(one: datetime | None, other: datetime | None) -> bool:
    """Whether two timestamps may mean the same instant, given clock skew; an unknown one may be any."""
    return one is None or other is None or abs(one - other) <= CLOCKS_APART
