"""Verifies "already current" responses: they count as success, so the live state must agree."""

from __future__ import annotations

from collections.abc import Callable

from deployments.providers.base import AlreadyCurrent, Current, ProviderError, Refused


def verified(refused: Refused, read_current: Callable[[], Current], deployment_id: str) -> Refused:
    """The error to raise: AlreadyCurrent where the deployment is live, else a Refused that says why not."""
    details = {"code": refused.code, "request_id": refused.request_id}
    try:
        current = read_current()
    except ProviderError as error:
        return Refused(f"{refused} What is live could not be read: {error}", status=refused.status, **details)
    if is_live(current, deployment_id):
        return AlreadyCurrent(str(refused), status=refused.status, **details)
    return Refused(f"{refused} Live is {current.live_id or 'unknown'}.", status=refused.status, **details)


def is_live(current: Current, deployment_id: str) -> bool:
    """Does the deployment serve production? This is the rule by which an order has arrived.

    Each domain that is known to point elsewhere speaks against it. Where the provider names the deployment of
    every domain, they decide; where it leaves one open or lists none, what it calls its production target (or
    live, at Render) has to be this deployment, without a contradiction. During a rolling release no single
    deployment counts as live.
    """
    if current.rolling_release is not None and current.rolling_release.active:
        return False
    pointed_to = {alias.deployment_id for alias in current.aliases}
    if pointed_to - {deployment_id, None}:
        return False
    if pointed_to == {deployment_id}:
        return True
    return (current.target_id or current.live_id) == deployment_id and not current.conflict
