"""What Vercel's REST interface shows: projects, deployments, events, log lines, and what is live."""

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
from deployments.providers.http import Connection
from deployments.providers.ids import NOT_SENT, VERCEL_DEPLOYMENT, VERCEL_PROJECT, checked
from deployments.providers.json_fields import text
from deployments.providers.response import Answer
from deployments.providers.vercel import parse, project_state

PAGE = 100  # the most that Vercel gives
MOST_PAGES = 20
STREAM_FOR = 5.0  # seconds: the log stream of a running deployment never ends by itself


@dataclass
class VercelReads:
    """The half of the client that changes nothing."""

    connection: Connection

    def services(self) -> Sequence[RemoteService]:
        """Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/retrieve-a-list-of-projects"""
        found: dict[str, RemoteService] = {}
        following: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = self.connection.get("/v9/projects", {"limit": PAGE, **following})
            page = [parse.service(item) for item in answer.listed("projects") if text(item, "id")]
            found.update({service.id: service for service in page})
            token = text(answer.body, "pagination", "next")
            if not token:
                break
            following = {"until" if token.isdigit() else "from": token}  # a time, or a continuation token
        return list(found.values())

    def service(self, service_id: str) -> RemoteService:
        return parse.service(self.read_project(service_id).thing())

    def deployments(self, service_id: str, *, cursor: str = "", limit: int = PAGE) -> DeploymentPage:
        """Reference: https://vercel.com/docs/rest-api/reference/endpoints/deployments/list-deployments

        Previews are in it. Only this list says which ones Vercel would roll back to.
        """
        params = {"projectId": checked(service_id, VERCEL_PROJECT), "limit": min(max(limit, 1), PAGE)}
        if cursor:
            params["until"] = cursor
        answer = self.connection.get("/v7/deployments", params, bucket="list")
        found = [item for item in answer.listed("deployments") if parse.identity(item)]
        following = text(answer.body, "pagination", "next") if found else ""
        return DeploymentPage([parse.deployment(item, service_id) for item in found], following)

    def deployment(self, service_id: str, deployment_id: str) -> RemoteDeployment:
        """Reference: https://vercel.com/docs/rest-api/reference/endpoints/deployments/get-a-deployment-by-id-or-url

        Raises Missing for a deployment of another project.
        """
        answer = self.connection.get(f"/v13/deployments/{checked(deployment_id, VERCEL_DEPLOYMENT)}")
        found = answer.thing()
        if text(found, "projectId") not in {"", service_id}:
            raise Missing(f"{deployment_id} belongs to another Vercel project.", status=NOT_SENT)
        return parse.deployment(found, service_id)

    def current(self, service_id: str) -> Current:
        """Live is where most production domains point; where `targets.production` disagrees, a doubt."""
        answer = self.read_project(service_id)
        return project_state.current(answer.thing(), answer.provider_time)

    def events(self, service_id: str, *, since: datetime) -> Sequence[RemoteEvent]:
        """Reference: https://vercel.com/docs/rest-api/reference/endpoints/user/list-user-events"""
        params = {
            "types": ",".join(parse.EVENTS),
            "projectIds": checked(service_id, VERCEL_PROJECT),
            "withPayload": "true",
            "since": _stamp(since),
            "limit": PAGE,
        }
        found: dict[str, RemoteEvent] = {}
        for _ in range(MOST_PAGES):
            rows = self.connection.get("/v3/events", params, bucket="events").listed("events")
            fresh = [event for row in rows if (event := parse.event(row, service_id))]
            is_new = any(event.id not in found for event in fresh)
            found.update({event.id: event for event in fresh})
            if len(rows) < PAGE or not is_new:
                break
            params["until"] = _stamp(min(event.at for event in fresh))
        return list(found.values())

    def logs(self, service_id: str, *, since: datetime, limit: int = PAGE) -> Sequence[LogLine]:
        """What the live deployment logs, oldest first.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/logs/get-logs-for-a-deployment
        It is a stream that goes on, so this reads for five seconds at most.
        """
        live = self.current(service_id).live_id
        if not live:
            return []
        path = f"/v1/projects/{checked(service_id, VERCEL_PROJECT)}/deployments"
        path = f"{path}/{checked(live, VERCEL_DEPLOYMENT)}/runtime-logs"
        found = self.connection.lines(path, bucket="logs", most=limit, seconds=STREAM_FOR)
        lines = (line for item in found if (line := parse.log_line(item)) and line.at >= since)
        return sorted(lines, key=lambda line: line.at)

    def metrics(self, service_id: str, *, since: datetime) -> Sequence[Sample]:
        raise Unsupported("Vercel has no public interface for metrics.")

    def read_project(self, service_id: str) -> Answer:
        """The project, with the last move of its domains (its own command line asks for it in this way)."""
        return self.connection.get(project_path(service_id), {"rollbackInfo": "true"})


def project_path(service_id: str, version: str = "v9") -> str:
    return f"/{version}/projects/{checked(service_id, VERCEL_PROJECT)}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def read_failed_aliases(connection: Connection, service_id: str, kind: str) -> Sequence[str]:
    """The domains that did not move, from either of the two addresses and shapes in use.

    Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects (list aliases of a promotion);
    the one for a rollback is undocumented and used by Vercel's own command line.
    """
    params: Mapping[str, Any] = {"failedOnly": "true", "limit": PAGE}
    version = "v9" if kind == "rollback" else "v1"
    answer = connection.get(f"{project_path(service_id, version)}/{kind}/aliases", params)
    return project_state.failed_aliases(answer.body)
