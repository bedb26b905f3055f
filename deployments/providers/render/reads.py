"""What Render's REST interface shows: services, deploys, events, logs, metrics, and what is live."""

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
from deployments.providers.http import Connection
from deployments.providers.ids import RENDER_DEPLOY, RENDER_SERVICE, checked
from deployments.providers.json_fields import mapping, text
from deployments.providers.render import parse
from deployments.providers.response import Answer

PAGE = 100  # the most that Render gives
MOST_PAGES = 20
MOST_POINTS = 120  # Render answers 500 to a request for too many
RESOLUTIONS = (60, 300, 600, 3600, 21_600, 86_400)  # seconds


@dataclass
class RenderReads:
    """The half of the client that changes nothing."""

    connection: Connection
    owners: dict[str, str] = field(default_factory=dict)  # service id -> owner id, for the logs

    def services(self) -> Sequence[RemoteService]:
        """Reference: https://api-docs.render.com/reference/list-services"""
        found = self._all("/services", {"includePreviews": "false"}, "service")
        services = [parse.service(item) for item in found if not parse.is_preview(item)]
        self.owners.update({service.id: service.owner_id for service in services})
        return services

    def service(self, service_id: str) -> RemoteService:
        return parse.service(self.read_service(service_id).thing())

    def deployments(self, service_id: str, *, cursor: str = "", limit: int = PAGE) -> DeploymentPage:
        """Reference: https://api-docs.render.com/reference/list-deploys

        Render names no author and no "can roll back"; who started a deploy stands in `events`.
        """
        path = f"{service_path(service_id)}/deploys"
        limit = min(max(limit, 1), PAGE)
        found, following = self.page(path, {"limit": limit, "cursor": cursor}, "deploy")
        return DeploymentPage([parse.deployment(item, service_id) for item in found], following)

    def deployment(self, service_id: str, deployment_id: str) -> RemoteDeployment:
        """Reference: https://api-docs.render.com/reference/retrieve-deploy"""
        path = f"{service_path(service_id)}/deploys/{checked(deployment_id, RENDER_DEPLOY)}"
        return parse.deployment(self.connection.get(path).thing(), service_id)

    def current(self, service_id: str) -> Current:
        """Live is what has the status `live`. More than one, or none, is a doubt that is put into words."""
        answer = self.read_service(service_id)
        automatic = parse.automatic(answer.thing())
        shown = self.with_status(service_id, ("live", *parse.RUNNING))
        live = [deploy for deploy in shown if deploy.status is DeploymentStatus.LIVE]
        serving = max(live, key=lambda deploy: deploy.live_from or deploy.created_at, default=None)
        return Current(
            live_id=serving.id if serving else None,
            automatic=automatic,
            pinned=parse.pinned(automatic, serving),
            doubt=parse.doubt(live),
            running=tuple(deploy.id for deploy in shown if deploy.raw_status in parse.RUNNING),
            provider_time=answer.provider_time,
        )

    def events(self, service_id: str, *, since: datetime) -> Sequence[RemoteEvent]:
        """Reference: https://api-docs.render.com/reference/list-events

        The only place that names a rollback's target and who asked for it. Without a start time Render
        shows the last hour alone.
        """
        found = self._all(f"{service_path(service_id)}/events", {"startTime": stamp(since)}, "event")
        return [event for item in found if (event := parse.event(item))]

    def logs(self, service_id: str, *, since: datetime, limit: int = PAGE) -> Sequence[LogLine]:
        """The newest lines since then, oldest first. Reference: https://api-docs.render.com/reference/list-logs"""
        params = {
            "ownerId": self._owner(service_id),
            "resource": checked(service_id, RENDER_SERVICE),
            "startTime": stamp(since),
            "direction": "backward",
            "limit": min(max(limit, 1), PAGE),
        }
        found = self.connection.get("/logs", params).listed("logs")
        return sorted((line for item in found if (line := parse.log_line(item))), key=lambda line: line.at)

    def metrics(self, service_id: str, *, since: datetime) -> Sequence[Sample]:
        """Requests by status code. Reference: https://api-docs.render.com/reference/get-http-requests"""
        params = {
            "resource": checked(service_id, RENDER_SERVICE),
            "aggregateBy": "statusCode",
            "startTime": stamp(since),
            "resolutionSeconds": _resolution(datetime.now(UTC) - since),
        }
        found = self.connection.get("/metrics/http-requests", params).listed()
        return [sample for series in found for sample in parse.samples(series, "statusCode")]

    def read_service(self, service_id: str) -> Answer:
        answer = self.connection.get(service_path(service_id))
        self.owners[service_id] = text(answer.thing(), "ownerId")
        return answer

    def _owner(self, service_id: str) -> str:
        return self.owners.get(service_id) or self.service(service_id).owner_id

    def with_status(self, service_id: str, statuses: Sequence[str]) -> list[RemoteDeployment]:
        path = f"{service_path(service_id)}/deploys"
        found, _ = self.page(path, {"status": list(statuses), "limit": PAGE}, "deploy")
        return [d for item in found if (d := parse.deployment(item, service_id)).raw_status in statuses]

    def page(self, path: str, params: Mapping[str, Any], noun: str) -> tuple[list[Mapping[str, Any]], str]:
        """One page, and the cursor for the one after it: a page that is not full is the last.

        What is listed twice is one thing all the same.
        """
        rows = self.connection.get(
            path, {name: value for name, value in params.items() if value != ""}
        ).listed()
        following = text(rows[-1], "cursor") if len(rows) >= params["limit"] else ""
        found = {text(each, "id"): each for each in (mapping(row, noun) for row in rows)}
        found.pop("", None)
        return list(found.values()), following

    def _all(self, path: str, params: Mapping[str, Any], noun: str) -> list[Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        cursor = ""
        for _ in range(MOST_PAGES):
            page, cursor = self.page(path, {**params, "limit": PAGE, "cursor": cursor}, noun)
            found.update({text(item, "id"): item for item in page})
            if not cursor:
                break
        return list(found.values())


def service_path(service_id: str) -> str:
    return f"/services/{checked(service_id, RENDER_SERVICE)}"


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _resolution(window: timedelta) -> int:
    wanted = math.ceil(window.total_seconds() / MOST_POINTS)
    return next((seconds for seconds in RESOLUTIONS if seconds >= wanted), RESOLUTIONS[-1])
