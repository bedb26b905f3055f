"""The address of a confirm dialog, and its form as a browser sends it."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from deployments.models import Deployment, Service

HTMX = {"HX-Request": "true"}


def older(service: Service, subject: str = "Fix price rounding") -> Deployment:
    return service.deployments.get(commit_message__startswith=subject)


def address(service: Service, target: Deployment, act: str = "roll-back") -> str:
    return f"/services/{service.slug}/deployments/{target.provider_id}/{act}/"


def token_in(response: Any) -> str:
    found = re.search(r'name="token" value="([^"]+)"', response.content.decode())
    assert found is not None
    return found[1]


def fill(responder: Client, where: str, **fields: str) -> dict[str, str]:
    """The form as the browser would send it."""
    return {
        "token": token_in(responder.get(where)),
        "reason": "errors",
        "words": "500s",
        "incident": "",
        **fields,
    }
