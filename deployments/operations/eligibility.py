"""Which deployments can be put in front of users, by which kind of operation, and if not, why not.

Lists and requests use the same functions. A button is shown only where the reason against it is empty.
"""

from __future__ import annotations

from deployments.models import Change, Deployment, OperationKind, Pin, Service
from deployments.models.deployment import RUNNING
from deployments.providers.base import DeploymentStatus

RENDER, VERCEL = Service.ProviderChoice.RENDER, Service.ProviderChoice.VERCEL


def operation_kind_for(deployment: Deployment) -> OperationKind:
    """PROMOTE for a build that never had production traffic, ROLL_BACK for everything else."""
    return OperationKind.PROMOTE if deployment.staged else OperationKind.ROLL_BACK


def button_text(deployment: Deployment) -> str:
    return (
        "Promote to production"
        if operation_kind_for(deployment) == OperationKind.PROMOTE
        else "Roll back to this"
    )


def cannot_return_reason(deployment: Deployment, service: Service) -> str:
    """Why leaving a rollback cannot bring this deployment back; "" where it can.

    On Vercel it is promoted, so it does not matter here whether Vercel offers it for a rollback.
    """
    return (
        _not_available(deployment, service)
        or _not_built(deployment)
        or _is_preview(deployment)
        or _same_commit(deployment, service)
    )


def ineligible_reason(
    deployment: Deployment, service: Service, active: Change | None, pin: Pin | None
) -> str:
    """Why this deployment cannot be put in front of users now; "" where it can.

    Args:
        deployment: the candidate.
        service: its service, with `live` loaded.
        active: the service's running change, if any.
        pin: the service's standing pin, if any.
    """
    return (
        _not_available(deployment, service)
        or _not_built(deployment)
        or _is_preview(deployment)
        or _not_offered(deployment, service)
        or _same_commit(deployment, service)
        or _blocked(deployment, service, active, pin)
    )


def _not_available(deployment: Deployment, service: Service) -> str:
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


def _not_built(deployment: Deployment) -> str:
    if deployment.status == DeploymentStatus.FAILED:
        return "failed, never served"
    if deployment.status == DeploymentStatus.CANCELED:
        return "canceled, never served"
    if deployment.status in RUNNING:
        return "not built yet"
    if deployment.status == DeploymentStatus.UNKNOWN:
        return f"its status “{deployment.raw_status}” is not known to the portal"
    return ""


def _is_preview(deployment: Deployment) -> str:
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


def _same_commit(deployment: Deployment, service: Service) -> str:
    live = service.live
    if live is not None and live.commit_sha and live.commit_sha == deployment.commit_sha:
        return "the same commit is live"
    return ""


def _blocked(deployment: Deployment, service: Service, active: Change | None, pin: Pin | None) -> str:
    if active is not None:
        return f"{active.operation.requested_by_name} has an operation under way on {service.short}"
    if pin is not None and pin.rolled_back_from_id == deployment.pk:
        return "rolled back from; leave the rollback to bring it back"
    return ""
