"""Plain factory functions: each makes one realistic row, and takes any field by name."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha1
from itertools import count
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from deployments.models import (
    Change,
    Deployment,
    Operation,
    OperationKind,
    Pin,
    ProviderStatus,
    Reason,
    Service,
)
from deployments.providers.base import DeploymentStatus
from rollback_portal.accounts.models import User
from rollback_portal.jobs.models import Heartbeat

numbers = count(1)


def ago(**length: float) -> datetime:
    """A time in the past: `ago(minutes=5)`."""
    return timezone.now() - timedelta(**length)


def sha(of: object) -> str:
    """A full commit id that is always the same for the same argument."""
    return sha1(str(of).encode(), usedforsecurity=False).hexdigest()


def person(
    role: str = "responder", name: str = "Ana Ruiz", *, username: str = "", password: str = ""
) -> User:
    """A person with one of the three roles; `role=""` is a person without a role."""
    first, _, last = name.partition(" ")
    user = User.objects.create_user(
        username or f"{first.lower()}{next(numbers)}",
        password=password or None,
        first_name=first,
        last_name=last,
    )
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def service(kind: str = "api", **fields: Any) -> Service:
    """A followed API on Render or a web project on Vercel, named shop-api and shop-web at first."""
    number = next(numbers)
    provider = str(fields.pop("provider", "render" if kind == "api" else "vercel"))
    name = fields.pop(
        "name",
        f"shop-{kind}" if not Service.objects.filter(slug=f"shop-{kind}").exists() else f"{kind}-{number}",
    )
    defaults: dict[str, Any] = {
        "slug": name,
        "provider": provider,
        "provider_id": f"srv-{number:020d}" if provider == "render" else f"prj_{number:024d}",
        "name": name,
        "kind": kind,
        "group": "shop",
        "repository": "https://github.com/example/shop",
        "branch": "main",
        "dashboard_url": f"https://dashboard.example.com/{name}",
        "addresses": [f"https://{name}.example.com"],
        "auto_deploy": "commit" if provider == "render" else "on",
        "pinned": False,
        "synced_at": timezone.now(),
    }
    return Service.objects.create(**{**defaults, **fields})


def deployment(service: Service, subject: str = "Fix price rounding", **fields: Any) -> Deployment:
    """A production deployment that has been live before; its commit id derives from the subject."""
    number, created = next(numbers), fields.get("created_at") or ago(hours=2)
    defaults: dict[str, Any] = {
        "provider_id": f"dep-{number:020d}" if service.provider == "render" else f"dpl_{number:024d}",
        "status": DeploymentStatus.RETIRED if service.provider == "render" else DeploymentStatus.READY,
        "raw_status": "deactivated" if service.provider == "render" else "READY",
        "served": True,
        "can_roll_back": None if service.provider == "render" else True,
        "commit_sha": sha(subject),
        "commit_message": f"{subject} (#807)",
        "author": "Bo Lind",
        "branch": "main",
        "pull_request": "807",
        "trigger": "new_commit" if service.provider == "render" else "git",
        "url": f"https://dashboard.example.com/deployments/{number}",
        "created_at": created,
        "ready_at": created + timedelta(seconds=50),
        "live_until": created + timedelta(hours=1),
        "live_seconds": 3_600,
    }
    return Deployment.objects.create(service=service, **{**defaults, **fields})


def live(service: Service, subject: str = "Faster checkout totals", **fields: Any) -> Deployment:
    """A live deployment; it becomes `service.live`."""
    created = fields.pop("created_at", None) or ago(minutes=14)
    defaults: dict[str, Any] = {
        "status": DeploymentStatus.LIVE if service.provider == "render" else DeploymentStatus.READY,
        "raw_status": "live" if service.provider == "render" else "READY",
        "created_at": created,
        "live_since": created + timedelta(seconds=50),
        "live_until": None,
        "live_seconds": 0,
    }
    made = deployment(service, subject, **{**defaults, **fields})
    service.live = made
    service.save(update_fields=["live"])
    return made


def failed(service: Service, subject: str = "Fix login rate limit", **fields: Any) -> Deployment:
    """A deployment whose build failed: it can never be chosen."""
    defaults = {
        "status": DeploymentStatus.FAILED,
        "raw_status": "build_failed" if service.provider == "render" else "ERROR",
        "served": False,
        "can_roll_back": None,
        "live_until": None,
        "live_seconds": 0,
        "ready_at": None,
    }
    return deployment(service, subject, **{**defaults, **fields})


def operation(kind: str = OperationKind.ROLL_BACK, by: User | None = None, **fields: Any) -> Operation:
    """An operation without its changes."""
    defaults: dict[str, Any] = {
        "kind": kind,
        "reason": "" if kind == OperationKind.LEAVE else Reason.ERRORS,
        "reason_detail": "500s on checkout",
        "incident": "INC-412",
        "requested_by": by,
        "requested_by_name": by.display if by else "Ana Ruiz",
        "requested_by_role": by.role if by else "responder",
        "plan": {"title": "Roll back", "steps": STEPS, "also": [], "commits": []},
    }
    return Operation.objects.create(**{**defaults, **fields})


STEPS = [
    {"status": "pinning", "message": "Switch automatic deploys off", "usually": "1 s"},
    {"status": "sending", "message": "Ask Render to roll back", "usually": "2 s"},
    {"status": "accepted", "message": "Wait until Render has released it", "usually": "55–70 s"},
    {"status": "serving", "message": "Check from outside", "usually": "3 s"},
]


def change(
    service: Service, to: Deployment | None = None, *, status: str = "queued", **fields: Any
) -> Change:
    """One service's part of an operation; the operation is made unless one is given."""
    asked_for = fields.pop("operation", None) or operation()
    defaults: dict[str, Any] = {
        "from_deployment": service.live,
        "to_deployment": to,
        "status_times": {status: timezone.now().isoformat()},
    }
    return Change.objects.create(
        service=service, operation=asked_for, status=status, **{**defaults, **fields}
    )


def pin(service: Service, deployment: Deployment | None = None, **fields: Any) -> Pin:
    """A standing pin; with `change=None` it was made outside the portal."""
    defaults: dict[str, Any] = {
        "deployment": deployment or service.live,
        "pinned_at": ago(minutes=3),
        "pinned_by": "Bo Lind",
        "reason": "checkout button dead",
        "incident": "INC-412",
        "auto_deploy_before": "commit" if service.provider == "render" else "on",
    }
    return Pin.objects.create(service=service, **{**defaults, **fields})


def provider_status(provider: str = "render", **fields: Any) -> ProviderStatus:
    """The status of a provider's last sync: it has just succeeded."""
    return ProviderStatus.objects.create(**{"provider": provider, "synced_at": timezone.now(), **fields})


def heartbeats(*roles: str, at: datetime | None = None) -> None:
    """A heartbeat of each role, by default just now from a worker and a dispatcher."""
    for role in roles or ("worker", "dispatcher"):
        Heartbeat.objects.create(process=f"host:{next(numbers)}", role=role, beat_at=at or timezone.now())
