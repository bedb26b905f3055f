"""Vercel's API calls on deployments: list, read, rebuild, cancel, their domains and logs."""

from __future__ import annotations

from deployments.sandbox.rows import ApiRefusal, DeploymentRow, ServiceRow, ms, rfc3339
from deployments.sandbox.server.http import Request, Route, SandboxResponse, route
from deployments.sandbox.vercel import deployment_json as shape
from deployments.sandbox.vercel.account import ACTOR
from deployments.sandbox.vercel.checks import is_candidate
from deployments.sandbox.vercel.logs import VercelLogs
from deployments.sandbox.world import World

STATES = ("QUEUED", "INITIALIZING", "BUILDING", "READY", "ERROR", "CANCELED", "DELETED", "BLOCKED")


class VercelDeployments:
    """The routes for deployments and their handlers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.logs = VercelLogs(world)
        one = "/deployments/{name}"
        runtime = "/projects/{project_id}/deployments/{name}/runtime-logs"
        self.routes: list[Route] = [
            route("GET", "/deployments", "vercel.deployments", self.deployments),
            route("POST", "/deployments", "vercel.deployment.create", self.create, order_kind="deploy"),
            route("GET", one, "vercel.deployment", self.deployment),
            route("PATCH", f"{one}/cancel", "vercel.cancel", self.cancel),
            route("GET", f"{one}/aliases", "vercel.deployment.aliases", self.deployment_aliases),
            route("GET", f"{one}/events", "vercel.build_events", self.build_events),
            route("GET", f"{one}/builds", "vercel.builds", self.builds),
            route("GET", "/aliases", "vercel.aliases", self.aliases),
            route("GET", runtime, "vercel.runtime_logs", self.runtime_logs),
            route("GET", "/api/logs/request-logs", "vercel.request_logs", self.request_logs),
        ]

    # --- List ---

    def deployments(self, request: Request) -> SandboxResponse:
        """Newest first; `until` requests the next page.

        Reference: https://vercel.com/docs/rest-api/deployments/list-deployments
        """
        rows = sorted(self._matching(request), key=lambda row: row.created_at, reverse=True)
        limit = request.number("limit", 20, low=1, high=100)
        page = rows[:limit]
        pagination = {
            "count": len(page),
            "next": ms(page[-1].created_at) if len(rows) > limit else None,
            "prev": ms(page[0].created_at) if page else None,
        }
        return SandboxResponse.json(
            {"pagination": pagination, "deployments": [shape.listed(self.world, row) for row in page]}
        )

    def _matching(self, request: Request) -> list[DeploymentRow]:
        states = request.values("state")
        for state in states:
            if state not in STATES:
                raise ApiRefusal(400, f"Invalid request: `state` should be one of {', '.join(STATES)}.")
        since, until = request.time("since", 0), request.time("until", 0)
        target, branch, sha = request.value("target"), request.value("branch"), request.value("sha")
        candidates = request.value("rollbackCandidate")
        return [
            row
            for project in self._projects(request)
            for row in self.world.history[project.id]
            if (not states or row.status in states)
            and (not since or row.created_at > since)
            and (not until or ms(row.created_at) < ms(until))
            and (not target or (row.target or "preview") == target)
            and (not branch or row.branch == branch)
            and (not sha or row.commit == sha)
            and (not candidates or is_candidate(project, row) == (candidates == "true"))
        ]

    def _projects(self, request: Request) -> list[ServiceRow]:
        names = request.values("projectIds") or request.values("projectId")
        app = request.value("app")
        if names:
            return [self.world.vercel.find(name) for name in names]
        return [row for row in self.world.of("vercel") if not app or row.name == app]

    # --- One deployment ---

    def deployment(self, request: Request, name: str) -> SandboxResponse:
        """By id, by its own host name, or by a domain that points to it.

        Reference: https://vercel.com/docs/rest-api/deployments/get-a-deployment-by-id-or-url
        """
        return SandboxResponse.json(shape.full(self.world, self._deployment(name)))

    def create(self, request: Request) -> SandboxResponse:
        """Build a deployment again for production, which is how the CLI promotes a preview.

        Reference: https://vercel.com/docs/rest-api/deployments/create-a-new-deployment
        """
        fields = request.json_object()
        if not fields.get("deploymentId"):
            raise ApiRefusal(400, "Invalid request: missing required property `deploymentId`.")
        old = self._deployment(str(fields["deploymentId"]))
        project = self.world.services[old.service_id]
        outcome = (
            "stuck"
            if "stuck" in request.outcome_faults
            else "ERROR"
            if "fail" in request.outcome_faults
            else ""
        )
        row = self.world.vercel.build(
            project,
            self.world.commits[old.commit],
            source="redeploy",
            actor=ACTOR,
            preview=fields.get("target") != "production",
            outcome=outcome,
        )
        return SandboxResponse.json(shape.full(self.world, row))

    def cancel(self, request: Request, name: str) -> SandboxResponse:
        """Reference: https://vercel.com/docs/rest-api/deployments/cancel-a-deployment"""
        row = self._deployment(name)
        self.world.vercel.cancel(row)
        return SandboxResponse.json(shape.full(self.world, row))

    # --- Domains ---

    def deployment_aliases(self, request: Request, name: str) -> SandboxResponse:
        row = self._deployment(name)
        rows = [
            {"uid": f"als_{alias.replace('.', '_')}", "alias": alias, "created": rfc3339(row.aliased_at or 0)}
            for alias in shape.aliases_of(self.world, row)
        ]
        return SandboxResponse.json({"aliases": rows})

    def aliases(self, request: Request) -> SandboxResponse:
        """With `rollbackDeploymentId`, only the domains that a rollback to that deployment would move.

        Reference: https://vercel.com/docs/rest-api/aliases/list-aliases
        """
        projects = request.values("projectId")
        target = request.value("rollbackDeploymentId")
        rows = [
            {
                "uid": f"als_{domain.replace('.', '_')}",
                "alias": domain,
                "created": rfc3339(project.created_at),
                "createdAt": ms(project.created_at),
                "deploymentId": deployment_id,
                "projectId": project.id,
            }
            for project in self.world.of("vercel")
            if not projects or project.id in projects or project.name in projects
            for domain, deployment_id in shape.reported_targets(project).items()
            if deployment_id != target
        ]
        limit = request.number("limit", 20, low=1, high=100)
        pagination = {"count": len(rows[:limit]), "next": None, "prev": None}
        return SandboxResponse.json({"aliases": rows[:limit], "pagination": pagination})

    # --- Logs ---

    def build_events(self, request: Request, name: str) -> SandboxResponse:
        return self.logs.build_events(self._deployment(name), request)

    def builds(self, request: Request, name: str) -> SandboxResponse:
        return self.logs.builds(self._deployment(name))

    def runtime_logs(self, request: Request, project_id: str, name: str) -> SandboxResponse:
        return self.logs.runtime_logs(self.world.vercel.find(project_id), self._deployment(name))

    def request_logs(self, request: Request) -> SandboxResponse:
        return self.logs.request_logs(self.world.vercel.find(request.value("projectId")), request)

    # --- Inside ---

    def _deployment(self, name: str) -> DeploymentRow:
        for project in self.world.of("vercel"):
            name = project.aliases.get(name, name)
        row = self.world.deployments.get(name)
        if row is None or self.world.services[row.service_id].provider != "vercel":
            row = next(
                (other for other in self.world.deployments.values() if other.url == name and name), None
            )
        if row is None:
            raise ApiRefusal(404, "The deployment could not be found.")
        return row
