"""Which deployments can be put in front of users, by which act, and if not, why not.

Every row of a list and every request asks here. An empty reason is the only thing that makes a button.
"""

from __future__ import annotations

from deployments.models import Change, Deployment, Kind, Pin, Service
from deployments.models.deployment import RUNNING
from deployments.providers.base import DeploymentStatus

RENDER, VERCEL = Service.Provider.RENDER, Service.Provider.VERCEL


def act_for(deployment: Deployment) -> Kind:
    """A build that never had production traffic is promoted; everything else is rolled back to."""
    return Kind.PROMOTE if deployment.staged else Kind.ROLL_BACK


def button_words(deployment: Deployment) -> str:
    return "Promote to production" if act_for(deployment) == Kind.PROMOTE else "Roll back to this"


def why_not_again(deployment: Deployment, service: Service) -> str:
    """The reason that leaving a rollback cannot bring this deployment back; "" where it can.

    Vercel promotes it, so whether Vercel would roll back to it does not matter here.
    """
    return (
        _never_a_candidate(deployment, service)
        or _unbuilt(deployment)
        or _preview(deployment)
        or _already_there(deployment, service)
    )


def why_not(deployment: Deployment, service: Service, active: Change | None, pin: Pin | None) -> str:
    """The reason that this deployment cannot be put in front of users now; "" where it can.

    Args:
        deployment: the candidate.
        service: its service, with `live` loaded.
        active: the service's running change, if any.
        pin: the service's standing pin, if any.
    """
    return (
        _never_a_candidate(deployment, service)
        or _unbuilt(deployment)
        or _preview(deployment)
        or _not_offered(deployment, service)
        or _already_there(deployment, service)
        or _held(deployment, service, active, pin)
    )


def _never_a_candidate(deployment: Deployment, service: Service) -> str:
    if deployment.service_id != service.pk:
        return f"belongs to another service than {service.label}"
    if deployment.missing_since is not None:
        return f"{service.get_provider_display()} no longer lists it"
    if service.missing_since is not None:
        return f"{service.get_provider_display()} no longer lists {service.name}"
    if service.suspended:
        return f"{service.name} is suspended at {service.get_provider_display()}"
    if service.live_id == deployment.pk:
        return "live now"
    return ""


def _unbuilt(deployment: Deployment) -> str:
    if deployment.status == DeploymentStatus.FAILED:
        return "failed, never served"
    if deployment.status == DeploymentStatus.CANCELED:
        return "canceled, never served"
    if deployment.status in RUNNING:
        return "not built yet"
    if deployment.status == DeploymentStatus.UNKNOWN:
        return f"its status “{deployment.raw_status}” is not known to the portal"
    return ""


def _preview(deployment: Deployment) -> str:
    if not deployment.production:
        return "a preview: putting it into production would rebuild it, which the portal refuses"
    return ""


def _not_offered(deployment: Deployment, service: Service) -> str:
    if deployment.staged:
        return ""
    if service.provider == VERCEL and deployment.can_roll_back is False:
        return "Vercel does not offer it for a rollback"
    if deployment.served is False:
        return "never served production"
    return ""


def _already_there(deployment: Deployment, service: Service) -> str:
    live = service.live
    if live is not None and live.commit_sha and live.commit_sha == deployment.commit_sha:
        return "the same commit is live"
    return ""


def _held(deployment: Deployment, service: Service, active: Change | None, pin: Pin | None) -> str:
    if active is not None:
        return f"{active.operation.requested_by_name} has an operation under way on {service.short}"
    if pin is not None and pin.rolled_back_from_id == deployment.pk:
        return "rolled back from; leave the rollback to bring it back"
    return ""
