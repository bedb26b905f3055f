"""Moves of Vercel's production domains: rollbacks, promotions, and single domains pointed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from deployments.models import ActKind, Change
from deployments.providers.base import AliasRequest, RemoteEvent
from deployments.sync.fit import fits
from deployments.sync.outside.memory import HISTORY, Memory, same_moment
from deployments.sync.outside.own_changes import KNOWN, NOBODY, who_moved
from rollback_portal.jobs import clock

AT_WORK = {"pending", "in-progress"}
MOVES = {"rollback": ActKind.ROLLED_BACK, "promote": ActKind.PROMOTED}
MOVE_EVENTS = {"rolled_back": ActKind.ROLLED_BACK, "promoted": ActKind.PROMOTED}
JUST_ARRIVED = timedelta(minutes=10)  # until all domains have followed a new deployment


def find_moves(memory: Memory) -> None:
    """The project shows only its last move; events tell of earlier ones, and who made them."""
    request = memory.reading.current.alias_request
    if request is not None and request.kind in MOVES and request.status not in AT_WORK:
        _last_move(memory, request)
    for event in memory.events(MOVE_EVENTS):
        kind, target = MOVE_EVENTS[event.kind], event.target_id
        if event.deployment_id or is_moving_to(memory, target):
            continue
        if memory.attach(event, memory.acts(kind=kind, target=target)):
            continue
        finding = who_moved(memory.service, kind, target, event.at, None)
        memory.tell(finding, kind, f"event {event.id}", target, event.at, event=event)


def is_moving_to(memory: Memory, deployment_id: str) -> bool:
    """Whether a move there is still under way, so that nothing can be said of it yet."""
    request = memory.reading.current.alias_request
    return request is not None and request.status in AT_WORK and request.to_id == deployment_id


def _last_move(memory: Memory, request: AliasRequest) -> None:
    kind, identity, at = MOVES[request.kind], f"move {request.identity}", request.requested_at
    if memory.knows(identity) or memory.is_history(at):
        return
    for act in memory.acts(kind=kind, target=request.to_id, identity__startswith="event ")[:20]:
        if same_moment(act.happened_at, at):
            memory.acts(pk=act.pk).update(identity=identity)
            return
    finding = who_moved(memory.service, kind, request.to_id, at, request)
    said = "" if request.status == "succeeded" else f"Vercel calls this move “{request.status}”."
    event = event_of(memory, request)
    memory.tell(finding, kind, identity, request.to_id, at, event=event, detail=said)


def event_of(memory: Memory, request: AliasRequest) -> RemoteEvent | None:
    events = memory.events([word for word, kind in MOVE_EVENTS.items() if kind == MOVES[request.kind]])
    near = [e for e in events if e.target_id == request.to_id and same_moment(e.at, request.requested_at)]
    return near[-1] if near else None


# --- Domains that were moved by hand ---


@dataclass(frozen=True, slots=True)
class Targets:
    """Where each domain points, and the last move of all domains at that time."""

    move: str
    domains: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        return {"move": self.move, "domains": dict(self.domains)}


def find_domain_moves(memory: Memory) -> None:
    """Domains that point elsewhere than before, which no move of them all and no new deployment explains."""
    request = memory.reading.current.alias_request
    at_work = request is not None and request.status in AT_WORK
    if at_work or Change.objects.active().filter(service=memory.service).exists():
        return
    before, now = _known_targets(memory), _targets(memory)
    settled = dict(now.domains)
    if before is not None:
        explained = _explained(memory, before)
        for target, domains in _moved(before, now).items():
            if _is_taking_over(memory, target):
                settled |= {domain: before.domains[domain] for domain in domains}
            elif target not in explained:
                _tell_domains(memory, target, domains)
    stored = Targets(now.move, settled).as_json()
    if stored != memory.service.domain_targets:
        memory.service.domain_targets = stored
        memory.service.save(update_fields=["domain_targets"])


def _known_targets(memory: Memory) -> Targets | None:
    stored = memory.service.domain_targets
    return Targets(stored["move"], stored["domains"]) if stored else None


def _targets(memory: Memory) -> Targets:
    """Where each domain points. One that Vercel omits in this response is assumed unchanged."""
    current, before = memory.reading.current, _known_targets(memory)
    known = before.domains if before else {}
    pointed = {alias.domain: alias.deployment_id or known.get(alias.domain, "") for alias in current.aliases}
    request = current.alias_request
    usable = {domain: target for domain, target in pointed.items() if fits(target)}
    return Targets(request.identity if request else "", usable)


def _moved(before: Targets, now: Targets) -> dict[str, list[str]]:
    moved: dict[str, list[str]] = {}
    for domain, target in now.domains.items():
        if before.domains.get(domain, target) != target:
            moved.setdefault(target, []).append(domain)
    return moved


def _explained(memory: Memory, before: Targets) -> set[str]:
    request, since = memory.reading.current.alias_request, clock.now() - JUST_ARRIVED
    arrived = memory.acts(kind=ActKind.WENT_LIVE, learned_at__gt=since).exclude(reason=HISTORY)
    explained = set(arrived.values_list("target", flat=True))
    if request is not None and request.identity != before.move:
        explained.add(request.to_id)
    return explained


def _is_taking_over(memory: Memory, target: str) -> bool:
    """Whether a new build may be taking the domains over right now, one after the other."""
    row = memory.rows.get(target)
    is_new = row is not None and row.production and not row.staged and row.served is not True
    return is_new and target != memory.reading.current.live_id


def _tell_domains(memory: Memory, target: str, domains: list[str]) -> None:
    events = [event for event in memory.events({"domain_changed"}) if event.target_id == target]
    event = events[-1] if events else None
    at = event.at if event else memory.reading.at
    identity = f"domains {target} {memory.reading.at.isoformat()}"
    memory.tell(
        NOBODY, ActKind.DOMAINS, identity, target, at, event=event, detail=", ".join(sorted(domains)[:5])
    )
    for other in events[:-1]:
        memory.tell(KNOWN, ActKind.DOMAINS, f"event {other.id}", target, other.at, event=other)
