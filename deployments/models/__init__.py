"""The nouns of the wing: Service, Deployment, Operation, Change, Pin; and how fresh the data is."""

from deployments.models.deployment import Deployment
from deployments.models.live_period import LivePeriod
from deployments.models.operation import ACTIVE, Change, Kind, Operation, Reason
from deployments.models.pin import Pin
from deployments.models.provider_status import ProviderStatus
from deployments.models.service import Service

__all__ = [
    "ACTIVE",
    "Change",
    "Deployment",
    "Kind",
    "LivePeriod",
    "Operation",
    "Pin",
    "ProviderStatus",
    "Reason",
    "Service",
]
