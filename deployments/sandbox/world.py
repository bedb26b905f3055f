"""The whole simulation: its state, both providers' behaviour, and what people do outside the portal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deployments.sandbox.clock import Clock, Pace, utcnow
from deployments.sandbox.render.behaviour import RenderBehaviour
from deployments.sandbox.rows import (
    AliasRequestRow,
    ApiRefusal,
    CommitRow,
    CourseStep,
    DeploymentRow,
    ScheduledStep,
    ServiceRow,
    TroubleRow,
    overlaid,
)
from deployments.sandbox.state import SandboxState
from deployments.sandbox.vercel.behaviour import VercelBehaviour


class World(SandboxState):
    """The simulated company at both providers.

    It only changes when `settle` is called, which makes every change that has become due since the last call.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.render = RenderBehaviour(self)
        self.vercel = VercelBehaviour(self)

    def settle(self) -> None:
        """Run the scheduled steps that are due, each at its own time."""
        with self.lock:
            until = self.now()
            while step := self.next_step(until):
                self.step_time = step.at
                self._run(step)
                self.step_time = None

    def _run(self, step: ScheduledStep) -> None:
        provider, _, call = step.name.partition(".")
        name, *rest = call.split(" ")
        getattr(self.render if provider == "render" else self.vercel, name)(step.subject, step.at, *rest)
        self.revision += 1

    def service(self, name: str) -> ServiceRow:
        """A service by its id or name. Raises LookupError."""
        for service in self.services.values():
            if name in (service.id, service.name):
                return service
        raise LookupError(f"The sandbox has no service {name}.")

    def serving(self, name: str) -> DeploymentRow:
        """The deployment that really answers the visitors of a service now. Raises LookupError."""
        with self.lock:
            self.settle()
            deployment_id = self.service(name).serving()
            if deployment_id is None:
                raise LookupError(f"Nothing serves {name}.")
            return self.deployments[deployment_id]

    # --- Changes that somebody makes outside the portal ---

    def somebody_rolls_back(
        self, service: str, deployment_id: str, actor: str = "chioma", *, dashboard: bool = True
    ) -> DeploymentRow | AliasRequestRow:
        """A rollback in the provider's dashboard, or over its API.

        Render's dashboard also switches automatic deploys off; its API leaves them as they are.
        """
        with self.lock:
            self.settle()
            row = self.service(service)
            if row.provider == "render":
                return self.render.roll_back(row, deployment_id, actor=actor, dashboard=dashboard)
            return self.vercel.roll_back(row, deployment_id, actor=actor)

    def somebody_promotes(
        self, service: str, deployment_id: str, actor: str = "chioma"
    ) -> AliasRequestRow | None:
        """Vercel only: a promotion in its dashboard, which also ends a rollback."""
        with self.lock:
            self.settle()
            return self.vercel.promote(self.service(service), deployment_id, actor=actor)

    def somebody_pushes(
        self,
        service: str,
        *,
        message: str = "Tidy up imports",
        author: str = "bo",
        preview: bool = False,
        outcome: str = "",
    ) -> DeploymentRow | None:
        """A push. None where automatic deploys are off (Render); a pinned Vercel project stages the build.

        `outcome` makes the deployment fail: Render `build_failed`, `pre_deploy_failed`, `update_failed`;
        Vercel `ERROR`; both `stuck`.
        """
        with self.lock:
            self.settle()
            row = self.service(service)
            branch = "preview" if preview else "main"
            commit = CommitRow(self.sha(f"pushed/{len(self.commits)}"), message, author, self.now(), branch)
            self.commits[commit.sha] = commit
            self.revision += 1
            if row.provider == "render":
                return self.render.push(row, commit, outcome=outcome)
            return self.vercel.push(row, commit, preview=preview, outcome=outcome)

    def somebody_deploys(
        self, service: str, *, trigger: str, actor: str = "chioma", message: str = "Hotfix", outcome: str = ""
    ) -> DeploymentRow:
        """A deployment of a new commit that does not wait for automatic deploys.

        `trigger` is the provider's word: Render `manual`, `api`, `deploy_hook`, `blueprint_sync`; Vercel
        `cli`, `redeploy`, `git-deploy-hook`. A pinned Vercel project stages it.
        """
        with self.lock:
            self.settle()
            row = self.service(service)
            commit = CommitRow(self.sha(f"deployed/{len(self.commits)}"), message, "bo", self.now())
            self.commits[commit.sha] = commit
            if row.provider == "render":
                return self.render.deploy(row, commit, trigger=trigger, actor=actor, outcome=outcome)
            return self.vercel.build(row, commit, source=trigger, actor=actor, outcome=outcome)

    def somebody_changes_environment(
        self, service: str, variable: str = "STRIPE_VERSION", actor: str = "chioma"
    ) -> DeploymentRow | None:
        """A changed environment variable. Render deploys the same commit with it, Vercel only records it."""
        with self.lock:
            self.settle()
            row = self.service(service)
            if row.provider == "vercel":
                self.record(row, self.now(), "env-variable-edit", actor, key=variable)
                return None
            live = self.render.live(row) or self.history[row.id][-1]
            commit = self.commits[live.commit]
            return self.render.deploy(row, commit, trigger="service_updated", actor=actor)

    def somebody_moves_domain(
        self, service: str, domain: str, deployment_id: str, actor: str = "chioma"
    ) -> None:
        """Vercel only: one domain is pointed to a deployment by hand, which is no move of the project."""
        with self.lock:
            self.settle()
            project = self.service(service)
            deployment = self.find_deployment(project, deployment_id)
            self.vercel.point(project, domain, deployment, self.now())
            self.record(project, self.now(), "alias", actor, alias=domain, deploymentId=deployment.id)

    def somebody_sets_auto_deploy(self, service: str, setting: str, actor: str = "chioma") -> None:
        """Change automatic deployments: Render `commit`, `checksPass` or `off`; Vercel `on` or `off`."""
        with self.lock:
            self.settle()
            row = self.service(service)
            if row.provider == "render":
                self.render.set_auto_deploy(row, setting, actor=actor)
            elif setting in ("on", "off"):
                self.vercel.set_auto_deploy(row, setting == "on")
            else:
                raise ApiRefusal(400, "Vercel knows only on and off.")

    def somebody_starts_rolling_release(
        self, service: str, deployment_id: str, seconds: float | None = None
    ) -> None:
        """Vercel only: start a rolling release, for which a promotion has to wait."""
        with self.lock:
            self.settle()
            project = self.service(service)
            self.vercel.rolling.start(project, self.find_deployment(project, deployment_id), seconds)

    # --- Traffic, and what goes wrong with it ---

    def somebody_changes_traffic(self, service: str, requests_per_second: float) -> None:
        """So many visitors on average, from the beginning of time on."""
        with self.lock:
            self.settle()
            self.service(service).requests_per_minute = requests_per_second * 60
            self.revision += 1

    def somebody_changes_course(
        self, service: str, steps: list[dict[str, float]], deployment_id: str = ""
    ) -> None:
        """How a deployment (the one that serves, by default) behaves so long after it went live.

        `[{"after": 1800, "error_rate": 0.08, "latency_ms": 1450}]` is harm that begins 30 minutes late.
        """
        with self.lock:
            row = self.service(service)
            deployment = self.find_deployment(row, deployment_id) if deployment_id else self.serving(service)
            deployment.course = [CourseStep(**step) for step in steps]
            self.revision += 1

    def somebody_causes_trouble(
        self,
        service: str,
        error_rate: float = 0.08,
        latency_ms: float = 0.0,
        since: float = 0.0,
        lasts: float | None = None,
    ) -> None:
        """Requests fail whatever deployment serves. `since` seconds ago; until `somebody_ends_trouble`."""
        with self.lock:
            self.settle()
            began = self.now() - since
            until = None if lasts is None else began + lasts
            self.service(service).troubles.append(TroubleRow(began, until, error_rate, latency_ms))
            self.revision += 1

    def somebody_ends_trouble(self, service: str) -> None:
        with self.lock:
            self.settle()
            for trouble in self.service(service).troubles:
                trouble.until = min(trouble.until or self.now(), self.now())
            self.revision += 1

    # --- What a provider's record says beside what the simulation makes of it ---

    def provider_says(self, service: str, fields: dict[str, Any], deployment_id: str = "") -> None:
        """Set fields in the JSON of a service, or of one of its deployments; objects are merged.

        `{"deleted": 1767312060000}` deletes a deployment at Vercel, `{"alias": None}` hides where the domains
        of a project point, `{"serviceDetails": {"maintenanceMode": {"enabled": True}}}` is for Render.
        """
        with self.lock:
            self.settle()
            row: ServiceRow | DeploymentRow = self.service(service)
            if deployment_id:
                row = self.find_deployment(self.service(service), deployment_id)
            row.played = overlaid(row.played, fields)
            self.revision += 1

    def provider_records(
        self, service: str, kind: str, details: dict[str, Any], actor: str = "chioma"
    ) -> None:
        """Record an event of any type: Render's `details`, Vercel's payload."""
        with self.lock:
            self.settle()
            self.record(self.service(service), self.now(), kind, actor, **details)

    def service_writes(self, service: str, lines: Sequence[tuple[str, str]], over: float = 1.0) -> None:
        """Lines of a service's log, each a text and a level, over the last so many seconds."""
        with self.lock:
            self.settle()
            row = self.service(service)
            began = self.now() - over
            row.written += [
                (began + over * number / len(lines), text, level)
                for number, (text, level) in enumerate(lines, 1)
            ]
            self.revision += 1

    def somebody_adds_domain(self, service: str, domain: str, *, verified: bool = True) -> None:
        """Render only: a custom domain, which serves once it is verified."""
        with self.lock:
            self.settle()
            row = self.service(service)
            row.domains.append(domain)
            if not verified:
                row.unverified.append(domain)
            self.revision += 1

    # --- JSON ---

    @classmethod
    def from_json(cls, data: dict[str, Any], *, clock: Clock = utcnow, pace: Pace | None = None) -> World:
        world = cls(clock=clock, pace=pace, seed=data["seed"])
        world.fill(data)
        return world
