"""Render's API calls on deploys: list, create, roll back, cancel. Reference: https://api-docs.render.com/reference"""

from __future__ import annotations

from typing import Any

from deployments.sandbox.render import resource_json as shape
from deployments.sandbox.render.resource_json import ACTOR
from deployments.sandbox.rows import ApiRefusal, DeploymentRow, ServiceRow
from deployments.sandbox.server.http import Request, Route, SandboxResponse, route
from deployments.sandbox.world import World


class RenderDeploys:
    """The routes for deploys and their handlers."""

    def __init__(self, world: World) -> None:
        self.world = world
        one = "/v1/services/{service_id}"
        self.routes: list[Route] = [
            route("GET", f"{one}/deploys", "render.deploys", self.deploys),
            route("POST", f"{one}/deploys", "render.deploy.create", self.create, order_kind="deploy"),
            route("GET", f"{one}/deploys/{{deploy_id}}", "render.deploy", self.deploy),
            route("POST", f"{one}/deploys/{{deploy_id}}/cancel", "render.cancel", self.cancel),
            route("POST", f"{one}/rollback", "render.rollback", self.rollback, order_kind="rollback"),
        ]

    def deploys(self, request: Request, service_id: str) -> SandboxResponse:
        """Newest first. Reference: https://api-docs.render.com/reference/list-deploys"""
        service = self.world.render.find(service_id)
        statuses = request.values("status")
        rows = [row for row in self.world.newest_first(service) if not statuses or row.status in statuses]
        for name, attribute in (
            ("created", "created_at"),
            ("updated", "updated_at"),
            ("finished", "finished_at"),
        ):
            before, since = request.time(f"{name}Before", 0), request.time(f"{name}After", 0)
            if before:
                rows = [row for row in rows if (getattr(row, attribute) or before) < before]
            if since:
                rows = [row for row in rows if (getattr(row, attribute) or 0) > since]
        limit = request.number("limit", 20, low=1, high=100)
        page = shape.after(rows, request.value("cursor"), lambda row: row.id)[:limit]
        return SandboxResponse.json(
            [{"cursor": shape.cursor_of(row.id), "deploy": self._deploy_json(row)} for row in page]
        )

    def deploy(self, request: Request, service_id: str, deploy_id: str) -> SandboxResponse:
        return SandboxResponse.json(self._deploy_json(self._deploy(service_id, deploy_id)))

    def create(self, request: Request, service_id: str) -> SandboxResponse:
        """201 with the deploy, or an empty 202 where it waits behind another one.

        Reference: https://api-docs.render.com/reference/create-deploy
        """
        service = self.world.render.find(service_id)
        wanted = request.json_object().get("commitId")
        newest = self.world.history[service.id][-1].commit if self.world.history[service.id] else ""
        commit = self.world.commits.get(str(wanted or newest))
        if commit is None:
            raise ApiRefusal(400, f"commit {wanted} not found")
        self._queue_behind(request, service)
        outcome = self._outcome(request)
        row = self.world.render.deploy(service, commit, trigger="api", actor=ACTOR, outcome=outcome)
        return (
            SandboxResponse.empty(202)
            if row.status == "queued"
            else SandboxResponse.json(self._deploy_json(row), 201)
        )

    def rollback(self, request: Request, service_id: str) -> SandboxResponse:
        """A new deploy of the old build; automatic deploys stay as they are.

        Reference: https://api-docs.render.com/reference/rollback-deploy
        """
        service = self.world.render.find(service_id)
        target_id = request.json_object().get("deployId")
        if not isinstance(target_id, str) or not target_id:
            raise ApiRefusal(400, "deployId is required")
        self.world.find_deployment(service, target_id)
        self._queue_behind(request, service)
        row = self.world.render.roll_back(
            service,
            target_id,
            actor=ACTOR,
            outcome=self._outcome(request),
            truth_after=request.seconds.get("lie_live"),
        )
        return SandboxResponse.json(self._deploy_json(row), 201)

    def cancel(self, request: Request, service_id: str, deploy_id: str) -> SandboxResponse:
        """Reference: https://api-docs.render.com/reference/cancel-deploy"""
        row = self._deploy(service_id, deploy_id)
        self.world.render.cancel(self.world.render.find(service_id), row)
        return SandboxResponse.json(self._deploy_json(row))

    def _queue_behind(self, request: Request, service: ServiceRow) -> None:
        if "queue_behind" in request.outcome_faults and not self.world.render.running(service):
            newest = self.world.commits[self.world.history[service.id][-1].commit]
            self.world.render.deploy(service, newest, trigger="manual", actor="dmitri")

    def _outcome(self, request: Request) -> str:
        outcome_faults = {"lie_live": "false_live", "fail": "update_failed", "stuck": "stuck"}
        return next(
            (
                outcome
                for attach_outcome_faults, outcome in outcome_faults.items()
                if attach_outcome_faults in request.outcome_faults
            ),
            "",
        )

    # --- Inside ---

    def _deploy(self, service_id: str, deploy_id: str) -> DeploymentRow:
        return self.world.find_deployment(self.world.render.find(service_id), deploy_id)

    def _deploy_json(self, row: DeploymentRow) -> dict[str, Any]:
        return shape.deploy_json(self.world, row)
