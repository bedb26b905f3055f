"""A provider's "that is current already" counts as a success, so it is believed only after looking."""

from __future__ import annotations

from collections.abc import Callable

from deployments.providers.base import AlreadyCurrent, Current, ProviderError, Refused


def confirmed(refused: Refused, look: Callable[[], Current], deployment_id: str) -> Refused:
    """AlreadyCurrent where `look` finds it in front of users, else a Refused that says why not."""
    facts = {"code": refused.code, "request_id": refused.request_id}
    try:
        current = look()
    except ProviderError as error:
        return Refused(f"{refused} What is live could not be read: {error}", status=refused.status, **facts)
    if serves(current, deployment_id):
        return AlreadyCurrent(str(refused), status=refused.status, **facts)
    return Refused(f"{refused} Live is {current.live_id or 'unknown'}.", status=refused.status, **facts)


def serves(current: Current, deployment_id: str) -> bool:
    """Is it the one in front of users, on every production domain where the provider lists them?"""
    if current.aliases:
        return all(alias.deployment_id == deployment_id for alias in current.aliases)
    return current.live_id == deployment_id and not current.doubt
