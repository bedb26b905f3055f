"""The reads of Render's REST API: services, deploys, events, logs, metrics, and what is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deployments.providers.base import (
    Current,
    DeploymentPage,
    DeploymentStatus,
    Metric,
    RemoteDeployment,
    RemoteEvent,
    RemoteService,
    Sample,
    Unreadable,
)
from deployments.providers.http import ProviderConnection
from deployments.providers.ids import RENDER_DEPLOY, RENDER_SERVICE, checked
from deployments.providers.json_fields import mapping, text, timestamp
from deployments.providers.logs import LogPage, LogQuery
from deployments.providers.render import events, parse
from deployments.providers.render.logs import RenderLogReader
from deployments.providers.render.metrics import read_metric
from deployments.providers.render.service_details import ServiceDetails
from deployments.providers.response import ProviderResponse
from deployments.providers.times import rfc3339

PAGE = 100  # the largest page that Render gives
MOST_PAGES = 20


@dataclass(frozen=True, slots=True)
class Page:
    """The objects of one page, the cursor of the next one or "", and whether each object could be read."""

    rows: list[Mapping[str, Any]]
    next: str
    whole: bool


@dataclass
class RenderReads:
    """The calls of the client that change nothing."""

    connection: ProviderConnection
    owners: dict[str, str] = field(default_factory=dict)  # service id -> owner id, for the logs
    service_details: ServiceDetails = field(init=False)

    def __post_init__(self) -> None:
        self.service_details = ServiceDetails(self.connection)

    def services(self) -> Sequence[RemoteService]:
        """All services, without the previews.

        Reference: https://api-docs.render.com/reference/list-services (`includePreviews=false`)
        """
        rows = self._all("/services", {"includePreviews": "false"}, "service")
        rows = [row for row in rows if not parse.is_preview(row)]
        self.service_details.begin()
        self.service_details.read_environments(text(row, "environmentId") for row in rows)
        services = [self._service(row) for row in rows]
        self.owners.update({service.id: service.owner_id for service in services})
        return services

    def service(self, service_id: str) -> RemoteService:
        """Reference: https://api-docs.render.com/reference/retrieve-service (GET /services/{id})"""
        self.service_details.begin()
        return self._service(self.read_service(service_id).json_object())

    def deployments(self, service_id: str, *, cursor: str = "", limit: int = PAGE) -> DeploymentPage:
        """One page, newest first; the limit is clamped to 1 to 100.

        Render gives neither an author nor whether it can roll back; who started a deploy is in `events`.

        Reference: https://api-docs.render.com/reference/list-deploys (GET /services/{id}/deploys)
        """
        path = f"{service_path(service_id)}/deploys"
        limit = min(max(limit, 1), PAGE)
        page = self.page(path, {"limit": limit, "cursor": cursor}, "deploy")
        return DeploymentPage([parse.deployment(row, service_id) for row in page.rows], page.next, page.whole)

    def deployment(self, service_id: str, deployment_id: str) -> RemoteDeployment:
        """Reference: https://api-docs.render.com/reference/retrieve-deploy"""
        path = f"{service_path(service_id)}/deploys/{checked(deployment_id, RENDER_DEPLOY)}"
        return parse.deployment(self.connection.get(path).json_object(deployment_id), service_id)

    def current(self, service_id: str) -> Current:
        """What is live is the deploy with status `live`; none or several of them make a `conflict`.

        Reference: https://api-docs.render.com/reference/list-deploys (`status=live`) and `retrieve-service`
        """
        response = self.read_service(service_id)
        deploys = self.with_status(service_id, ("live", *parse.RUNNING))
        return _current(parse.auto_deploy(response.json_object()), deploys, response.provider_time)

    def current_from(self, service: RemoteService, deployments: Sequence[RemoteDeployment]) -> Current | None:
        """None where no deploy of the page is live: an older one may be, which only `current` can tell."""
        current = _current(service.auto_deploy, deployments, None)
        return current if current.live_id else None

    def events(self, service_id: str, *, since: datetime) -> Sequence[RemoteEvent]:
        """Deploys, rollbacks and changes of automatic deploys since then.

        This is the only place that names a rollback's target and who ordered it. The start time is always
        sent, because without one Render shows the last hour only.

        Reference: https://api-docs.render.com/reference/list-events (GET /services/{id}/events)
        """
        rows = self._all(f"{service_path(service_id)}/events", {"startTime": rfc3339(since)}, "event")
        if rows and not any(timestamp(row, "timestamp") and text(row, "type") for row in rows):
            raise Unreadable("Render sent events in an unknown form: each has a type and a timestamp.")
        return [event for row in rows if (event := events.event(row))]

    def logs(self, query: LogQuery) -> LogPage:
        """See `RenderLogReader.read`."""
        return RenderLogReader(self.connection, self._owner(query.service_id)).read(query)

    def metrics(
        self, service_id: str, metric: Metric, *, since: datetime, until: datetime
    ) -> Sequence[Sample]:
        """See `read_metric`."""
        return read_metric(self.connection, service_id, metric, since, until)

    def read_service(self, service_id: str) -> ProviderResponse:
        """The response that holds one service. Raises Unreadable where there is none in it."""
        response = self.connection.get(service_path(service_id))
        self.owners[service_id] = text(response.json_object(service_id), "ownerId")
        return response

    def _service(self, row: Mapping[str, Any]) -> RemoteService:
        environment = self.service_details.environment(text(row, "environmentId"))
        return parse.service(row, environment, self.service_details.domains(row))

    def _owner(self, service_id: str) -> str:
        return self.owners.get(service_id) or self.service(service_id).owner_id

    def with_status(self, service_id: str, statuses: Sequence[str]) -> list[RemoteDeployment]:
        """The newest 100 deploys with one of these statuses; checked here too, in case Render ignores them.

        Reference: https://api-docs.render.com/reference/list-deploys (`status`)
        """
        path = f"{service_path(service_id)}/deploys"
        page = self.page(path, {"status": list(statuses), "limit": PAGE}, "deploy")
        deploys = [parse.deployment(row, service_id) for row in page.rows]
        return [deploy for deploy in deploys if deploy.raw_status in statuses]

    def page(self, path: str, params: Mapping[str, Any], key: str) -> Page:
        """The objects under `key` in one page; one that is listed twice is returned once.

        Reference: https://api-docs.render.com/reference/pagination
        """
        sent = {name: value for name, value in params.items() if value != ""}
        response = self.connection.get(path, sent)
        rows = response.json_objects()
        count = len(response.body)  # with the rows that cannot be read: the page is as long as it is
        cursor = text(rows[-1], "cursor") if rows and count >= params["limit"] else ""
        by_id = {text(item, "id"): item for item in (mapping(row, key) for row in rows)}
        whole = len(rows) == count and "" not in by_id and (bool(cursor) or count < params["limit"])
        by_id.pop("", None)
        if rows and not by_id:
            raise response.unexpected(f"a list of objects with a {key}")
        return Page(list(by_id.values()), cursor, whole)

    def _all(self, path: str, params: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        by_id: dict[str, Mapping[str, Any]] = {}
        cursor = ""
        for _ in range(MOST_PAGES):
            page = self.page(path, {**params, "limit": PAGE, "cursor": cursor}, key)
            by_id.update({text(item, "id"): item for item in page.rows})
            cursor = page.next
            if not cursor:
                break
        return list(by_id.values())


def _current(
    auto_deploy: str | None, deploys: Sequence[RemoteDeployment], provider_time: datetime | None
) -> Current:
    live = [deploy for deploy in deploys if deploy.status is DeploymentStatus.LIVE]
    newest = max(live, key=lambda deploy: deploy.live_from or deploy.created_at, default=None)
    return Current(
        live_id=newest.id if newest else None,
        auto_deploy=auto_deploy,
        pinned=parse.pinned(auto_deploy, newest),
        conflict=parse.conflict(live),
        running=tuple(deploy.id for deploy in deploys if deploy.raw_status in parse.RUNNING),
        provider_time=provider_time,
    )


def service_path(service_id: str) -> str:
    return f"/services/{checked(service_id, RENDER_SERVICE)}"
