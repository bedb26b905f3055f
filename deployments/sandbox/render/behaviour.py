"""What happens at Render in time: a deploy is ordered, built, released, superseded, cancelled."""

from __future__ import annotations

from deployments.sandbox.rows import Commit, Deployment, Refusal, Service
from deployments.sandbox.state import State

WORKING = ("created", "build_in_progress", "pre_deploy_in_progress", "update_in_progress")
SUCCEEDED = ("live", "deactivated")
TRIGGERS = ("commit", "checksPass", "off")


class RenderMoves:
    def __init__(self, state: State) -> None:
        self.state = state

    # --- questions ---

    def find(self, service_id: str) -> Service:
        service = self.state.services.get(service_id)
        if service is None or service.provider != "render":
            raise Refusal(404, "service not found")
        return service

    def live(self, service: Service) -> Deployment | None:
        return next((row for row in self.state.newest_first(service) if row.status == "live"), None)

    def running(self, service: Service) -> list[Deployment]:
        return [row for row in self.state.history[service.id] if row.status in WORKING]

    def waiting(self, service: Service) -> list[Deployment]:
        return [row for row in self.state.history[service.id] if row.status == "queued"]

    # --- orders ---

    def push(self, service: Service, commit: Commit, *, fate: str = "") -> Deployment | None:
        """A commit arrives on the service's branch; None where automatic deploys are off."""
        if service.automatic == "off":
            return None
        return self.deploy(service, commit, trigger="new_commit", fate=fate)

    def deploy(
        self, service: Service, commit: Commit, *, trigger: str, actor: str = "", fate: str = ""
    ) -> Deployment:
        return self._order(service, self._new(service, commit.sha, trigger, actor, fate))

    def roll_back(
        self,
        service: Service,
        target_id: str,
        *,
        actor: str,
        dashboard: bool = False,
        fate: str = "",
        truth_after: float | None = None,
    ) -> Deployment:
        """Go back to a build that is kept. Only the dashboard's button switches automatic deploys off.

        Reference: https://render.com/docs/rollbacks
        """
        target = self._eligible(service, target_id)
        if dashboard and service.automatic != "off":
            now = self.state.now()
            self.state.record(
                service, now, "auto_deploy_disabled", actor, reason="rollback", fromTrigger=service.automatic
            )
            service.automatic = "off"
        new = self._new(service, target.commit, "rollback", actor, fate)
        new.rollback_target = target.id
        new.error_rate, new.latency_ms = target.error_rate, target.latency_ms
        new.truth_after = truth_after
        return self._order(service, new)

    def cancel(self, service: Service, deployment: Deployment) -> None:
        if deployment.status not in (*WORKING, "queued"):
            raise Refusal(400, f"deploy {deployment.id} is {deployment.status} and cannot be canceled")
        self._end(deployment, "canceled", self.state.now())

    def set_automatic(
        self, service: Service, setting: str, *, actor: str, reason: str = "setting_change"
    ) -> None:
        if setting not in TRIGGERS:
            raise Refusal(400, "autoDeployTrigger must be one of commit, off, checksPass")
        before, service.automatic = service.automatic, setting
        now = self.state.now()
        service.updated_at = now
        self.state.revision += 1
        if setting == "off" and before != "off":
            self.state.record(service, now, "auto_deploy_disabled", actor, reason=reason, fromTrigger=before)
        elif setting != "off" and before == "off":
            self.state.record(service, now, "auto_deploy_enabled", actor, newTrigger=setting)

    # --- steps: each sets a status and schedules the next ---

    def begin(self, deployment_id: str, at: float) -> None:
        deploy = self.state.deployments[deployment_id]
        deploy.started_at = at
        if deploy.fate == "stuck":
            self._enter(deploy, "update_in_progress", at)
        elif deploy.rollback_target and self.state.rules.pre_deploy_on_rollback:
            self._enter(deploy, "pre_deploy_in_progress", at, self.state.pace.pre_deploy, "released")
        elif deploy.rollback_target:
            self._enter(deploy, "update_in_progress", at, self.state.pace.release, "healthy")
        else:
            self._enter(deploy, "build_in_progress", at, self.state.pace.build, "built")

    def built(self, deployment_id: str, at: float) -> None:
        deploy = self.state.deployments[deployment_id]
        if deploy.fate == "build_failed":
            self._end(deploy, "build_failed", at, reason="exit status 1")
            return
        deploy.built_at = at
        if self.state.services[deploy.service_id].pre_deploy:
            self._enter(deploy, "pre_deploy_in_progress", at, self.state.pace.pre_deploy, "released")
        else:
            self._enter(deploy, "update_in_progress", at, self.state.pace.release, "healthy")

    def released(self, deployment_id: str, at: float) -> None:
        deploy = self.state.deployments[deployment_id]
        if deploy.fate == "pre_deploy_failed":
            self._end(deploy, "pre_deploy_failed", at, reason="exit status 1")
            return
        deploy.released_at = at
        self._enter(deploy, "update_in_progress", at, self.state.pace.release, "healthy")

    def healthy(self, deployment_id: str, at: float) -> None:
        deploy = self.state.deployments[deployment_id]
        service = self.state.services[deploy.service_id]
        if deploy.fate == "update_failed":
            self._end(deploy, "update_failed", at, reason="unhealthy")
            return
        before = self.live(service)
        if before:
            before.status, before.updated_at = "deactivated", at
        deploy.status, deploy.finished_at, deploy.updated_at = "live", at, at
        if deploy.fate != "lies":
            service.serve(deploy.id, at)
        elif deploy.truth_after is not None:
            self.state.later(at + deploy.truth_after, "render.truth", deploy.id)
        self._next_waiting(service, at)

    def truth(self, deployment_id: str, at: float) -> None:
        """What was only said to be live now is."""
        deploy = self.state.deployments[deployment_id]
        if deploy.status == "live":
            self.state.services[deploy.service_id].serve(deploy.id, at)

    # --- inside ---

    def _eligible(self, service: Service, target_id: str) -> Deployment:
        target = self.state.find_deployment(service, target_id)
        if service.suspended:
            raise Refusal(400, f"service {service.id} is suspended")
        if target.status == "live":
            raise Refusal(400, f"deploy {target.id} is already live")
        if target.status not in SUCCEEDED:
            raise Refusal(400, f"deploy {target.id} did not succeed and cannot be rolled back to")
        builds = [row for row in self.state.newest_first(service) if row.status in SUCCEEDED]
        if target not in builds[: self.state.rules.kept_builds]:
            raise Refusal(400, f"the build of deploy {target.id} is no longer available")
        return target

    def _new(self, service: Service, sha: str, trigger: str, actor: str, fate: str) -> Deployment:
        now = self.state.now()
        return Deployment(
            self.state.mint("dep"), service.id, sha, "created", trigger, now, now, actor,
            fate=fate,
        )  # fmt: skip

    def _order(self, service: Service, deploy: Deployment) -> Deployment:
        """One deploy at a time: wait behind the running one, or cancel it. Only the newest waiting one stays.

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
        self.state.later(now + self.state.pace.queue, "render.begin", deploy.id)
        return deploy

    def _enter(self, deploy: Deployment, status: str, at: float, seconds: float = 0, then: str = "") -> None:
        deploy.status, deploy.updated_at = status, at
        if then:
            self.state.later(at + seconds, f"render.{then}", deploy.id)

    def _end(
        self, deploy: Deployment, status: str, at: float, *, reason: str = "", superseded_by: str = ""
    ) -> None:
        deploy.status, deploy.updated_at, deploy.finished_at = status, at, at
        deploy.reason, deploy.superseded_by = reason, superseded_by
        self.state.forget(deploy.id)
        self.state.revision += 1
        if not superseded_by:
            self._next_waiting(self.state.services[deploy.service_id], at)

    def _next_waiting(self, service: Service, at: float) -> None:
        waiting = self.waiting(service)
        if waiting and not self.running(service):
            self._enter(waiting[-1], "created", at, 0, "begin")
