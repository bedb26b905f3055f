"""The reads of Vercel's REST API: projects, deployments, events, log lines, and what is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deployments.providers.base import (
    Current,
    DeploymentPage,
    LogLine,
    Missing,
    RemoteDeployment,
    RemoteEvent,
    RemoteService,
    Sample,
    Unsupported,
)
from deployments.providers.http import ProviderConnection
from deployments.providers.ids import NOT_SENT, VERCEL_DEPLOYMENT, VERCEL_PROJECT, checked
from deployments.providers.json_fields import text
from deployments.providers.response import ProviderResponse
from deployments.providers.vercel import parse, project_state

PAGE = 100  # the largest page that Vercel gives
MOST_PAGES = 20
STREAM_FOR = 5.0  # seconds; the log stream of a running deployment never ends by itself


@dataclass
class VercelReads:
    """The calls of the client that change nothing."""

    connection: ProviderConnection

    def services(self) -> Sequence[RemoteService]:
        """All projects of the team.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/retrieve-a-list-of-projects
            (GET /v9/projects)
        """
        services: dict[str, RemoteService] = {}
        cursor: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            response = self.connection.get("/v9/projects", {"limit": PAGE, **cursor})
            rows = [row for row in response.json_objects("projects") if text(row, "id")]
            services.update({service.id: service for service in map(parse.service, rows)})
            token = text(response.body, "pagination", "next")
            if not token:
                break
            cursor = {"until" if token.isdigit() else "from": token}  # a time, or a continuation token
        return list(services.values())

    def service(self, service_id: str) -> RemoteService:
        """Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/find-a-project-by-id-or-name"""
        return parse.service(self.read_project(service_id).json_object())

    def deployments(self, service_id: str, *, cursor: str = "", limit: int = PAGE) -> DeploymentPage:
        """One page, newest first and with previews; the limit is clamped to 1 to 100.

        Only this list tells which deployments Vercel would roll back to.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/deployments/list-deployments
            (GET /v7/deployments)
        """
        params = {"projectId": checked(service_id, VERCEL_PROJECT), "limit": min(max(limit, 1), PAGE)}
        if cursor:
            params["until"] = cursor
        response = self.connection.get("/v7/deployments", params, bucket="list")
        rows = [row for row in response.json_objects("deployments") if parse.identity(row)]
        next_cursor = text(response.body, "pagination", "next") if rows else ""
        return DeploymentPage([parse.deployment(row, service_id) for row in rows], next_cursor)

    def deployment(self, service_id: str, deployment_id: str) -> RemoteDeployment:
        """One deployment. Raises Missing for one of another project.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/deployments/get-a-deployment-by-id-or-url
            (GET /v13/deployments/{idOrUrl})
        """
        response = self.connection.get(f"/v13/deployments/{checked(deployment_id, VERCEL_DEPLOYMENT)}")
        row = response.json_object()
        if text(row, "projectId") not in {"", service_id}:
            raise Missing(f"{deployment_id} belongs to another Vercel project.", status=NOT_SENT)
        return parse.deployment(row, service_id)

    def current(self, service_id: str) -> Current:
        """Live is where most production domains point; a `conflict` where `targets.production` disagrees.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/find-a-project-by-id-or-name
        """
        response = self.read_project(service_id)
        return project_state.current(response.json_object(), response.provider_time)

    def events(self, service_id: str, *, since: datetime) -> Sequence[RemoteEvent]:
        """Rollbacks and promotions of the project since then.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/user/list-user-events
            (GET /v3/events)
        """
        params = {
            "types": ",".join(parse.EVENTS),
            "projectIds": checked(service_id, VERCEL_PROJECT),
            "withPayload": "true",
            "since": _rfc3339(since),
            "limit": PAGE,
        }
        events: dict[str, RemoteEvent] = {}
        for _ in range(MOST_PAGES):
            rows = self.connection.get("/v3/events", params, bucket="events").json_objects("events")
            page = [event for row in rows if (event := parse.event(row, service_id))]
            has_new = any(event.id not in events for event in page)
            events.update({event.id: event for event in page})
            if len(rows) < PAGE or not has_new:
                break
            params["until"] = _rfc3339(min(event.at for event in page))
        return list(events.values())

    def logs(self, service_id: str, *, since: datetime, limit: int = PAGE) -> Sequence[LogLine]:
        """What the live deployment has logged since then, oldest first.

        The provider streams without an end, so this reads for five seconds or `limit` lines.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/logs/get-logs-for-a-deployment
            (GET /v1/projects/{projectId}/deployments/{deploymentId}/runtime-logs)
        """
        live = self.current(service_id).live_id
        if not live:
            return []
        path = f"/v1/projects/{checked(service_id, VERCEL_PROJECT)}/deployments"
        path = f"{path}/{checked(live, VERCEL_DEPLOYMENT)}/runtime-logs"
        rows = self.connection.stream_json_lines(path, bucket="logs", most=limit, seconds=STREAM_FOR)
        lines = (line for row in rows if (line := parse.log_line(row)) and line.at >= since)
        return sorted(lines, key=lambda line: line.at)

    def metrics(self, service_id: str, *, since: datetime) -> Sequence[Sample]:
        """Vercel has no metrics API. Raises Unsupported."""
        raise Unsupported("Vercel has no public interface for metrics.")

    def read_project(self, service_id: str) -> ProviderResponse:
        """The response that holds a project, with the last move of its domains.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/find-a-project-by-id-or-name
            (GET /v9/projects/{idOrName}; `rollbackInfo` is undocumented and sent by Vercel's own CLI)
        """
        return self.connection.get(project_path(service_id), {"rollbackInfo": "true"})


def project_path(service_id: str, version: str = "v9") -> str:
    return f"/{version}/projects/{checked(service_id, VERCEL_PROJECT)}"


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def read_failed_aliases(connection: ProviderConnection, service_id: str, kind: str) -> Sequence[str]:
    """The domains that a failed rollback or promotion did not move, from either of the two shapes in use.

    Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects (aliases of the current promote);
        the call for a rollback is undocumented and used by Vercel's own CLI
    """
    params: Mapping[str, Any] = {"failedOnly": "true", "limit": PAGE}
    version = "v9" if kind == "rollback" else "v1"
    response = connection.get(f"{project_path(service_id, version)}/{kind}/aliases", params)
    return project_state.failed_aliases(response.body)
