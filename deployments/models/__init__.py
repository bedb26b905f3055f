"""The tables: services, deployments, marks, operations, what others did, and what was measured."""

from deployments.models.commit_mark import CommitMark
from deployments.models.deployment import Deployment
from deployments.models.live_period import LivePeriod
from deployments.models.log_view import LogEntry, LogView
from deployments.models.metric_point import MetricPoint, MetricRollup, MetricSource
from deployments.models.metric_reading import MetricReading
from deployments.models.operation import ACTIVE, ARRANGE, OPERATE, Change, Operation, OperationKind, Reason
from deployments.models.outside_act import ActKind, OutsideAct
from deployments.models.pin import Pin
from deployments.models.provider_status import ProviderStatus
from deployments.models.service import Service
from deployments.models.status_feed import StatusFeed

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
    "MetricPoint",
    "MetricReading",
    "MetricRollup",
    "MetricSource",
    "Operation",
    "OperationKind",
    "OutsideAct",
    "Pin",
    "ProviderStatus",
    "Reason",
    "Service",
    "StatusFeed",
]
