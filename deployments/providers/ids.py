"""Checks provider ids before they become part of a URL that an order is sent to."""

from __future__ import annotations

import re

from deployments.providers.base import Refused

RENDER_SERVICE = re.compile(r"(srv|crn)-[A-Za-z0-9_-]{1,64}")
RENDER_DEPLOY = re.compile(r"dep-[A-Za-z0-9_-]{1,64}")
VERCEL_PROJECT = re.compile(r"prj_[A-Za-z0-9_-]{1,64}")
VERCEL_DEPLOYMENT = re.compile(r"dpl_[A-Za-z0-9_-]{1,64}")

NOT_SENT = 0  # the `status` of a Refused that the portal decided itself


def checked(identifier: str, pattern: re.Pattern[str]) -> str:
    """Return the identifier. Raises Refused with status NOT_SENT where it does not match the pattern."""
    if pattern.fullmatch(identifier):
        return identifier
    shown = identifier[:40]
    raise Refused(f"{shown!r} is no id of that provider; nothing was sent.", status=NOT_SENT, code="bad_id")
