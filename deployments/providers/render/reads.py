"""The reads of Render's REST API: services, deploys, events, logs, metrics, and what is live."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.providers.base import (
    Current,
    DeploymentPage,
    DeploymentStatus,
    LogLine,
    RemoteDeployment,
    RemoteEvent,
    RemoteService,
    Sample,
)
from deployments.providers.http import ProviderConnection
from deployments.providers.ids import RENDER_DEPLOY, RENDER_SERVICE, checked
from deployments.providers.json_fields import mapping, text
from deployments.providers.render import parse
from deployments.providers.response import ProviderResponse

PAGE = 100  # the largest page that Render gives
MOST_PAGES = 20
MOST_POINTS = 120  # per series; Render answers 500 where a request would give too many
RESOLUTIONS = (60, 300, 600, 3600, 21_600, 86_400)  # seconds


@dataclass
class RenderReads:
    """The calls of the client that change nothing."""

    connection: ProviderConnection
    owners: dict[str, str] = field(default_factory=dict)  # service id -> owner id, for the logs

    def services(self) -> Sequence[RemoteService]:
        """All services, without the previews.

        Reference: https://api-docs.render.com/reference/list-services (`includePreviews=false`)
        """
        rows = self._all("/services", {"includePreviews": "false"}, "service")
        services = [parse.service(row) for row in rows if not parse.is_preview(row)]
        self.owners.update({service.id: service.owner_id for service in services})
        return services

    def service(self, service_id: str) -> RemoteService:
        """Reference: https://api-docs.render.com/reference/retrieve-service (GET /services/{id})"""
        return parse.service(self.read_service(service_id).json_object())

    def deployments(self, service_id: str, *, cursor: str = "", limit: int = PAGE) -> DeploymentPage:
        """One page, newest first; the limit is clamped to 1 to 100.

        Render gives neither an author nor whether it can roll back; who started a deploy is in `events`.

        Reference: https://api-docs.render.com/reference/list-deploys (GET /services/{id}/deploys)
        """
        path = f"{service_path(service_id)}/deploys"
        limit = min(max(limit, 1), PAGE)
        rows, cursor = self.page(path, {"limit": limit, "cursor": cursor}, "deploy")
        return DeploymentPage([parse.deployment(item, service_id) for item in rows], cursor)

    def deployment(self, service_id: str, deployment_id: str) -> RemoteDeployment:
        """Reference: https://api-docs.render.com/reference/retrieve-deploy"""
        path = f"{service_path(service_id)}/deploys/{checked(deployment_id, RENDER_DEPLOY)}"
        return parse.deployment(self.connection.get(path).json_object(), service_id)

    def current(self, service_id: str) -> Current:
        """What is live is the deploy with status `live`; none or several of them make a `conflict`.

        Reference: https://api-docs.render.com/reference/list-deploys (`status=live`) and `retrieve-service`
        """
        response = self.read_service(service_id)
        auto_deploy = parse.auto_deploy(response.json_object())
        deploys = self.with_status(service_id, ("live", *parse.RUNNING))
        live = [deploy for deploy in deploys if deploy.status is DeploymentStatus.LIVE]
        newest = max(live, key=lambda deploy: deploy.live_from or deploy.created_at, default=None)
        return Current(
            live_id=newest.id if newest else None,
            auto_deploy=auto_deploy,
            pinned=parse.pinned(auto_deploy, newest),
            conflict=parse.conflict(live),
            running=tuple(deploy.id for deploy in deploys if deploy.raw_status in parse.RUNNING),
            provider_time=response.provider_time,
        )

    def events(self, service_id: str, *, since: datetime) -> Sequence[RemoteEvent]:
        """Deploys, rollbacks and changes of automatic deploys since then.

        This is the only place that names a rollback's target and who ordered it. The start time is always
        sent, because without one Render shows the last hour only.

        Reference: https://api-docs.render.com/reference/list-events (GET /services/{id}/events)
        """
        rows = self._all(f"{service_path(service_id)}/events", {"startTime": rfc3339(since)}, "event")
        return [event for row in rows if (event := parse.event(row))]

    def logs(self, service_id: str, *, since: datetime, limit: int = PAGE) -> Sequence[LogLine]:
        """The newest lines since then, oldest first; the limit is clamped to 1 to 100.

        Reference: https://api-docs.render.com/reference/list-logs (GET /logs)
        """
        params = {
            "ownerId": self._owner(service_id),
            "resource": checked(service_id, RENDER_SERVICE),
            "startTime": rfc3339(since),
            "direction": "backward",
            "limit": min(max(limit, 1), PAGE),
        }
        rows = self.connection.get("/logs", params).json_objects("logs")
        return sorted((line for row in rows if (line := parse.log_line(row))), key=lambda line: line.at)

    def metrics(self, service_id: str, *, since: datetime) -> Sequence[Sample]:
        """Requests by status code, in at most 120 points per series.

        Reference: https://api-docs.render.com/reference/get-http-requests (GET /metrics/http-requests)
        """
        params = {
            "resource": checked(service_id, RENDER_SERVICE),
            "aggregateBy": "statusCode",
            "startTime": rfc3339(since),
            "resolutionSeconds": _resolution(datetime.now(UTC) - since),
        }
        rows = self.connection.get("/metrics/http-requests", params).json_objects()
        return [sample for series in rows for sample in parse.samples(series, "statusCode")]

    def read_service(self, service_id: str) -> ProviderResponse:
        """The response that holds one service. Raises Unreadable where there is none in it."""
        response = self.connection.get(service_path(service_id))
        self.owners[service_id] = text(response.json_object(), "ownerId")
        return response

    def _owner(self, service_id: str) -> str:
        return self.owners.get(service_id) or self.service(service_id).owner_id

    def with_status(self, service_id: str, statuses: Sequence[str]) -> list[RemoteDeployment]:
        """The newest 100 deploys with one of these statuses; checked here too, in case Render ignores them.

        Reference: https://api-docs.render.com/reference/list-deploys (`status`)
        """
        path = f"{service_path(service_id)}/deploys"
        rows, _ = self.page(path, {"status": list(statuses), "limit": PAGE}, "deploy")
        deploys = [parse.deployment(row, service_id) for row in rows]
        return [deploy for deploy in deploys if deploy.raw_status in statuses]

    def page(self, path: str, params: Mapping[str, Any], key: str) -> tuple[list[Mapping[str, Any]], str]:
        """The objects under `key` in one page, and the cursor of the next one, "" where this is the last.

        An object that is listed twice is returned once.

        Reference: https://api-docs.render.com/reference/pagination
        """
        sent = {name: value for name, value in params.items() if value != ""}
        rows = self.connection.get(path, sent).json_objects()
        cursor = text(rows[-1], "cursor") if len(rows) >= params["limit"] else ""
        by_id = {text(item, "id"): item for item in (mapping(row, key) for row in rows)}
        by_id.pop("", None)
        return list(by_id.values()), cursor

    def _all(self, path: str, params: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        by_id: dict[str, Mapping[str, Any]] = {}
        cursor = ""
        for _ in range(MOST_PAGES):
            page, cursor = self.page(path, {**params, "limit": PAGE, "cursor": cursor}, key)
            by_id.update({text(item, "id"): item for item in page})
            if not cursor:
                break
        return list(by_id.values())


def service_path(service_id: str) -> str:
    return f"/services/{checked(service_id, RENDER_SERVICE)}"


def rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _resolution(window: timedelta) -> int:
    wanted = math.ceil(window.total_seconds() / MOST_POINTS)
    return next((seconds for seconds in RESOLUTIONS if seconds >= wanted), RESOLUTIONS[-1])
