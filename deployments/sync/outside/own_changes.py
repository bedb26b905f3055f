"""Recognises the portal's own acts in a provider's records, by identity. Timestamps never decide.

They only narrow the search: `SAME_DAY` keeps a change of last week from standing for a rollback of today.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from deployments.models import ActKind, Change, OperationKind, OutsideAct, Service
from deployments.providers.auto_deploy import may_be_same
from deployments.providers.base import AliasRequest, OrderRecord, RemoteDeployment
from deployments.providers.vercel.order_progress import is_new as is_new_move
from rollback_portal.jobs import clock

SAME_DAY = timedelta(hours=4)  # clocks that are wrong by an hour in either direction, and a long operation


class Verdict(Enum):
    OUTSIDE = "somebody else did it"
    OURS = "the portal did it"
    WAIT = "the portal may have done it, and does not know yet"
    LATE = "an order of the portal that counts as failed may have arrived late"


class Finding(NamedTuple):
    verdict: Verdict
    change: Change | None = None


NOBODY = Finding(Verdict.OUTSIDE)
KNOWN = Finding(Verdict.OURS)  # told with another act, or older than the first reading


def who_deployed(service: Service, remote: RemoteDeployment, restores: str) -> Finding:
    """Whose deployment is it? `restores` is the one whose build a rollback restored, "" where unknown."""
    named = Change.objects.filter(service=service, provider_ref=remote.id).first()
    if named is not None:
        return Finding(Verdict.OURS, named)
    for change in _sent(
        service, (ActKind.ROLLED_BACK, ActKind.WENT_LIVE), remote.live_from or remote.created_at
    ):
        order = change.order
        if order is None:
            continue
        is_vercel = service.provider == Service.ProviderChoice.VERCEL
        same = remote.id == order.deployment_id if is_vercel else _is_copy(remote, restores, order)
        if same and not change.provider_ref:
            return _judged(change)
    return NOBODY


def _is_copy(remote: RemoteDeployment, restores: str, order: OrderRecord) -> bool:
    """Does this deploy of Render restore the ordered build, and is it none from before the order?"""
    if remote.trigger != "rollback" or remote.id in order.known:
        return False
    return restores == order.deployment_id if restores else remote.commit_sha == order.commit_sha


def who_moved(
    service: Service, kind: str, to_id: str, at: datetime | None, move: AliasRequest | None
) -> Finding:
    """Who moved Vercel's domains? `move` is the project's last move; None where only an event tells of it."""
    word = "rollback" if kind == ActKind.ROLLED_BACK else "promote"
    for change in _sent(service, (ActKind.ROLLED_BACK, ActKind.PROMOTED), at):
        order = change.order
        if order is None or order.deployment_id != to_id:
            continue
        is_new = move is None or is_new_move(move, order)
        if is_new and order.kind in {word, "complete"}:
            return _judged(change)
    return NOBODY


def who_set_auto_deploy(
    service: Service, setting: str, *, at: datetime | None = None, since: datetime | None = None
) -> Change | None:
    """The portal's change that set automatic deployments to this, and has not been recognised yet.

    Args:
        at: when the provider says that it was set.
        since: when the setting was read before, by the portal's own clock.
    """
    for change in _candidates(service, (ActKind.AUTO_DEPLOY,), setting):
        began, ended = change.operation.requested_at, change.ended_at or clock.now()
        if since is not None and ended < since - timedelta(minutes=2):
            continue
        if at is not None and not began - SAME_DAY <= at <= ended + SAME_DAY:
            continue
        if any(may_be_same(setting, written) for written in _written_by(change)):
            return change
    return None


def _written_by(change: Change) -> Iterator[str]:
    """The settings that a change has written: off before a rollback, the earlier one when it is left."""
    passed, rolls_back = change.status_times, change.operation.kind == OperationKind.ROLL_BACK
    if rolls_back and ({"pinning", "accepted", "unclear"} & passed.keys()):
        yield "off"
    if "restoring" in passed:
        yield change.auto_deploy_before
    if not rolls_back and "accepted" in passed:
        yield "on"  # a promotion at Vercel


def _candidates(service: Service, kinds: tuple[str, ...], target: str = "") -> Iterator[Change]:
    """The latest changes for which no such act has been recognised yet."""
    recognised = OutsideAct.objects.filter(service=service, kind__in=kinds, change__isnull=False)
    if target:
        recognised = recognised.filter(target=target)
    changes = Change.objects.filter(service=service).exclude(pk__in=recognised.values("change"))
    yield from changes.select_related("operation", "to_deployment").order_by("-pk")[:20]


def _sent(service: Service, kinds: tuple[str, ...], at: datetime | None) -> Iterator[Change]:
    """Those whose order was sent, not days before or after that time."""
    for change in _candidates(service, kinds):
        if change.order_intent_at is None:
            continue
        ended = change.ended_at or clock.now()
        if at is None or change.order_intent_at - SAME_DAY <= at <= ended + SAME_DAY:
            yield change


def _judged(change: Change) -> Finding:
    """An order that was refused or never left has done nothing, so an act that looks like it is another's."""
    if change.active or change.status == "needs_attention":
        return Finding(Verdict.WAIT, change)
    if "accepted" in change.status_times:
        return Finding(Verdict.OURS, change)
    if "unclear" not in change.status_times:
        return NOBODY
    return Finding(Verdict.OURS if change.status == "succeeded" else Verdict.LATE, change)
