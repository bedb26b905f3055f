"""The signed token of a confirm form, with a snapshot of what the person saw, so that changes are noticed."""

from __future__ import annotations

import uuid
from typing import Any

from django.core import signing

from deployments.models import Deployment, OperationKind, Service
from deployments.operations.auto_deploy import AUTO_DEPLOY_TEXT

SALT = "deployments.plan"


class InvalidPlanToken(Exception):
    """The token is missing, damaged, too old or of another form; `str()` says which. Nothing was started."""


def new_token(kind: OperationKind, service: Service, target: Deployment | None) -> str:
    """A token for one form: its operation, a new idempotency key and the snapshot of what the person sees."""
    content = {
        "service": service.pk,
        "kind": kind,
        "target": target.pk if target else None,
        "idempotency_key": str(uuid.uuid4()),
        "snapshot": take_snapshot(service),
    }
    return signing.dumps(content, salt=SALT, compress=True)


def read_token(
    token: str, kind: OperationKind, service: Service, target: Deployment | None
) -> dict[str, Any]:
    """The token's content.

    Raises:
        InvalidPlanToken: it was not made for this form within the last 24 hours.
    """
    try:
        read: dict[str, Any] = signing.loads(token, salt=SALT, max_age=24 * 60 * 60)
    except signing.SignatureExpired:
        raise InvalidPlanToken(
            "This form is more than 24 hours old. Nothing was started; look at the plan again."
        ) from None
    except signing.BadSignature:
        raise InvalidPlanToken(
            "This form did not come whole. Nothing was started; look at the plan again."
        ) from None
    if (read["service"], read["kind"], read["target"]) != (service.pk, kind, target.pk if target else None):
        raise InvalidPlanToken(
            "This form belongs to another deployment. Nothing was started; look at the plan again."
        )
    return read


def take_snapshot(service: Service) -> dict[str, Any]:
    """What the person sees of the service, as far as it decides what an operation would do."""
    return {
        "live": service.live.provider_id if service.live else None,
        "live_name": str(service.live) if service.live else "unknown",
        "auto_deploy": service.auto_deploy,
        "pinned": service.pinned,
    }


def differences(then: dict[str, Any], service: Service) -> list[str]:
    """What has changed since the snapshot `then`, in sentences."""
    now = take_snapshot(service)
    sentences = []
    if then["live"] != now["live"]:
        sentences.append(f"Live was {then['live_name']} when you opened this; now it is {now['live_name']}.")
    if then["auto_deploy"] != now["auto_deploy"]:
        was, is_now = (
            AUTO_DEPLOY_TEXT.get(then["auto_deploy"], then["auto_deploy"]),
            AUTO_DEPLOY_TEXT.get(now["auto_deploy"], now["auto_deploy"]),
        )
        sentences.append(f"Automatic deploys were “{was}” when you opened this; now they are “{is_now}”.")
    if then["pinned"] != now["pinned"]:
        sentences.append("The pin was set or taken away since you opened this.")
    return sentences
