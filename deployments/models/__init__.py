"""The nouns of the wing: Service, Deployment, Operation, Change, Pin; and how fresh the data is."""

from deployments.models.deployment import Deployment
from deployments.models.operation import ACTIVE, Change, Kind, Operation, Reason
from deployments.models.pin import Pin
from deployments.models.presence import Heartbeat, Schedule
from deployments.models.reading import Reading
from deployments.models.service import Service
from deployments.models.serving import Serving

__all__ = [
    "ACTIVE",
    "Change",
    "Deployment",
    "Heartbeat",
    "Kind",
    "Operation",
    "Pin",
    "Reading",
    "Reason",
    "Schedule",
    "Service",
    "Serving",
]
