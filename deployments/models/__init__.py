"""The tables: services, deployments, marks, operations, what came of them, what others did, numbers."""

from deployments.models.commit_mark import CommitMark
from deployments.models.deployment import Deployment
from deployments.models.live_period import LivePeriod
from deployments.models.log_view import LogEntry, LogView
from deployments.models.metric_point import MetricPoint, MetricRollup, MetricSource
from deployments.models.metric_reading import MetricReading
from deployments.models.operation import ACTIVE, ARRANGE, OPERATE, Change, Operation, OperationKind, Reason
from deployments.models.outside_act import ActKind, OutsideAct
from deployments.models.pin import Pin
from deployments.models.provider_status import ProviderStatus, StatusFeed
from deployments.models.service import Service
from deployments.models.verdicts.change_verdict import ChangeVerdict, VerdictTurn
from deployments.models.verdicts.service_blame import ServiceBlame

__all__ = [
    "ACTIVE",
    "ARRANGE",
    "OPERATE",
    "ActKind",
    "Change",
    "ChangeVerdict",
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
    "ServiceBlame",
    "StatusFeed",
    "VerdictTurn",
]
