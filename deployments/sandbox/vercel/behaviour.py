"""How Vercel behaves over time: builds become ready, domains are assigned, rolled back and promoted."""

from __future__ import annotations

from deployments.sandbox.rows import AliasRequestRow, ApiRefusal, CommitRow, DeploymentRow, ServiceRow, ms
from deployments.sandbox.state import LOWER, SandboxState, digits
from deployments.sandbox.vercel.checks import check_promotion, check_rollback
from deployments.sandbox.vercel.rolling import RollingReleases

PENDING_SHARE = 0.2  # of the time that an alias request takes
BUILDING = ("QUEUED", "INITIALIZING", "BUILDING")


class VercelBehaviour:
    """Orders change the state at once and schedule the first step; each step schedules the next."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state
        self.rolling = RollingReleases(state, self)

    # --- Queries ---

    def find(self, name: str) -> ServiceRow:
        """A project, by id or name."""
        for project in self.state.of("vercel"):
            if name in (project.id, project.name):
                return project
        raise ApiRefusal(404, "Project not found.")

    # --- Orders ---

    def push(
        self, project: ServiceRow, commit: CommitRow, *, preview: bool = False, outcome: str = ""
    ) -> DeploymentRow:
        return self.build(project, commit, source="git", preview=preview, outcome=outcome)

    def build(
        self,
        project: ServiceRow,
        commit: CommitRow,
        *,
        source: str,
        actor: str = "",
        preview: bool = False,
        outcome: str = "",
    ) -> DeploymentRow:
        now = self.state.now()
        deployment = DeploymentRow(
            self.state.mint("dpl"), project.id, commit.sha, "QUEUED", source, now, now, actor,
            branch=commit.branch, outcome=outcome, target=None if preview else "production",
        )  # fmt: skip
        deployment.url = f"{project.name}-{digits(deployment.id, LOWER, 9)}-acme.vercel.app"
        self.state.add(deployment)
        self.state.schedule(now + self.state.pace.queue, "vercel.begin", deployment.id)
        return deployment

    def roll_back(
        self,
        project: ServiceRow,
        target_id: str,
        *,
        actor: str,
        description: str = "",
        outcome: str = "",
        failing_domains: list[str] | None = None,
        truth_after: float | None = None,
    ) -> AliasRequestRow:
        """Reference: https://vercel.com/docs/instant-rollback"""
        target = check_rollback(self.state, project, target_id)
        if description:
            self.describe(project, description, actor)
        self.rolling.abort(project)
        now = self.state.now()
        self.state.record(
            project, now, "instant-rollback-created", actor,
            fromDeploymentId=project.production_id, toDeploymentId=target.id, reason=description,
        )  # fmt: skip
        return self.request(
            "rollback",
            project,
            target,
            outcome=outcome,
            failing_domains=failing_domains,
            truth_after=truth_after,
        )

    def promote(
        self,
        project: ServiceRow,
        target_id: str,
        *,
        actor: str,
        outcome: str = "",
        failing_domains: list[str] | None = None,
        truth_after: float | None = None,
    ) -> AliasRequestRow | None:
        """None where the promotion waits for an active rolling release.

        Reference: https://vercel.com/docs/deployments/promoting-a-deployment
        """
        target = check_promotion(self.state, project, target_id)
        self.state.record(
            project, self.state.now(), "manual-deployment-promotion-created", actor, toDeploymentId=target.id
        )
        release = self.rolling.active(project)
        if release is not None:
            self.rolling.queue(release, target)
            return None
        return self.request(
            "promote",
            project,
            target,
            outcome=outcome,
            failing_domains=failing_domains,
            truth_after=truth_after,
        )

    def cancel(self, deployment: DeploymentRow) -> None:
        if deployment.status not in BUILDING:
            raise ApiRefusal(
                400, f"The deployment {deployment.id} is {deployment.status} and cannot be canceled."
            )
        self._end(deployment, "CANCELED", self.state.now())

    def describe(self, project: ServiceRow, text: str, actor: str) -> None:
        if len(text) > 250:
            raise ApiRefusal(400, "Invalid request: `description` should NOT be longer than 250 characters.")
        now = self.state.now()
        project.description = {"actor": actor, "description": text, "createdAt": ms(now)}
        self.state.revision += 1

    def set_auto_deploy(self, project: ServiceRow, on: bool) -> None:
        project.auto_deploy = "on" if on else "off"
        project.updated_at = self.state.now()
        self.state.revision += 1

    # --- Steps: each sets a status and schedules the next ---

    def begin(self, deployment_id: str, at: float) -> None:
        deployment = self.state.deployments[deployment_id]
        deployment.status, deployment.started_at, deployment.updated_at = "BUILDING", at, at
        if deployment.outcome != "stuck":
            self.state.schedule(at + self.state.pace.build, "vercel.built", deployment.id)

    def built(self, deployment_id: str, at: float) -> None:
        deployment = self.state.deployments[deployment_id]
        if deployment.outcome == "ERROR":
            self._end(deployment, "ERROR", at, reason='Command "npm run build" exited with 1')
            return
        deployment.status, deployment.updated_at = "READY", at
        deployment.built_at = deployment.finished_at = at
        if deployment.target != "production":
            return
        project = self.state.services[deployment.service_id]
        if project.auto_deploy == "off" or self.rolling.active(project):
            deployment.substate = "STAGED"
        else:
            for domain in project.domains:
                self.point(project, domain, deployment, at)
            self.become_production(project, deployment, at)

    def moving(self, project_id: str, at: float) -> None:
        project = self.state.services[project_id]
        request = current_request(project)
        request.status = "in-progress"
        share = self.state.pace.aliases * (1 - PENDING_SHARE) / (len(project.domains) + 1)
        for number, domain in enumerate(project.domains, start=1):
            self.state.schedule(at + number * share, f"vercel.alias {domain}", project.id)
        self.state.schedule(at + (len(project.domains) + 1) * share, "vercel.moved", project.id)

    def alias(self, project_id: str, at: float, domain: str) -> None:
        project = self.state.services[project_id]
        request = current_request(project)
        if domain in request.failing_domains or request.outcome == "fails":
            project.alias_jobs[domain] = "failed"
        elif request.outcome.startswith("false"):
            project.alias_jobs[domain] = "completed"
        else:
            project.alias_jobs[domain] = "completed"
            self.point(project, domain, self.state.deployments[request.to_id], at)

    def moved(self, project_id: str, at: float) -> None:
        project = self.state.services[project_id]
        request = current_request(project)
        self.state.revision += 1
        if request.failing_domains or request.outcome == "fails":
            request.status = "failed"
            return
        request.status = "succeeded"
        project.auto_deploy = "off" if request.kind == "rollback" else "on"
        project.updated_at = at
        target = self.state.deployments[request.to_id]
        if request.outcome == "false_all":
            project.reported_aliases = dict.fromkeys(project.domains, target.id)
        if request.outcome.startswith("false") and request.truth_after is not None:
            self.state.schedule(at + request.truth_after, "vercel.truth", project.id)
        self.become_production(project, target, at)

    def truth(self, project_id: str, at: float) -> None:
        project = self.state.services[project_id]
        if project.production_id:
            for domain in project.domains:
                self.point(project, domain, self.state.deployments[project.production_id], at)

    def rolled(self, project_id: str, at: float) -> None:
        self.rolling.complete(self.state.services[project_id], at)

    # --- Shared with the rolling releases ---

    def request(
        self,
        kind: str,
        project: ServiceRow,
        target: DeploymentRow,
        *,
        outcome: str = "",
        failing_domains: list[str] | None = None,
        truth_after: float | None = None,
    ) -> AliasRequestRow:
        now = self.state.now()
        project.alias_request = AliasRequestRow(
            kind,
            project.production_id,
            target.id,
            "pending",
            now,
            outcome,
            failing_domains or [],
            truth_after,
        )
        project.alias_jobs = dict.fromkeys(project.domains, "pending")
        project.reported_aliases = {}
        self.state.revision += 1
        if outcome != "stuck":
            self.state.schedule(now + self.state.pace.aliases * PENDING_SHARE, "vercel.moving", project.id)
        elif truth_after is not None:
            self.state.schedule(now + truth_after, "vercel.moving", project.id)
        return project.alias_request

    def become_production(self, project: ServiceRow, deployment: DeploymentRow, at: float) -> None:
        deployment.substate, deployment.aliased_at = "PROMOTED", at
        project.production_id = project.crons_id = deployment.id
        self.state.revision += 1

    def point(self, project: ServiceRow, domain: str, deployment: DeploymentRow, at: float) -> None:
        project.aliases[domain] = deployment.id
        project.reported_aliases.pop(domain, None)
        if domain == project.domains[0]:
            project.serve(deployment.id, at)

    def _end(self, deployment: DeploymentRow, status: str, at: float, *, reason: str = "") -> None:
        deployment.status, deployment.updated_at, deployment.finished_at = status, at, at
        deployment.reason = reason
        self.state.unschedule(deployment.id)
        self.state.revision += 1


def current_request(project: ServiceRow) -> AliasRequestRow:
    """The request that a step belongs to; only a request schedules such steps."""
    if project.alias_request is None:
        raise LookupError(f"Nothing was asked of {project.name}.")
    return project.alias_request
