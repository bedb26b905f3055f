"""Vercel's rolling releases: at most one is active per project, and a promotion waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployments.sandbox.rows import ApiRefusal, DeploymentRow, ServiceRow, ms
from deployments.sandbox.state import SandboxState

if TYPE_CHECKING:
    from deployments.sandbox.vercel.behaviour import VercelBehaviour

STAGES: list[dict[str, Any]] = [
    {"index": 0, "isFinalStage": False, "targetPercentage": 10, "requireApproval": False, "duration": 60},
    {"index": 1, "isFinalStage": True, "targetPercentage": 100, "requireApproval": False, "duration": None},
]


class RollingReleases:
    """Starts, completes and aborts rolling releases.

    Reference: https://vercel.com/docs/rolling-releases
    """

    def __init__(self, state: SandboxState, behaviour: VercelBehaviour) -> None:
        self.state = state
        self.behaviour = behaviour

    def active(self, project: ServiceRow) -> dict[str, Any] | None:
        """The active rolling release, or None."""
        return project.rolling if project.rolling and project.rolling["state"] == "ACTIVE" else None

    def start(self, project: ServiceRow, canary: DeploymentRow, seconds: float | None = None) -> None:
        if self.active(project):
            raise ApiRefusal(409, "A rolling release is already active for this project.")
        if canary.target != "production" or canary.status != "READY" or canary.id == project.production_id:
            raise ApiRefusal(400, f"The deployment {canary.id} cannot be released gradually.")
        now = self.state.now()
        canary.substate = "ROLLING"
        project.rolling = {
            "state": "ACTIVE", "current": project.production_id, "canary": canary.id, "queued": None,
            "startedAt": ms(now), "updatedAt": ms(now),
        }  # fmt: skip
        wait = self.state.pace.rolling if seconds is None else seconds
        self.state.schedule(now + wait, "vercel.rolled", project.id)
        self.state.revision += 1

    def queue(self, release: dict[str, Any], target: DeploymentRow) -> None:
        release["queued"] = target.id
        self.state.revision += 1

    def complete(self, project: ServiceRow, at: float) -> None:
        """Give the canary all traffic, then start the promotion that was waiting."""
        release = self.active(project)
        if release is None:
            return
        self._finish(project, release, "COMPLETE", at)
        canary = self.state.deployments[release["canary"]]
        for domain in project.domains:
            self.behaviour.point(project, domain, canary, at)
        self.behaviour.become_production(project, canary, at)
        if release["queued"] and release["queued"] != canary.id:
            self.behaviour.request("promote", project, self.state.deployments[release["queued"]])

    def abort(self, project: ServiceRow) -> None:
        release = self.active(project)
        if release is not None:
            canary = self.state.deployments[release["canary"]]
            canary.substate = "PROMOTED" if canary.aliased_at else "STAGED"
            self._finish(project, release, "ABORTED", self.state.now())

    def _finish(self, project: ServiceRow, release: dict[str, Any], word: str, at: float) -> None:
        release |= {"state": word, "updatedAt": ms(at)}
        own = ("vercel.rolled", project.id)
        self.state.steps = [step for step in self.state.steps if (step.name, step.subject) != own]
        self.state.revision += 1

    def to_json(self, project: ServiceRow) -> dict[str, Any] | None:
        """`rollingRelease` of GET /v1/projects/{id}/rolling-release."""
        release = project.rolling
        if not release:
            return None
        active = release["state"] == "ACTIVE"
        return {
            "state": release["state"],
            "currentDeployment": self._brief(release["current"]),
            "canaryDeployment": self._brief(release["canary"]),
            "queuedDeploymentId": release["queued"],
            "substate": None,
            "advancementType": "automatic",
            "stages": STAGES,
            "activeStage": STAGES[0] if active else None,
            "nextStage": STAGES[1] if active else None,
            "startedAt": release["startedAt"],
            "updatedAt": release["updatedAt"],
        }

    def _brief(self, deployment_id: str | None) -> dict[str, Any] | None:
        if deployment_id is None:
            return None
        row = self.state.deployments[deployment_id]
        return {
            "id": row.id,
            "name": self.state.services[row.service_id].name,
            "url": row.url,
            "target": row.target,
            "source": row.trigger,
            "createdAt": ms(row.created_at),
            "readyState": row.status,
            "readyStateAt": ms(row.finished_at or row.created_at),
        }
