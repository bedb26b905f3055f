"""The reads of Vercel's REST API: projects, deployments, events, log lines, and what is live."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from deployments.providers.base import (
    Current,
    DeploymentPage,
    Metric,
    Missing,
    ProviderError,
    RemoteDeployment,
    RemoteEvent,
    RemoteService,
    Sample,
    Unsupported,
)
from deployments.providers.http import ProviderConnection
from deployments.providers.ids import NOT_SENT, VERCEL_DEPLOYMENT, VERCEL_PROJECT, checked
from deployments.providers.json_fields import text, timestamp_ms, value_at
from deployments.providers.logs import LogPage, LogQuery
from deployments.providers.response import ProviderResponse
from deployments.providers.vercel import events, parse, project_state, rolling_release
from deployments.providers.vercel.logs import VercelLogReader

PAGE = 100  # the largest page that Vercel gives
MOST_PAGES = 20
TEAM = re.compile(r"team_[A-Za-z0-9_-]{1,64}")
SLUG = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass
class VercelReads:
    """The calls of the client that change nothing."""

    connection: ProviderConnection
    scopes: dict[str, str] = field(default_factory=dict)  # id of a team -> its slug

    def services(self) -> Sequence[RemoteService]:
        """All projects of the team. `from` takes a time or a continuation token, whichever `next` was.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/retrieve-a-list-of-projects
            (GET /v10/projects)
        """
        projects: dict[str, Mapping[str, Any]] = {}
        token = ""
        for _ in range(MOST_PAGES):
            params = {"limit": PAGE, **({"from": token} if token else {})}
            response = self.connection.get("/v10/projects", params)
            projects.update({text(row, "id"): row for row in response.json_objects("projects")})
            before, token = token, text(response.body, "pagination", "next")
            if not token or token == before:
                break
        projects.pop("", None)
        scopes = {text(row, "accountId"): self._scope(text(row, "accountId")) for row in projects.values()}
        return [parse.service(row, scopes[text(row, "accountId")]) for row in projects.values()]

    def service(self, service_id: str) -> RemoteService:
        """Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/find-a-project-by-id-or-name"""
        row = self.read_project(service_id).json_object()
        return parse.service(row, self._scope(text(row, "accountId")))

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
        whole = len(rows) == len(value_at(response.body, "deployments"))
        return DeploymentPage([parse.deployment(row, service_id) for row in rows], next_cursor, whole)

    def deployment(self, service_id: str, deployment_id: str) -> RemoteDeployment:
        """One deployment. Raises Missing for one of another project.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/deployments/get-a-deployment-by-id-or-url
            (GET /v13/deployments/{idOrUrl})
        """
        response = self.connection.get(f"/v13/deployments/{checked(deployment_id, VERCEL_DEPLOYMENT)}")
        row = response.json_object(deployment_id)
        if text(row, "projectId") not in {"", service_id}:
            raise Missing(f"{deployment_id} belongs to another Vercel project.", status=NOT_SENT)
        return parse.deployment(row, service_id)

    def current(self, service_id: str) -> Current:
        """Live is where most production domains point; a `conflict` where `targets.production` disagrees.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/find-a-project-by-id-or-name
        """
        return self.state_of(self.read_project(service_id))

    def current_from(self, service: RemoteService, deployments: Sequence[RemoteDeployment]) -> Current | None:
        """None: the project itself tells more than the list, and Vercel's limits leave room to ask it."""

    def events(self, service_id: str, *, since: datetime) -> Sequence[RemoteEvent]:
        """Rollbacks, promotions and changed settings, domains and variables of the project since then.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/user/list-user-events
            (GET /v3/events)
        """
        params = {
            "types": ",".join(events.TYPES),
            "projectIds": checked(service_id, VERCEL_PROJECT),
            "withPayload": "true",
            "since": _rfc3339(since),
            "limit": PAGE,
        }
        found: dict[str, RemoteEvent] = {}
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            response = self.connection.get("/v3/events", params, bucket="events")
            rows = response.json_objects("events")
            page = [event for row in rows if (event := events.event(row, service_id))]
            times = [at for row in rows if (at := timestamp_ms(row, "createdAt"))]
            if rows and not (times and any(text(row, "type") for row in rows)):
                raise response.unexpected("a list of events with a type and a time")
            has_new = any(text(row, "id") not in seen for row in rows)
            seen.update(text(row, "id") for row in rows)
            found.update({event.id: event for event in page})
            if len(rows) < PAGE or not has_new or not times:
                break
            params["until"] = _rfc3339(min(times))
        return list(found.values())

    def logs(self, query: LogQuery) -> LogPage:
        """See `VercelLogReader.read`."""
        return VercelLogReader(self.connection).read(query)

    def metrics(
        self, service_id: str, metric: Metric, *, since: datetime, until: datetime
    ) -> Sequence[Sample]:
        """Raises Unsupported: what the CLI and Observability Plus ask for metrics is not documented."""
        raise Unsupported("Vercel has no public interface for metrics.")

    def read_project(self, service_id: str) -> ProviderResponse:
        """The response that holds a project, with the last move of its domains.

        Raises Unreadable where it holds another one.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/find-a-project-by-id-or-name
            (GET /v9/projects/{idOrName}; `rollbackInfo` is undocumented and sent by Vercel's own CLI)
        """
        response = self.connection.get(project_path(service_id), {"rollbackInfo": "true"})
        response.json_object(service_id)
        return response

    def state_of(self, response: ProviderResponse, *, during_release: bool = False) -> Current:
        """What a project says of itself, with its rolling release where it may have one.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/rolling-release
            (GET /v1/projects/{idOrName}/rolling-release)
        """
        current, project = self._domains_of(response), response.json_object()
        if not (during_release or rolling_release.may_be_under_way(project)):
            return current
        try:
            path = f"{project_path(text(project, 'id'), 'v1')}/rolling-release"
            return rolling_release.with_release(
                current, rolling_release.parse(self.connection.get(path).body)
            )
        except ProviderError:
            return replace(current, release_known=False)

    def _domains_of(self, response: ProviderResponse) -> Current:
        """What a project says of itself; where it leaves its domains open, the list of aliases helps.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/aliases/list-aliases (GET /v4/aliases)
            and list-deployment-aliases (GET /v2/deployments/{id}/aliases)
        """
        project = response.json_object()
        current = project_state.current(project, response.provider_time)
        if not project_state.leaves_domains_open(current):
            return current
        try:
            params = {"projectId": text(project, "id"), "limit": PAGE}
            listed = self.connection.get("/v4/aliases", params).json_objects("aliases")
        except ProviderError:
            listed = self._aliases_of(current.target_id)
        return project_state.current(project, response.provider_time, listed)

    def _aliases_of(self, deployment_id: str | None) -> list[Mapping[str, Any]]:
        """The aliases of one deployment, in the form of the list of all; none where they cannot be read."""
        if not deployment_id or not VERCEL_DEPLOYMENT.fullmatch(deployment_id):
            return []
        try:
            response = self.connection.get(f"/v2/deployments/{deployment_id}/aliases")
            return [{**row, "deploymentId": deployment_id} for row in response.json_objects("aliases")]
        except ProviderError:
            return []

    def _scope(self, account_id: str) -> str:
        """The name of a team in the addresses of Vercel's dashboard; "" where it cannot be read.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/teams/get-a-team
            (GET /v2/teams/{teamId})
        """
        if account_id not in self.scopes and TEAM.fullmatch(account_id):
            try:
                team = self.connection.get(f"/v2/teams/{account_id}").json_object()
                self.scopes[account_id] = text(team, "slug") if SLUG.fullmatch(text(team, "slug")) else ""
            except ProviderError:
                return ""
        return self.scopes.get(account_id, "")


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
