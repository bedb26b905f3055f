"""Creates the company's past deployments directly in their final state."""

from __future__ import annotations

from random import Random

from deployments.sandbox.rows import AliasRequestRow, CommitRow, DeploymentRow, ServiceRow, ms
from deployments.sandbox.state import LOWER, digits
from deployments.sandbox.world import World

MINUTE = 60.0


class History:
    """Adds past commits, deployments and rollbacks to a world."""

    def __init__(self, world: World, random: Random) -> None:
        self.world = world
        self.random = random

    def commit(
        self,
        name: str,
        author: str,
        message: str,
        at: float,
        *,
        number: int | None = None,
        branch: str = "main",
    ) -> CommitRow:
        row = CommitRow(self.world.sha(name), message, author, at, branch, number)
        self.world.commits[row.sha] = row
        return row

    # --- Render ---

    def at_render(
        self,
        service: ServiceRow,
        commit: CommitRow,
        *,
        at: float | None = None,
        ends: str = "",
        trigger: str = "new_commit",
        actor: str = "",
        error_rate: float | None = None,
        latency_ms: float | None = None,
        lasts: float | None = None,
    ) -> DeploymentRow:
        """A past deploy, by default about 30 s after its commit; a successful one replaces the live one.

        `at` is when it was created, `lasts` its build time in seconds, `ends` its status where it failed.
        """
        created = at if at is not None else commit.at + self.random.uniform(20, 45)
        row = self.world.add(
            DeploymentRow(
                self.world.mint("dep"), service.id, commit.sha, ends, trigger, created, created, actor,
                error_rate=self.random.uniform(0.001, 0.003) if error_rate is None else error_rate,
                latency_ms=self.random.uniform(210, 260) if latency_ms is None else latency_ms,
            )
        )  # fmt: skip
        row.started_at = created + 5
        built = row.started_at + (lasts or self.random.uniform(120, 210))
        released = built + (12 if service.pre_deploy else 0)
        if ends in ("build_failed", "canceled"):
            return self._over(row, ends, built - 40, "exit status 1" if ends == "build_failed" else "")
        row.built_at = built
        if ends == "pre_deploy_failed":
            return self._over(row, ends, released, "exit status 1")
        row.released_at = released
        if ends == "update_failed":
            return self._over(row, ends, released + 900, "unhealthy")
        return self._take_over(service, row, released + self.random.uniform(40, 60))

    def rolled_back_at_render(
        self, service: ServiceRow, target: DeploymentRow, at: float, actor: str
    ) -> DeploymentRow:
        """A past rollback with the dashboard's button, which switches automatic deploys off."""
        self.world.record(
            service, at - 1, "auto_deploy_disabled", actor, reason="rollback", fromTrigger=service.auto_deploy
        )
        row = self.world.add(
            DeploymentRow(
                self.world.mint("dep"), service.id, target.commit, "live", "rollback", at, at, actor,
                error_rate=target.error_rate, latency_ms=target.latency_ms, rollback_target=target.id,
            )
        )  # fmt: skip
        row.started_at = at + 4
        return self._take_over(service, row, at + 58)

    def _over(self, row: DeploymentRow, status: str, at: float, reason: str) -> DeploymentRow:
        row.status, row.finished_at, row.updated_at, row.reason = status, at, at, reason
        return row

    def _take_over(self, service: ServiceRow, row: DeploymentRow, at: float) -> DeploymentRow:
        before = service.serving()
        if before:
            retired = self.world.deployments[before]
            retired.status, retired.updated_at = "deactivated", at
        self._over(row, "live", at, "")
        service.serve(row.id, at)
        return row

    # --- Vercel ---

    def at_vercel(
        self,
        project: ServiceRow,
        commit: CommitRow,
        *,
        at: float | None = None,
        ends: str = "READY",
        preview: bool = False,
        error_rate: float = 0.0005,
        lasts: float | None = None,
    ) -> DeploymentRow:
        """A past build; a ready production build gets the domains, unless the project is pinned."""
        created = at if at is not None else commit.at + self.random.uniform(4, 9)
        row = self.world.add(
            DeploymentRow(
                self.world.mint("dpl"), project.id, commit.sha, ends, "git", created, created, commit.author,
                branch=commit.branch, target=None if preview else "production",
                error_rate=error_rate, latency_ms=self.random.uniform(45, 80),
            )
        )  # fmt: skip
        row.url = f"{project.name}-{digits(row.id, LOWER, 9)}-acme.vercel.app"
        row.started_at = created + 2
        ended = row.started_at + (lasts or self.random.uniform(55, 110))
        failed = ends == "ERROR"
        self._over(row, ends, ended, 'Command "npm run build" exited with 1' if failed else "")
        if ends != "READY":
            return row
        row.built_at = ended
        if not preview and project.auto_deploy == "on":
            self.point(project, row, ended)
        elif not preview:
            row.substate = "STAGED"
        return row

    def moved_at_vercel(
        self,
        project: ServiceRow,
        target: DeploymentRow,
        at: float,
        actor: str,
        *,
        kind: str,
        description: str = "",
    ) -> None:
        """A past rollback or promotion; `kind` says which."""
        before = project.production_id
        if kind == "rollback":
            self.world.record(
                project, at, "instant-rollback-created", actor,
                fromDeploymentId=before, toDeploymentId=target.id, reason=description,
            )  # fmt: skip
            project.description = {"actor": actor, "description": description, "createdAt": ms(at)}
        else:
            self.world.record(
                project, at, "manual-deployment-promotion-created", actor, toDeploymentId=target.id
            )
        project.alias_request = AliasRequestRow(kind, before, target.id, "succeeded", at)
        project.alias_jobs = dict.fromkeys(project.domains, "completed")
        project.auto_deploy = "off" if kind == "rollback" else "on"
        self.point(project, target, at + 2)

    def point(self, project: ServiceRow, row: DeploymentRow, at: float) -> None:
        for domain in project.domains:
            project.aliases[domain] = row.id
        project.serve(row.id, at)
        self.world.vercel.become_production(project, row, at)
