"""Saves what a reading tells of acts outside the portal, in the transaction that saves the reading."""

from __future__ import annotations

from collections.abc import Mapping

from deployments.models import ActKind, Deployment, Service
from deployments.providers.base import RemoteDeployment
from deployments.providers.json_fields import EPOCH
from deployments.sync.fit import usable
from deployments.sync.outside.memory import HISTORY, Before, Memory
from deployments.sync.outside.moves import MOVE_EVENTS, MOVES, event_of, find_domain_moves, find_moves
from deployments.sync.outside.own_changes import KNOWN
from deployments.sync.outside.pins import pinned_outside, released_outside
from deployments.sync.outside.settings import (
    ONLY_EVENTS,
    find_auto_deploy,
    find_other_events,
    setting_change,
)
from deployments.sync.outside.telling import Teller
from deployments.sync.outside.went_live import find_deployments
from deployments.sync.reading import ServiceReading

KINDS = {
    **MOVE_EVENTS,
    **ONLY_EVENTS,
    "auto_deploy_off": ActKind.AUTO_DEPLOY,
    "auto_deploy_on": ActKind.AUTO_DEPLOY,
}


def save_outside(
    service: Service, before: Before, reading: ServiceReading, rows: Mapping[str, Deployment]
) -> None:
    """Remember and tell the acts of a reading, and make the pin agree with them.

    Args:
        service: locked, with the reading's state saved.
        before: what was known before.
        rows: the deployments that the reading names, by the provider's ids.
    """
    memory = Memory(service, before, reading, rows)
    if service.history_until is None:
        _begin(memory)
    else:
        find_moves(memory)
        find_deployments(memory)
        find_domain_moves(memory)
        find_auto_deploy(memory)
        find_other_events(memory)
    released = released_outside(memory)
    Teller(memory, pinned_outside(memory), released).tell()


def _begin(memory: Memory) -> None:
    """The first reading: what is there is history. Recent acts are stored by identity."""
    reading, request = memory.reading, memory.reading.current.alias_request
    times = [remote.live_from for remote in reading.deployments]
    times += [request.requested_at if request else None]
    memory.service.history_until = max((at for at in times if at and usable(at)), default=EPOCH)
    memory.service.save(update_fields=["history_until"])
    if request is not None and request.kind in MOVES:
        kind, identity, event = MOVES[request.kind], f"move {request.identity}", event_of(memory, request)
        memory.tell(KNOWN, kind, identity, request.to_id, request.requested_at, event=event)
    for remote in reading.deployments:
        if remote.id in memory.rows and (remote.live_from or remote.id == reading.current.live_id):
            _remember_deployment(memory, remote)
    find_domain_moves(memory)
    for event in memory.events(KINDS):
        kind, target, said = KINDS[event.kind], event.target_id, {}
        if kind == ActKind.AUTO_DEPLOY:
            target, before = setting_change(event)
            said = {"reason": event.reason, "before": before}
        if event.kind in ONLY_EVENTS or not event.deployment_id:
            memory.tell(KNOWN, kind, f"event {event.id}", target, event.at, event=event, **said)


def _remember_deployment(memory: Memory, remote: RemoteDeployment) -> None:
    if not memory.is_history(remote.live_from):
        identity = f"deploy {remote.id}"
        memory.tell(KNOWN, ActKind.WENT_LIVE, identity, remote.id, remote.live_from, reason=HISTORY)
