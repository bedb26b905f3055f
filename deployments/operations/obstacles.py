"""Reasons why a build cannot serve, from what its provider says: deleted, expiring, blocked, failed checks.

A page shows the same sentence in place of the button, and an operation that finds out too late ends with it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from django.utils import timezone

from deployments.providers.base import DeploymentStatus
from rollback_portal.text import age, clean_line, duration

GOING = timedelta(hours=24)  # what its provider deletes within this time is no place to go back to


class BuildFacts(Protocol):
    """What a stored deployment and one that has just been read have in common."""

    @property
    def status(self) -> str: ...
    @property
    def staged(self) -> bool: ...
    @property
    def deleted_at(self) -> datetime | None: ...
    @property
    def by_retention(self) -> bool: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def checks(self) -> str: ...
    @property
    def alias_error(self) -> str: ...


def obstacle(build: BuildFacts, provider: str) -> str:
    """Why this build cannot serve, or not for long; "" where nothing speaks against it.

    Failed checks speak only against one that never served: the others have proved more than their checks.
    """
    return _deleted(build, provider) or _going(build, provider) or _not_promotable(build)


def _deleted(build: BuildFacts, provider: str) -> str:
    if build.status == DeploymentStatus.BLOCKED:
        return f"blocked at {provider}"
    if build.status != DeploymentStatus.DELETED:
        return ""
    policy = " by the project's retention policy" if build.by_retention else ""
    when = f" {age(build.deleted_at)} ago" if build.deleted_at else ""
    return f"deleted at {provider}{policy}{when}"


def _going(build: BuildFacts, provider: str) -> str:
    if build.expires_at is None:
        return ""
    left = build.expires_at - timezone.now()
    if left <= timedelta(0):
        return f"its retention at {provider} ended {duration(-left)} ago"
    return f"{provider} deletes it in {duration(left)}" if left < GOING else ""


def _not_promotable(build: BuildFacts) -> str:
    if not build.staged:
        return ""
    if build.checks == "failed":
        return "its checks failed"
    if build.alias_error:
        return f"its domains could not be assigned: {clean_line(build.alias_error, 120)}"
    return ""
