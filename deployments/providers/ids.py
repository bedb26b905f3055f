"""Provider ids are checked before they become part of an address that we send an order to."""

from __future__ import annotations

import re

from deployments.providers.base import Refused

RENDER_SERVICE = re.compile(r"(srv|crn)-[A-Za-z0-9_-]{1,64}")
RENDER_DEPLOY = re.compile(r"dep-[A-Za-z0-9_-]{1,64}")
VERCEL_PROJECT = re.compile(r"prj_[A-Za-z0-9_-]{1,64}")
VERCEL_DEPLOYMENT = re.compile(r"dpl_[A-Za-z0-9_-]{1,64}")

NOT_SENT = 0  # the `status` of a Refused that we decided ourselves


def checked(identifier: str, form: re.Pattern[str]) -> str:
    """The identifier as it is. Raises Refused with status 0 where it has another form; nothing was sent."""
    if form.fullmatch(identifier):
        return identifier
    shown = identifier[:40]
    raise Refused(f"{shown!r} is no id of that provider; nothing was sent.", status=NOT_SENT, code="bad_id")
