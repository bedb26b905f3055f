"""The tables: services, deployments, marks of commits, operations, pins, and what providers said."""

from deployments.models.commit_mark import CommitMark
from deployments.models.deployment import Deployment
from deployments.models.live_period import LivePeriod
from deployments.models.log_view import LogEntry, LogView
from deployments.models.operation import ACTIVE, ARRANGE, OPERATE, Change, Operation, OperationKind, Reason
from deployments.models.outside_act import ActKind, OutsideAct
from deployments.models.pin import Pin
from deployments.models.provider_status import ProviderStatus
from deployments.models.service import Service

__all__ = [
    "ACTIVE",
    "ARRANGE",
    "OPERATE",
    "ActKind",
    "Change",
    "CommitMark",
    "Deployment",
    "LivePeriod",
    "LogEntry",
    "LogView",
    "Operation",
    "OperationKind",
    "OutsideAct",
    "Pin",
    "ProviderStatus",
    "Reason",
    "Service",
]
