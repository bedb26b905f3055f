"""The signed token of a confirm form, with a snapshot of what the person saw, so that changes are noticed."""

from __future__ import annotations

import uuid
from typing import Any

from django.core import signing

from deployments.models import Deployment, OperationKind, Service
from deployments.models.auto_deploy import AUTO_DEPLOY_TEXT
from deployments.providers.vercel.rolling_release import is_same

SALT = "deployments.plan"


class InvalidPlanToken(Exception):
    """The token is missing, damaged, too old or of another form; `str()` says which. Nothing was started."""


def new_token(
    kind: OperationKind, service: Service, target: Deployment | None, *, keep_auto_deploy_off: bool = False
) -> str:
    """A token for one form: its operation, a new idempotency key and the snapshot of what the person sees."""
    content = {
        "service": service.pk,
        "kind": kind,
        "target": target.pk if target else None,
        "keep_auto_deploy_off": keep_auto_deploy_off,
        "idempotency_key": str(uuid.uuid4()),
        "snapshot": take_snapshot(service),
    }
    return signing.dumps(content, salt=SALT, compress=True)


def read_token(
    token: str,
    kind: OperationKind,
    service: Service,
    target: Deployment | None,
    *,
    keep_auto_deploy_off: bool = False,
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
            "This form arrived incomplete. Nothing was started; look at the plan again."
        ) from None
    form = (service.pk, kind, target.pk if target else None, keep_auto_deploy_off)
    if (read["service"], read["kind"], read["target"], read.get("keep_auto_deploy_off", False)) != form:
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
        "release": service.release.identity if service.release else "",
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
    if None not in (then["pinned"], now["pinned"]) and then["pinned"] != now["pinned"]:
        sentences.append("The pin was set or removed since you opened this.")
    if not is_same(then.get("release", now["release"]), now["release"]):
        sentences.append("A rolling release has started or ended since you opened this.")
    return sentences
