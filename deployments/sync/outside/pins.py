"""Makes the standing pin agree with the provider, and saves what only events tell about deployments.

A pin ends only when the setting for automatic deployments has been read and is on, after it was off for the
pin, and no operation waits for a person. Other deployments going live do not end the pin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from deployments.models import ActKind, Change, Deployment, OperationKind, OutsideAct, Pin, Service
from deployments.providers.auto_deploy import may_be_same
from deployments.providers.base import AliasRequest, RemoteEvent
from deployments.sync.outside.memory import Memory, same_moment
from deployments.sync.outside.moves import is_moving_to
from deployments.sync.outside.own_changes import who_set_auto_deploy
from rollback_portal.jobs import clock

TAKES_EFFECT = timedelta(minutes=2)  # a setting that the portal has just written may be read as before
SOMEBODY = "somebody outside the portal"
BY_ITSELF = {"setting_change", "manual_deploy"}  # reasons of Render for "off" that are no rollback


def save_events(service: Service, events: Sequence[RemoteEvent], rows: Mapping[str, Deployment]) -> None:
    """Save what only events tell: who started a deployment, and which one a rollback restored."""
    changes = Change.objects.filter(service=service).exclude(provider_ref="")
    ours = dict(changes.values_list("provider_ref", "operation__requested_by_name"))
    for event in events:
        row = rows.get(event.deployment_id)
        if row is None:
            continue
        before = (row.restores_id, row.started_by, row.outside)
        row.started_by = (ours.get(row.provider_id) or event.actor or row.started_by)[:120]
        if event.kind == "rolled_back":
            target = rows.get(event.target_id)
            row.restores = target if target is not None and target != row else row.restores
            row.outside = row.outside or (service.history_until is None and row.provider_id not in ours)
        if before != (row.restores_id, row.started_by, row.outside):
            row.save(update_fields=["restores", "started_by", "outside"])


def pinned_outside(memory: Memory) -> Pin | None:
    """The pin of a rollback that was made outside the portal, or whose answer the portal lost.

    A pin that a reading ended too early stands again. None where the provider does not say that a rollback
    holds the service, where a pin stands already, where the rollback was left with automatic deployments
    off, and while an operation is under way.
    """
    service = memory.service
    if service.standing_pin is not None or _under_way(service):
        return None
    act = _rollback_in_force(memory)
    if act is None or _was_left(act):
        return None
    pin = act.pin or (Pin.objects.filter(change=act.change).first() if act.change else None)
    if pin is not None and not _stands_again(memory, pin):
        return None
    act.pin = pin or (Pin.objects.stand_for(act.change) if act.change else _pin_of(memory, act))
    act.save(update_fields=["pin"])
    return act.pin


def _rollback_in_force(memory: Memory) -> OutsideAct | None:
    """The rollback that holds the service; None while it is not known yet whose it is, or how it ends."""
    current, live = memory.reading.current, memory.service.live
    is_render = memory.service.provider == Service.ProviderChoice.RENDER
    if is_render and current.auto_deploy == "off" and live is not None:
        return _held_by(memory, None) if live.is_rollback else _rollback_below(memory)
    return _held_by(memory, current.alias_request) if current.pinned else None


def _held_by(memory: Memory, request: AliasRequest | None) -> OutsideAct | None:
    """The act of Render's live deploy, or of Vercel's last move."""
    current = memory.reading.current
    is_move = request is not None and request.kind == "rollback"
    identity = f"move {request.identity}" if request and is_move else f"deploy {current.live_id}"
    act = memory.acts(identity=identity).select_related("change__operation", "change__service").first()
    if act is not None or (request is not None and is_moving_to(memory, request.to_id)):
        return act
    if Change.objects.filter(service=memory.service, status="needs_attention").exists():
        return None
    row, at = memory.service.live, request.requested_at if request and is_move else None
    return OutsideAct.objects.create(
        service=memory.service,
        kind=ActKind.ROLLED_BACK,
        identity=identity,
        target=row.provider_id if row else "",
        actor=row.started_by if row and not is_move else "",
        happened_at=at or (row.live_since if row else None),
        learned_at=clock.now(),
    )


def _rollback_below(memory: Memory) -> OutsideAct | None:
    """At Render, the rollback that switched automatic deployments off before something else went live.

    Where an event gives the rollback as the reason, that is enough; it may come after the deploy or without.
    """
    switched = memory.acts(kind=ActKind.AUTO_DEPLOY).first()
    if switched is None or switched.target != "off" or switched.change_id or switched.reason in BY_ITSELF:
        return None
    if memory.service.pins.filter(released_at__gte=switched.learned_at).exists():
        return None
    said = switched.reason == "rollback"
    rollbacks = memory.service.deployments.filter(Q(restores__isnull=False) | Q(trigger="rollback"))
    for act in memory.acts(target__in=rollbacks.values("provider_id"), change=None)[:20]:
        together = said or abs(act.learned_at - switched.learned_at) <= TAKES_EFFECT
        if together and same_moment(act.happened_at, switched.happened_at):
            return act
    return switched if said else None


def _was_left(act: OutsideAct) -> bool:
    """Whether somebody left this rollback in the portal."""
    leaves = Change.objects.filter(
        service=act.service_id, operation__kind=OperationKind.LEAVE, status="succeeded"
    )
    if act.change_id:
        return leaves.filter(pk__gt=act.change_id).exists()
    return leaves.filter(operation__requested_at__gt=act.learned_at).exists()


def _stands_again(memory: Memory, pin: Pin) -> bool:
    """The setting took effect late, or was read as before: the pin stands again, unless a person set it."""
    switched = memory.acts(kind=ActKind.AUTO_DEPLOY).first()
    if switched is not None and switched.change_id is None and switched.reason in BY_ITSELF:
        return False
    pin.released_at, pin.released_by = None, ""
    pin.save(update_fields=["released_at", "released_by"])
    return True


def _pin_of(memory: Memory, act: OutsideAct) -> Pin:
    service, request = memory.service, memory.reading.current.alias_request
    event = next((e for e in memory.reading.events if e.kind == "rolled_back" and e.id == act.event_id), None)
    from_id = (request.from_id if request else "") or (event.from_id if event else "")
    is_vercel = service.provider == Service.ProviderChoice.VERCEL
    row = service.live if is_vercel else service.deployments.filter(provider_id=act.target).first()
    left = service.deployments.filter(provider_id=from_id).first() if from_id else _live_before(service, row)
    return Pin.objects.stand(
        service,
        deployment=row,
        rolled_back_from=left,
        pinned_at=act.happened_at or memory.reading.at,
        pinned_by=(act.actor or SOMEBODY)[:200],
        reason=event.detail[:250] if event else "",
        auto_deploy_before=_setting_before(memory, act.happened_at),
    )


def _live_before(service: Service, row: Deployment | None) -> Deployment | None:
    """At Render, what was live until the rollback to this one."""
    periods = service.live_periods.select_related("deployment").order_by("-since", "-id")
    if row is not None and row != service.live:
        own = periods.filter(deployment=row).first()
        periods = periods.filter(since__lte=own.since) if own else periods.none()
    two = periods[:2]
    before = [period.deployment for period in two if period.deployment != row]
    return before[0] if len(two) == 2 and len(before) == 1 else None


def _setting_before(memory: Memory, at: datetime | None) -> str:
    """The setting that the rollback switched off; where nothing tells it, the one that was read before."""
    latest = memory.acts(kind=ActKind.AUTO_DEPLOY).first()
    switched_off = latest is not None and latest.target == "off" and latest.reason not in BY_ITSELF
    if latest is not None and switched_off and latest.before and same_moment(latest.happened_at, at):
        return latest.before
    event = next((e for e in memory.reading.events if e.kind == "auto_deploy_off"), None)
    if event is not None and event.reason not in BY_ITSELF and event.detail:
        return event.detail
    was_read = memory.before.auto_deploy
    first = memory.before.synced_at is None
    return "on" if first and memory.service.provider == Service.ProviderChoice.VERCEL else was_read


def released_outside(memory: Memory) -> Pin | None:
    """The pin that ended because automatic deployments were really read as on."""
    service, now = memory.service, memory.reading.at
    pin = service.standing_pin
    if pin is None or memory.reading.current.auto_deploy in {None, "", "off"} or _under_way(service):
        return None
    if not pin.outside and now - pin.pinned_at <= TAKES_EFFECT:
        return None
    if _waits_for_a_person(pin) or not _was_off(memory, pin):
        return None
    own = own_change_that_left(memory, pin)
    acts = memory.acts(kind__in=(ActKind.AUTO_DEPLOY, ActKind.PROMOTED), learned_at__gte=now)
    act = acts.exclude(actor="").first() or acts.first()
    pin.released_at = (act.happened_at if act else None) or now
    pin.released_by = (
        own.operation.requested_by_name if own else ((act.actor if act else "") or SOMEBODY)[:200]
    )
    pin.save(update_fields=["released_at", "released_by"])
    return pin


def _waits_for_a_person(pin: Pin) -> bool:
    """Whether an order may still arrive, which nobody has settled; it takes the pin along."""
    changes = Change.objects.filter(service=pin.service_id, status="needs_attention")
    return changes.filter(ended_at__gte=pin.pinned_at).exists()


def _was_off(memory: Memory, pin: Pin) -> bool:
    """Whether the setting was off since the pin, or since the first one of its chain.

    Without that, "on" does not mean that anybody has switched it on.
    """
    while pin.replaces is not None:
        pin = pin.replaces
    change, since = pin.change, pin.pinned_at
    if change is None or memory.before.auto_deploy == "off" or change.status == "succeeded":
        return True
    checked = "sending" in change.status_times and memory.service.provider == Service.ProviderChoice.RENDER
    return checked or memory.acts(kind=ActKind.AUTO_DEPLOY, target="off", learned_at__gte=since).exists()


def own_change_that_left(memory: Memory, pin: Pin) -> Change | None:
    """The portal's change that switched automatic deployments on; None where somebody else did."""
    setting = memory.reading.current.auto_deploy or ""
    latest = memory.acts(kind=ActKind.AUTO_DEPLOY).select_related("change__operation").first()
    if latest is not None and latest.learned_at >= pin.pinned_at and may_be_same(latest.target, setting):
        return latest.change
    return who_set_auto_deploy(memory.service, setting, since=pin.pinned_at)


def _under_way(service: Service) -> bool:
    """An operation sets and releases pins itself."""
    return Change.objects.active().filter(service=service).exists()
