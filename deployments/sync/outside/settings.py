"""Changes of the setting for automatic deployments, and what else only events tell."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from deployments.models import ActKind, Change, OutsideAct
from deployments.providers.auto_deploy import OFF, ON, finer, may_be_same
from deployments.providers.base import RemoteEvent
from deployments.sync.outside.memory import Memory, same_moment
from deployments.sync.outside.moves import is_moving_to
from deployments.sync.outside.own_changes import NOBODY, Finding, Verdict, who_set_auto_deploy
from rollback_portal.jobs import clock

FOLLOWS_WITHIN = timedelta(minutes=10)  # at Vercel, the setting after the move that changes it
ONLY_EVENTS = {
    "environment_changed": ActKind.ENVIRONMENT,
    "domain_changed": ActKind.DOMAINS,
    "suspended": ActKind.SERVICE,
    "resumed": ActKind.SERVICE,
    "maintenance": ActKind.SERVICE,
}


def find_auto_deploy(memory: Memory) -> None:
    """First what events tell, then a difference to the last reading that none of them explains."""
    for event in memory.events({"auto_deploy_off", "auto_deploy_on"}):
        after, before = setting_change(event)
        after = finer(after, memory.reading.current.auto_deploy or "") or ""
        if not memory.attach(event, _acts_without_event(memory, after)):
            change = who_set_auto_deploy(memory.service, after, at=event.at)
            _tell(memory, change, after, before, f"event {event.id}", event.at, event)
    before, after = memory.before.auto_deploy, memory.reading.current.auto_deploy or ""
    latest = memory.acts(kind=ActKind.AUTO_DEPLOY).first()
    if "" in {before, after} or may_be_same(before, after):
        return
    if latest is not None and may_be_same(latest.target, after):
        return
    change = who_set_auto_deploy(memory.service, after, since=memory.before.synced_at)
    events = memory.events({"auto_deploy_changed"})
    about = events[-1] if events else None
    at = about.at if about else memory.reading.at
    _tell(memory, change, after, before, f"setting {after} {memory.reading.at.isoformat()}", at, about)


def setting_change(event: RemoteEvent) -> tuple[str, str]:
    """The setting after and before an event that names the other one than "off"."""
    return ("off", event.detail) if event.kind == "auto_deploy_off" else (event.detail, "off")


def _acts_without_event(memory: Memory, setting: str) -> QuerySet[OutsideAct]:
    """Skip changes made by the portal and the one already recorded, seen before its event was read."""
    latest = memory.acts(kind=ActKind.AUTO_DEPLOY).values("pk")[:1]
    own_or_latest = Q(change__isnull=False) | Q(pk__in=latest)
    acts = memory.acts(kind=ActKind.AUTO_DEPLOY).filter(own_or_latest)
    return acts.exclude(target__in=("", OFF)) if setting == ON else acts.filter(target__in=_names(setting))


def _names(setting: str) -> set[str]:
    return {setting} if setting == OFF else {setting, ON}


def _tell(
    memory: Memory, change: Change | None, after: str, before: str, identity: str, at: datetime,
    event: RemoteEvent | None,
) -> None:  # fmt: skip
    ours = change is not None or _comes_with_a_move(memory, after)
    finding = Finding(Verdict.OURS, change) if ours else NOBODY
    reason = event.reason if event else ""
    memory.tell(finding, ActKind.AUTO_DEPLOY, identity, after, at, event=event, before=before, reason=reason)


def _comes_with_a_move(memory: Memory, setting: str) -> bool:
    """At Vercel a rollback switches it off and a promotion on: that is told with the move."""
    request = memory.reading.current.alias_request
    if request is None or request.kind != ("rollback" if setting == "off" else "promote"):
        return False
    since = clock.now() - FOLLOWS_WITHIN
    told = memory.acts(identity=f"move {request.identity}", learned_at__gt=since)
    return is_moving_to(memory, request.to_id) or told.exists()


def find_other_events(memory: Memory) -> None:
    for event in memory.events(ONLY_EVENTS):
        kind, target = ONLY_EVENTS[event.kind], event.deployment_id or event.target_id
        if kind == ActKind.DOMAINS and _is_told_with_another(memory, event):
            continue
        memory.tell(NOBODY, kind, f"event {event.id}", target, event.at, event=event, detail=event.detail)


def _is_told_with_another(memory: Memory, event: RemoteEvent) -> bool:
    """A domain that moved with a rollback, a promotion or a new deployment, or whose move has been told."""
    acts = memory.acts(target=event.target_id).exclude(target="")[:20]
    told = any(same_moment(act.happened_at, event.at) for act in acts)
    return told or is_moving_to(memory, event.target_id)
