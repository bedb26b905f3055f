"""The world a plan was drawn in, signed: a world that changed meanwhile is shown, not overwritten."""

from __future__ import annotations

import uuid
from typing import Any

from django.core import signing

from deployments.models import Deployment, Kind, Service
from deployments.operations.auto_deploy import AUTOMATIC

SALT = "deployments.plan"


class BadToken(Exception):
    """The form's plan token is missing, damaged or belongs to another form; nothing was started."""


def new_token(kind: Kind, service: Service, target: Deployment | None) -> str:
    """A token for one form: what it is for, its own key, and the world that the person sees."""
    content = {
        "service": service.pk,
        "kind": kind,
        "target": target.pk if target else None,
        "idempotency_key": str(uuid.uuid4()),
        "world": world(service),
    }
    return signing.dumps(content, salt=SALT, compress=True)


def read_token(token: str, kind: Kind, service: Service, target: Deployment | None) -> dict[str, Any]:
    """The token's content, if it was drawn for exactly this form within the last 24 hours."""
    try:
        read: dict[str, Any] = signing.loads(token, salt=SALT, max_age=24 * 60 * 60)
    except signing.SignatureExpired:
        raise BadToken(
            "This form is more than 24 hours old. Nothing was started; look at the plan again."
        ) from None
    except signing.BadSignature:
        raise BadToken("This form did not come whole. Nothing was started; look at the plan again.") from None
    if (read["service"], read["kind"], read["target"]) != (service.pk, kind, target.pk if target else None):
        raise BadToken(
            "This form belongs to another deployment. Nothing was started; look at the plan again."
        )
    return read


def world(service: Service) -> dict[str, Any]:
    """What the person sees of the service, as far as it decides what an operation would do."""
    return {
        "live": service.live.provider_id if service.live else None,
        "live_name": str(service.live) if service.live else "unknown",
        "automatic": service.auto_deploy,
        "pinned": service.pinned,
    }


def differences(then: dict[str, Any], service: Service) -> list[str]:
    """What changed between the drawing of a plan and now, in sentences."""
    now = world(service)
    found = []
    if then["live"] != now["live"]:
        found.append(f"Live was {then['live_name']} when you opened this; now it is {now['live_name']}.")
    if then["automatic"] != now["automatic"]:
        was, is_now = (
            AUTOMATIC.get(then["automatic"], then["automatic"]),
            AUTOMATIC.get(now["automatic"], now["automatic"]),
        )
        found.append(f"Automatic deploys were “{was}” when you opened this; now they are “{is_now}”.")
    if then["pinned"] != now["pinned"]:
        found.append("The pin was set or taken away since you opened this.")
    return found
