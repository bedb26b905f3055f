"""What happens at Vercel in time: a build becomes ready, domains are assigned, rolled back, promoted."""

from __future__ import annotations

from deployments.sandbox.rows import AliasRequest, Commit, Deployment, Refusal, Service, ms
from deployments.sandbox.state import LOWER, State, digits
from deployments.sandbox.vercel.checks import check_promotion, check_rollback
from deployments.sandbox.vercel.rolling import RollingReleases

PENDING_SHARE = 0.2  # of an alias request's time
BUILDING = ("QUEUED", "INITIALIZING", "BUILDING")


class VercelMoves:
    def __init__(self, state: State) -> None:
        self.state = state
        self.rolling = RollingReleases(state, self)

    # --- questions ---

    def find(self, name: str) -> Service:
        """A project, by id or name."""
        for project in self.state.of("vercel"):
            if name in (project.id, project.name):
                return project
        raise Refusal(404, "Project not found.")

    # --- orders ---

    def push(self, project: Service, commit: Commit, *, preview: bool = False, fate: str = "") -> Deployment:
        return self.build(project, commit, source="git", preview=preview, fate=fate)

    def build(
        self,
        project: Service,
        commit: Commit,
        *,
        source: str,
        actor: str = "",
        preview: bool = False,
        fate: str = "",
    ) -> Deployment:
        now = self.state.now()
        deployment = Deployment(
            self.state.mint("dpl"), project.id, commit.sha, "QUEUED", source, now, now, actor,
            branch=commit.branch, fate=fate, target=None if preview else "production",
        )  # fmt: skip
        deployment.url = f"{project.name}-{digits(deployment.id, LOWER, 9)}-acme.vercel.app"
        self.state.add(deployment)
        self.state.later(now + self.state.pace.queue, "vercel.begin", deployment.id)
        return deployment

    def roll_back(
        self,
        project: Service,
        target_id: str,
        *,
        actor: str,
        description: str = "",
        fate: str = "",
        spares: list[str] | None = None,
        truth_after: float | None = None,
    ) -> AliasRequest:
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
        return self.request("rollback", project, target, fate=fate, spares=spares, truth_after=truth_after)

    def promote(
        self,
        project: Service,
        target_id: str,
        *,
        actor: str,
        fate: str = "",
        spares: list[str] | None = None,
        truth_after: float | None = None,
    ) -> AliasRequest | None:
        """None where it is queued behind an active rolling release."""
        target = check_promotion(self.state, project, target_id)
        self.state.record(
            project, self.state.now(), "manual-deployment-promotion-created", actor, toDeploymentId=target.id
        )
        release = self.rolling.active(project)
        if release is not None:
            self.rolling.queue(release, target)
            return None
        return self.request("promote", project, target, fate=fate, spares=spares, truth_after=truth_after)

    def cancel(self, deployment: Deployment) -> None:
        if deployment.status not in BUILDING:
            raise Refusal(
                400, f"The deployment {deployment.id} is {deployment.status} and cannot be canceled."
            )
        self._end(deployment, "CANCELED", self.state.now())

    def describe(self, project: Service, text: str, actor: str) -> None:
        if len(text) > 250:
            raise Refusal(400, "Invalid request: `description` should NOT be longer than 250 characters.")
        now = self.state.now()
        project.description = {"actor": actor, "description": text, "createdAt": ms(now)}
        self.state.revision += 1

    def set_automatic(self, project: Service, on: bool) -> None:
        project.automatic = "on" if on else "off"
        project.updated_at = self.state.now()
        self.state.revision += 1

    # --- steps ---

    def begin(self, deployment_id: str, at: float) -> None:
        deployment = self.state.deployments[deployment_id]
        deployment.status, deployment.started_at, deployment.updated_at = "BUILDING", at, at
        if deployment.fate != "stuck":
            self.state.later(at + self.state.pace.build, "vercel.built", deployment.id)

    def built(self, deployment_id: str, at: float) -> None:
        deployment = self.state.deployments[deployment_id]
        if deployment.fate == "ERROR":
            self._end(deployment, "ERROR", at, reason='Command "npm run build" exited with 1')
            return
        deployment.status, deployment.updated_at = "READY", at
        deployment.built_at = deployment.finished_at = at
        if deployment.target != "production":
            return
        project = self.state.services[deployment.service_id]
        if project.automatic == "off" or self.rolling.active(project):
            deployment.substate = "STAGED"
        else:
            for domain in project.domains:
                self.point(project, domain, deployment, at)
            self.become_production(project, deployment, at)

    def moving(self, project_id: str, at: float) -> None:
        project = self.state.services[project_id]
        request = asked(project)
        request.status = "in-progress"
        share = self.state.pace.aliases * (1 - PENDING_SHARE) / (len(project.domains) + 1)
        for number, domain in enumerate(project.domains, start=1):
            self.state.later(at + number * share, f"vercel.alias {domain}", project.id)
        self.state.later(at + (len(project.domains) + 1) * share, "vercel.moved", project.id)

    def alias(self, project_id: str, at: float, domain: str) -> None:
        project = self.state.services[project_id]
        request = asked(project)
        if domain in request.spares or request.fate == "fails":
            project.alias_jobs[domain] = "failed"
        elif request.fate.startswith("lies"):
            project.alias_jobs[domain] = "completed"
        else:
            project.alias_jobs[domain] = "completed"
            self.point(project, domain, self.state.deployments[request.to_id], at)

    def moved(self, project_id: str, at: float) -> None:
        project = self.state.services[project_id]
        request = asked(project)
        self.state.revision += 1
        if request.spares or request.fate == "fails":
            request.status = "failed"
            return
        request.status = "succeeded"
        project.automatic = "off" if request.kind == "rollback" else "on"
        project.updated_at = at
        target = self.state.deployments[request.to_id]
        if request.fate == "lies everything":
            project.claims = dict.fromkeys(project.domains, target.id)
        if request.fate.startswith("lies") and request.truth_after is not None:
            self.state.later(at + request.truth_after, "vercel.truth", project.id)
        self.become_production(project, target, at)

    def truth(self, project_id: str, at: float) -> None:
        project = self.state.services[project_id]
        if project.production_id:
            for domain in project.domains:
                self.point(project, domain, self.state.deployments[project.production_id], at)

    def rolled(self, project_id: str, at: float) -> None:
        self.rolling.complete(self.state.services[project_id], at)

    # --- inside, shared with the rolling releases ---

    def request(
        self,
        kind: str,
        project: Service,
        target: Deployment,
        *,
        fate: str = "",
        spares: list[str] | None = None,
        truth_after: float | None = None,
    ) -> AliasRequest:
        now = self.state.now()
        project.alias_request = AliasRequest(
            kind, project.production_id, target.id, "pending", now, fate, spares or [], truth_after
        )
        project.alias_jobs = dict.fromkeys(project.domains, "pending")
        project.claims = {}
        self.state.revision += 1
        if fate != "stuck":
            self.state.later(now + self.state.pace.aliases * PENDING_SHARE, "vercel.moving", project.id)
        return project.alias_request

    def become_production(self, project: Service, deployment: Deployment, at: float) -> None:
        deployment.substate, deployment.aliased_at = "PROMOTED", at
        project.production_id = project.crons_id = deployment.id
        self.state.revision += 1

    def point(self, project: Service, domain: str, deployment: Deployment, at: float) -> None:
        project.aliases[domain] = deployment.id
        project.claims.pop(domain, None)
        if domain == project.domains[0]:
            project.serve(deployment.id, at)

    def _end(self, deployment: Deployment, status: str, at: float, *, reason: str = "") -> None:
        deployment.status, deployment.updated_at, deployment.finished_at = status, at, at
        deployment.reason = reason
        self.state.forget(deployment.id)
        self.state.revision += 1


def asked(project: Service) -> AliasRequest:
    """The request that a step works on: a step is only ever scheduled by its request."""
    if project.alias_request is None:
        raise LookupError(f"Nothing was asked of {project.name}.")
    return project.alias_request
