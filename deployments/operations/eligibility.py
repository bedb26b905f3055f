"""Which deployments can be put in front of users, by which kind of operation, and if not, why not.

Lists and requests use the same functions. A button is shown only where the reason against it is empty.
"""

from __future__ import annotations

from deployments.models import Change, Deployment, OperationKind, Pin, Service
from deployments.models.deployment import RUNNING
from deployments.operations.obstacles import obstacle
from deployments.providers.base import DeploymentStatus

ROLL_BACK_TO_THIS = "Roll back to this"
RENDER, VERCEL = Service.ProviderChoice.RENDER, Service.ProviderChoice.VERCEL


def operation_kind_for(deployment: Deployment) -> OperationKind:
    """PROMOTE for a build that never had all production traffic, ROLL_BACK for everything else."""
    promotes = deployment.staged or is_canary(deployment, deployment.service)
    return OperationKind.PROMOTE if promotes else OperationKind.ROLL_BACK


def is_canary(deployment: Deployment, service: Service) -> bool:
    """Whether it is taking over in a rolling release, which promoting it completes."""
    return service.release is not None and service.release.canary_id == deployment.provider_id


def is_base(deployment: Deployment, service: Service) -> bool:
    """Whether it is what a rolling release replaces, which rolling back to it aborts."""
    return service.release is not None and service.release.base_id == deployment.provider_id


def button_text(deployment: Deployment) -> str:
    if is_canary(deployment, deployment.service):
        return "Complete: everybody to this"
    if is_base(deployment, deployment.service):
        return "Abort: everybody back to this"
    return (
        "Promote to production"
        if operation_kind_for(deployment) == OperationKind.PROMOTE
        else ROLL_BACK_TO_THIS
    )


def cannot_return_reason(deployment: Deployment, service: Service) -> str:
    """Why leaving a rollback cannot bring this deployment back; "" where it can.

    On Vercel it is promoted, so it does not matter here whether Vercel offers it for a rollback.
    """
    return _not_available(deployment, service) or _not_servable(deployment, service)


def cannot_serve_reason(deployment: Deployment, service: Service) -> str:
    """Why its provider cannot put this deployment in front of users, whatever is live; "" where it can."""
    return (
        _not_listed(deployment, service)
        or _not_servable(deployment, service)
        or _not_offered(deployment, service)
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
        or _not_servable(deployment, service)
        or _not_offered(deployment, service)
        or _blocked(deployment, service, active, pin)
    )


def _not_available(deployment: Deployment, service: Service) -> str:
    if deployment.service_id != service.pk:
        return f"belongs to another service than {service.label}"
    if not_listed := _not_listed(deployment, service):
        return not_listed
    if service.missing_since is not None:
        return f"{service.get_provider_display()} no longer lists {service.name}"
    if service.suspended:
        by = f" (by: {service.suspended_by})" if service.suspended_by else ""
        return f"{service.name} is suspended at {service.get_provider_display()}{by}"
    if is_base(deployment, service):
        return ""
    if service.live_id == deployment.pk:
        return "live now"
    if service.live is not None and service.live.origin == deployment.origin:
        return "the same build is live now"
    return ""


def _not_listed(deployment: Deployment, service: Service) -> str:
    gone = deployment.missing_since is not None
    return f"{service.get_provider_display()} no longer lists it" if gone else ""


def _not_servable(deployment: Deployment, service: Service) -> str:
    return (
        obstacle(deployment, service.get_provider_display())
        or _not_built(deployment)
        or _is_preview(deployment)
    )


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
    if deployment.environment:
        return f"built for the environment “{deployment.environment}”, not for production"
    if not deployment.production:
        return "a preview: putting it into production would rebuild it, which the portal refuses"
    return ""


def _not_offered(deployment: Deployment, service: Service) -> str:
    if deployment.staged or is_canary(deployment, service) or is_base(deployment, service):
        return ""
    if service.provider == VERCEL and deployment.can_roll_back is False:
        return "Vercel does not offer it for a rollback"
    if deployment.served is False:
        return "never served production"
    return ""


def _blocked(deployment: Deployment, service: Service, active: Change | None, pin: Pin | None) -> str:
    if active is not None:
        return f"{active.operation.requested_by_name} has an operation under way on {service.short}"
    if pin is not None and pin.rolled_back_from_id == deployment.pk:
        return "rolled back from; leave the rollback to bring it back"
    return ""
