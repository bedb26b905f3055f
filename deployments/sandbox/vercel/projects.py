"""Vercel's API calls on projects: read, pin, roll back, promote, rolling releases."""

from __future__ import annotations

from base64 import b32decode, b32encode

from deployments.sandbox.rows import ApiRefusal, ServiceRow
from deployments.sandbox.server.http import Request, Route, SandboxResponse, route
from deployments.sandbox.vercel import project_json as shape
from deployments.sandbox.vercel.account import ACTOR
from deployments.sandbox.world import World

PATCHABLE = ("autoAssignCustomDomains", "autoAssignCustomDomainsUpdatedBy")


def _token(offset: int) -> str:
    """A continuation token, which the document calls base32."""
    return b32encode(str(offset).encode()).decode().rstrip("=")


def _offset(token: str) -> int:
    try:
        padded = token + "=" * (-len(token) % 8)
        return int(b32decode(padded) or b"0")
    except ValueError:
        raise ApiRefusal(400, "Invalid request: `from` is no continuation token.") from None


class VercelProjects:
    """The routes for projects and their handlers."""

    def __init__(self, world: World) -> None:
        self.world = world
        one = "/projects/{project_id}"
        undo, promote, rolling = f"{one}/rollback", f"{one}/promote", f"{one}/rolling-release"
        self.routes: list[Route] = [
            route("GET", "/projects", "vercel.projects", self.projects),
            route("GET", one, "vercel.project", self.project),
            route("PATCH", one, "vercel.project.patch", self.patch),
            route("GET", f"{undo}/aliases", "vercel.alias_jobs", self.rollback_jobs),
            route("GET", f"{promote}/aliases", "vercel.alias_jobs", self.promote_jobs),
            route(
                "POST", f"{undo}/{{deployment_id}}", "vercel.rollback", self.rollback, order_kind="rollback"
            ),
            route(
                "POST", f"{promote}/{{deployment_id}}", "vercel.promote", self.promote, order_kind="promote"
            ),
            route("PATCH", f"{undo}/{{deployment_id}}/update-description", "vercel.describe", self.describe),
            route("GET", rolling, "vercel.rolling", self.rolling),
            route("GET", f"{rolling}/config", "vercel.rolling.config", self.rolling_config),
            route("POST", f"{rolling}/start", "vercel.rolling.start", self.rolling_start),
            route(
                "POST",
                f"{rolling}/complete",
                "vercel.rolling.complete",
                self.rolling_complete,
                order_kind="complete",
            ),
        ]

    # --- Read and pin ---

    def projects(self, request: Request) -> SandboxResponse:
        """Reference: https://vercel.com/docs/rest-api/projects/retrieve-a-list-of-projects"""
        search = request.value("search")
        rows = [row for row in self.world.of("vercel") if search in row.name]
        rows.sort(key=lambda row: row.updated_at, reverse=True)
        limit = request.number("limit", 20, low=1, high=100)
        start = _offset(request.value("from"))
        page = rows[start : start + limit]
        more = _token(start + limit) if len(rows) > start + limit else None
        pagination = {"count": len(page), "next": more, "prev": None}
        return SandboxResponse.json(
            {"projects": [shape.project_json(self.world, row) for row in page], "pagination": pagination}
        )

    def project(self, request: Request, project_id: str) -> SandboxResponse:
        """Reference: https://vercel.com/docs/rest-api/projects/find-a-project-by-id-or-name"""
        return SandboxResponse.json(shape.project_json(self.world, self.world.vercel.find(project_id)))

    def patch(self, request: Request, project_id: str) -> SandboxResponse:
        """Only the setting for automatic domains can be changed here, which moves no traffic.

        Reference: https://vercel.com/docs/rest-api/projects/update-an-existing-project
        """
        project = self.world.vercel.find(project_id)
        fields = request.json_object()
        for name in fields:
            if name not in PATCHABLE:
                raise ApiRefusal(400, f"Invalid request: should NOT have additional property `{name}`.")
        if "autoAssignCustomDomains" in fields:
            if not isinstance(fields["autoAssignCustomDomains"], bool):
                raise ApiRefusal(400, "Invalid request: `autoAssignCustomDomains` should be boolean.")
            self.world.vercel.set_auto_deploy(project, fields["autoAssignCustomDomains"])
        return SandboxResponse.json(shape.project_json(self.world, project))

    # --- Move traffic ---

    def rollback(self, request: Request, project_id: str, deployment_id: str) -> SandboxResponse:
        """201 with an empty body: accepted, not done.

        Reference: https://vercel.com/docs/instant-rollback
        """
        project = self.world.vercel.find(project_id)
        self.world.find_deployment(project, deployment_id)
        self.world.vercel.roll_back(
            project,
            deployment_id,
            actor=ACTOR,
            description=request.value("description"),
            outcome=self._outcome(request),
            failing_domains=self._failing_domains(request, project),
            truth_after=_truth_after(request),
        )
        return SandboxResponse.empty(201)

    def promote(self, request: Request, project_id: str, deployment_id: str) -> SandboxResponse:
        """201, or 202 where an active rolling release comes first, both with an empty body.

        Reference: https://vercel.com/docs/deployments/promoting-a-deployment
        """
        project = self.world.vercel.find(project_id)
        self._queue_behind(request, project, deployment_id)
        alias_request = self.world.vercel.promote(
            project,
            deployment_id,
            actor=ACTOR,
            outcome=self._outcome(request),
            failing_domains=self._failing_domains(request, project),
            truth_after=_truth_after(request),
        )
        return SandboxResponse.empty(201 if alias_request else 202)

    def describe(self, request: Request, project_id: str, deployment_id: str) -> SandboxResponse:
        project = self.world.vercel.find(project_id)
        row = self.world.find_deployment(project, deployment_id)
        text = request.json_object().get("description")
        if not isinstance(text, str):
            raise ApiRefusal(400, "Invalid request: missing required property `description`.")
        self.world.vercel.describe(project, text, ACTOR)
        self.world.record(
            project, self.world.now(), "project-rollback-description-updated", ACTOR,
            toDeploymentId=row.id, reason=text,
        )  # fmt: skip
        return SandboxResponse.empty(200)

    def _outcome(self, request: Request) -> str:
        if "lie_live" in request.outcome_faults:
            return "false_all" if request.outcome_faults["lie_live"] == "everything" else "false_job"
        return (
            "stuck"
            if "stuck" in request.outcome_faults
            else "fails"
            if "fail" in request.outcome_faults
            else ""
        )

    def _failing_domains(self, request: Request, project: ServiceRow) -> list[str]:
        if "fail_aliases" not in request.outcome_faults:
            return []
        return [
            word.strip() for word in request.outcome_faults["fail_aliases"].split(",") if word
        ] or project.domains[-1:]

    def _queue_behind(self, request: Request, project: ServiceRow, deployment_id: str) -> None:
        rolling = self.world.vercel.rolling
        if "queue_behind" not in request.outcome_faults or rolling.active(project):
            return
        canary = next(
            row
            for row in self.world.newest_first(project)
            if row.status == "READY"
            and row.target == "production"
            and row.id not in (project.production_id, deployment_id)
        )
        rolling.start(project, canary, request.seconds.get("queue_behind"))

    # --- The state of each domain ---

    def rollback_jobs(self, request: Request, project_id: str) -> SandboxResponse:
        """An undocumented call of the CLI, which expects the alias to be an object."""
        return self._jobs(request, project_id, "rollback")

    def promote_jobs(self, request: Request, project_id: str) -> SandboxResponse:
        """Reference: https://vercel.com/docs/rest-api/projects/gets-a-list-of-aliases-with-status-for-the-current-promote"""
        return self._jobs(request, project_id, "promote")

    def _jobs(self, request: Request, project_id: str, kind: str) -> SandboxResponse:
        project = self.world.vercel.find(project_id)
        failed_only = request.value("failedOnly") in ("true", "1")
        nested = kind == "rollback" or request.headers.get("user-agent", "").startswith("vercel ")
        rows = []
        if project.alias_request and project.alias_request.kind == kind:
            for domain, status in project.alias_jobs.items():
                if failed_only and status != "failed":
                    continue
                name = {"alias": domain, "deploymentId": project.alias_request.to_id} if nested else domain
                rows.append({"alias": name, "id": f"als_{domain.replace('.', '_')}", "status": status})
        pagination = {"count": len(rows), "next": None, "prev": None}
        return SandboxResponse.json({"aliases": rows, "pagination": pagination})

    # --- Rolling releases ---

    def rolling(self, request: Request, project_id: str) -> SandboxResponse:
        """Reference: https://vercel.com/docs/rolling-releases"""
        release = self.world.vercel.rolling.to_json(self.world.vercel.find(project_id))
        wanted = request.value("state")
        return SandboxResponse.json(
            {"rollingRelease": release if release and wanted in ("", release["state"]) else None}
        )

    def rolling_config(self, request: Request, project_id: str) -> SandboxResponse:
        project = self.world.vercel.find(project_id)
        return SandboxResponse.json({"rollingRelease": shape.rolling_config() if project.rolling else None})

    def rolling_start(self, request: Request, project_id: str) -> SandboxResponse:
        project = self.world.vercel.find(project_id)
        canary = self.world.find_deployment(project, str(request.json_object().get("canaryDeploymentId")))
        self.world.vercel.rolling.start(project, canary)
        return self.rolling(request, project_id)

    def rolling_complete(self, request: Request, project_id: str) -> SandboxResponse:
        """Reference: https://vercel.com/docs/rest-api/reference/endpoints/rolling-release"""
        project = self.world.vercel.find(project_id)
        release = self.world.vercel.rolling.active(project)
        if release is None or release["canary"] != request.json_object().get("canaryDeploymentId"):
            raise ApiRefusal(404, "There is no active rolling release of this deployment.")
        self.world.vercel.rolling.complete(project, self.world.now())
        return self.rolling(request, project_id)


def _truth_after(request: Request) -> float | None:
    """Seconds after which a false success comes true, or a stuck move goes on."""
    return request.seconds.get("lie_live", request.seconds.get("stuck"))
