"""How Render behaves over time: deploys are ordered, built, released, superseded and cancelled."""

from __future__ import annotations

from deployments.sandbox.rows import ApiRefusal, CommitRow, DeploymentRow, ServiceRow
from deployments.sandbox.state import SandboxState

WORKING = ("created", "build_in_progress", "pre_deploy_in_progress", "update_in_progress")
SUCCEEDED = ("live", "deactivated")
TRIGGERS = ("commit", "checksPass", "off")


class RenderBehaviour:
    """Orders change the state at once and schedule the first step; each step schedules the next."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state

    # --- Queries ---

    def find(self, service_id: str) -> ServiceRow:
        service = self.state.services.get(service_id)
        if service is None or service.provider != "render":
            raise ApiRefusal(404, "service not found")
        return service

    def live(self, service: ServiceRow) -> DeploymentRow | None:
        return next((row for row in self.state.newest_first(service) if row.status == "live"), None)

    def running(self, service: ServiceRow) -> list[DeploymentRow]:
        return [row for row in self.state.history[service.id] if row.status in WORKING]

    def waiting(self, service: ServiceRow) -> list[DeploymentRow]:
        return [row for row in self.state.history[service.id] if row.status == "queued"]

    # --- Orders ---

    def push(self, service: ServiceRow, commit: CommitRow, *, outcome: str = "") -> DeploymentRow | None:
        """Deploy a pushed commit; None where automatic deploys are off."""
        if service.auto_deploy == "off":
            return None
        return self.deploy(service, commit, trigger="new_commit", outcome=outcome)

    def deploy(
        self, service: ServiceRow, commit: CommitRow, *, trigger: str, actor: str = "", outcome: str = ""
    ) -> DeploymentRow:
        return self._order(service, self._new(service, commit.sha, trigger, actor, outcome))

    def roll_back(
        self,
        service: ServiceRow,
        target_id: str,
        *,
        actor: str,
        dashboard: bool = False,
        outcome: str = "",
        truth_after: float | None = None,
    ) -> DeploymentRow:
        """Deploy an earlier build again. Only the dashboard's button switches automatic deploys off.

        Reference: https://render.com/docs/rollbacks
        """
        target = self._eligible(service, target_id)
        if dashboard and service.auto_deploy != "off":
            now = self.state.now()
            self.state.record(
                service,
                now,
                "auto_deploy_disabled",
                actor,
                reason="rollback",
                fromTrigger=service.auto_deploy,
            )
            service.auto_deploy = "off"
        new = self._new(service, target.commit, "rollback", actor, outcome)
        new.rollback_target = target.id
        new.error_rate, new.latency_ms = target.error_rate, target.latency_ms
        new.course = list(target.course)
        new.truth_after = truth_after
        return self._order(service, new)

    def cancel(self, service: ServiceRow, deployment: DeploymentRow) -> None:
        if deployment.status not in (*WORKING, "queued"):
            raise ApiRefusal(400, f"deploy {deployment.id} is {deployment.status} and cannot be canceled")
        self._end(deployment, "canceled", self.state.now())

    def set_auto_deploy(
        self, service: ServiceRow, setting: str, *, actor: str, reason: str = "setting_change"
    ) -> None:
        if setting not in TRIGGERS:
            raise ApiRefusal(400, "autoDeployTrigger must be one of commit, off, checksPass")
        before, service.auto_deploy = service.auto_deploy, setting
        now = self.state.now()
        service.updated_at = now
        self.state.revision += 1
        if setting == "off" and before != "off":
            self.state.record(service, now, "auto_deploy_disabled", actor, reason=reason, fromTrigger=before)
        elif setting != "off" and before == "off":
            self.state.record(service, now, "auto_deploy_enabled", actor, newTrigger=setting)

    # --- Steps: each sets a status and schedules the next ---

    def begin(self, deployment_id: str, at: float) -> None:
        deploy = self.state.deployments[deployment_id]
        deploy.started_at = at
        if deploy.outcome == "stuck":
            self._enter(deploy, "update_in_progress", at)
        elif deploy.rollback_target and self.state.rules.pre_deploy_on_rollback:
            self._enter(deploy, "pre_deploy_in_progress", at, self.state.pace.pre_deploy, "released")
        elif deploy.rollback_target:
            self._enter(deploy, "update_in_progress", at, self.state.pace.release, "healthy")
        else:
            self._enter(deploy, "build_in_progress", at, self.state.pace.build, "built")

    def built(self, deployment_id: str, at: float) -> None:
        deploy = self.state.deployments[deployment_id]
        if deploy.outcome == "build_failed":
            self._end(deploy, "build_failed", at, reason="exit status 1")
            return
        deploy.built_at = at
        if self.state.services[deploy.service_id].pre_deploy:
            self._enter(deploy, "pre_deploy_in_progress", at, self.state.pace.pre_deploy, "released")
        else:
            self._enter(deploy, "update_in_progress", at, self.state.pace.release, "healthy")

    def released(self, deployment_id: str, at: float) -> None:
        deploy = self.state.deployments[deployment_id]
        if deploy.outcome == "pre_deploy_failed":
            self._end(deploy, "pre_deploy_failed", at, reason="exit status 1")
            return
        deploy.released_at = at
        self._enter(deploy, "update_in_progress", at, self.state.pace.release, "healthy")

    def healthy(self, deployment_id: str, at: float) -> None:
        deploy = self.state.deployments[deployment_id]
        service = self.state.services[deploy.service_id]
        if deploy.outcome == "update_failed":
            self._end(deploy, "update_failed", at, reason="unhealthy")
            return
        before = self.live(service)
        if before:
            before.status, before.updated_at = "deactivated", at
        deploy.status, deploy.finished_at, deploy.updated_at = "live", at, at
        if deploy.outcome != "false_live":
            service.serve(deploy.id, at)
        elif deploy.truth_after is not None:
            self.state.schedule(at + deploy.truth_after, "render.truth", deploy.id)
        self._next_waiting(service, at)

    def truth(self, deployment_id: str, at: float) -> None:
        """A deploy that was falsely reported as live now really is."""
        deploy = self.state.deployments[deployment_id]
        if deploy.status == "live":
            self.state.services[deploy.service_id].serve(deploy.id, at)

    # --- Inside ---

    def _eligible(self, service: ServiceRow, target_id: str) -> DeploymentRow:
        target = self.state.find_deployment(service, target_id)
        if service.suspended:
            raise ApiRefusal(400, f"service {service.id} is suspended")
        if target.status == "live":
            raise ApiRefusal(400, f"deploy {target.id} is already live")
        if target.status not in SUCCEEDED:
            raise ApiRefusal(400, f"deploy {target.id} did not succeed and cannot be rolled back to")
        builds = [row for row in self.state.newest_first(service) if row.status in SUCCEEDED]
        if target not in builds[: self.state.rules.kept_builds]:
            raise ApiRefusal(400, f"the build of deploy {target.id} is no longer available")
        return target

    def _new(self, service: ServiceRow, sha: str, trigger: str, actor: str, outcome: str) -> DeploymentRow:
        now = self.state.now()
        return DeploymentRow(
            self.state.mint("dep"), service.id, sha, "created", trigger, now, now, actor,
            outcome=outcome,
        )  # fmt: skip

    def _order(self, service: ServiceRow, deploy: DeploymentRow) -> DeploymentRow:
        """One deploy runs at a time: a new one waits for it or cancels it; only the newest waiting one stays.

        Reference: https://render.com/docs/deploys
        """
        now = self.state.now()
        busy = self.running(service)
        if busy and self.state.rules.overlap == "wait":
            deploy.status = "queued"
            for older in self.waiting(service):
                self._end(older, "canceled", now, superseded_by=deploy.id)
        self.state.add(deploy)
        if deploy.status == "queued":
            return deploy
        for older in busy:
            self._end(older, "canceled", now, superseded_by=deploy.id)
        self.state.schedule(now + self.state.pace.queue, "render.begin", deploy.id)
        return deploy

    def _enter(
        self, deploy: DeploymentRow, status: str, at: float, seconds: float = 0, then: str = ""
    ) -> None:
        deploy.status, deploy.updated_at = status, at
        if then:
            self.state.schedule(at + seconds, f"render.{then}", deploy.id)

    def _end(
        self, deploy: DeploymentRow, status: str, at: float, *, reason: str = "", superseded_by: str = ""
    ) -> None:
        deploy.status, deploy.updated_at, deploy.finished_at = status, at, at
        deploy.reason, deploy.superseded_by = reason, superseded_by
        self.state.unschedule(deploy.id)
        self.state.revision += 1
        if not superseded_by:
            self._next_waiting(self.state.services[deploy.service_id], at)

    def _next_waiting(self, service: ServiceRow, at: float) -> None:
        waiting = self.waiting(service)
        if waiting and not self.running(service):
            self._enter(waiting[-1], "created", at, 0, "begin")
