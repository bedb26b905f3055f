"""Reads Vercel's logs: the events of a build, and the runtime logs, which are a stream.

The stream has no filters and no past that is promised: it gives what it gives while the portal listens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments.providers.http import ProviderConnection
from deployments.providers.ids import VERCEL_DEPLOYMENT, VERCEL_PROJECT, checked
from deployments.providers.json_fields import (
    boolean,
    first_nonempty,
    mapping,
    number,
    text,
    timestamp_ms,
    whole_text,
)
from deployments.providers.logs import LogKind, LogLevel, LogLine, LogPage, LogQuery, in_order, level_of

LISTEN_FOR = 5.0  # seconds; the stream of a deployment that serves never ends by itself
STDERR = {"stderr", "fatal"}
NOT_LINES = {"delimiter", "metric", "report", "exit", "deployment-state"}  # events without a text


@dataclass(frozen=True, slots=True)
class VercelLogReader:
    """The logs of the deployments of one team."""

    connection: ProviderConnection

    def read(self, query: LogQuery) -> LogPage:
        """The newest lines of the build, and what the runtime logs give within five seconds."""
        build: list[LogLine] = []
        if query.build_id and query.wants(LogKind.BUILD):
            build = self._build(query)
        runtime: list[LogLine] = []
        if query.deployment_id and (query.wants(LogKind.APP) or query.wants(LogKind.REQUEST)):
            runtime = self._runtime(query)
        lines = [line for line in in_order([*build, *runtime]) if _is_wanted(line, query)]
        most = query.limit
        return LogPage(lines[-most:], len(lines) > most or len(build) >= most or len(runtime) >= most)

    def _build(self, query: LogQuery) -> list[LogLine]:
        """Reference: https://vercel.com/docs/rest-api/reference/endpoints/deployments/get-deployment-events
        (GET /v3/deployments/{idOrUrl}/events)
        """
        path = f"/v3/deployments/{checked(query.build_id, VERCEL_DEPLOYMENT)}/events"
        params = {"direction": "backward", "follow": 0, "limit": query.limit, "builds": 1}
        response = self.connection.get(path, params, bucket="build events")
        rows = response.json_objects()
        return [line for row in reversed(rows) if (line := build_line(row))]

    def _runtime(self, query: LogQuery) -> list[LogLine]:
        """Reference: https://vercel.com/docs/rest-api/reference/endpoints/logs/get-logs-for-a-deployment
        (GET /v1/projects/{projectId}/deployments/{deploymentId}/runtime-logs)
        """
        project = checked(query.service_id, VERCEL_PROJECT)
        deployment = checked(query.deployment_id, VERCEL_DEPLOYMENT)
        path = f"/v1/projects/{project}/deployments/{deployment}/runtime-logs"
        rows = self.connection.stream_json_lines(path, bucket="logs", most=query.limit, seconds=LISTEN_FOR)
        return [line for row in rows if (line := runtime_line(row))]


def build_line(item: Mapping[str, Any]) -> LogLine | None:
    """A line of a build, from either of the two forms of an event; None where it has no time or no text."""
    payload = mapping(item, "payload")
    inner = payload if payload else item
    kind = text(item, "type")
    at = timestamp_ms(inner, "date") or timestamp_ms(item, "created")
    message = whole_text(inner, "text")
    if not at or not message or kind in NOT_LINES:
        return None
    said = text(item, "level")
    level = level_of(said) if said else LogLevel.ERROR if kind in STDERR else LogLevel.INFO
    return LogLine(
        at=at,
        message=message,
        level=level,
        kind=LogKind.BUILD,
        source=text(inner, "info", "name"),
        id=text(inner, "id"),
    )


def runtime_line(item: object) -> LogLine | None:
    """A line of the runtime logs: its message, or where it has none the request that it stands for."""
    at = timestamp_ms(item, "timestampInMs")
    source = text(item, "source")
    if not at or source == "delimiter":
        return None
    status = number(item, "responseStatusCode")
    words = (text(item, name) for name in ("requestMethod", "requestPath", "responseStatusCode"))
    return LogLine(
        at=at,
        message=first_nonempty(whole_text(item, "message"), " ".join(word for word in words if word)),
        level=level_of(text(item, "level"), status),
        kind=LogKind.REQUEST if source == "request" else LogKind.APP,
        source=source,
        id=text(item, "rowId"),
        cut=boolean(item, "messageTruncated") or False,
    )


def _is_wanted(line: LogLine, query: LogQuery) -> bool:
    """Vercel filters nothing by itself."""
    in_time = line.at >= query.since and (query.until is None or line.at <= query.until)
    return in_time and query.wants(line.kind) and (not query.levels or line.level in query.levels)
