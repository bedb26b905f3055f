"""The world: its rows, what the two providers do with them in time, and what others do behind one's back."""

from __future__ import annotations

from typing import Any

from deployments.sandbox.clock import Clock, Pace, utcnow
from deployments.sandbox.render.behaviour import RenderMoves
from deployments.sandbox.rows import AliasRequest, Commit, Deployment, Refusal, Service, Step
from deployments.sandbox.state import State
from deployments.sandbox.vercel.behaviour import VercelMoves


class World(State):
    """A function of time: `settle` lets happen what was due since the last look."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.render = RenderMoves(self)
        self.vercel = VercelMoves(self)

    def settle(self) -> None:
        with self.lock:
            until = self.now()
            while step := self.next_step(until):
                self.moment = step.at
                self._take(step)
                self.moment = None

    def _take(self, step: Step) -> None:
        side, _, what = step.name.partition(".")
        name, *rest = what.split(" ")
        getattr(self.render if side == "render" else self.vercel, name)(step.subject, step.at, *rest)
        self.revision += 1

    def service(self, name: str) -> Service:
        """By id or name; for tests and scripts."""
        for service in self.services.values():
            if name in (service.id, service.name):
                return service
        raise LookupError(f"The sandbox has no service {name}.")

    def serving(self, name: str) -> Deployment:
        """The deployment that really answers the visitors of a service now."""
        with self.lock:
            self.settle()
            deployment_id = self.service(name).serving()
            if deployment_id is None:
                raise LookupError(f"Nothing serves {name}.")
            return self.deployments[deployment_id]

    # --- behind the portal's back ---

    def somebody_rolls_back(
        self, service: str, deployment_id: str, actor: str = "chioma"
    ) -> Deployment | AliasRequest:
        """Press the button in the provider's dashboard; Render's also switches automatic deploys off."""
        with self.lock:
            self.settle()
            row = self.service(service)
            if row.provider == "render":
                return self.render.roll_back(row, deployment_id, actor=actor, dashboard=True)
            return self.vercel.roll_back(row, deployment_id, actor=actor)

    def somebody_promotes(
        self, service: str, deployment_id: str, actor: str = "chioma"
    ) -> AliasRequest | None:
        """Vercel only: promote in its dashboard, which also undoes a rollback."""
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
        fate: str = "",
    ) -> Deployment | None:
        """A commit is pushed. None where automatic deploys are off (Render); a pinned project stages it.

        `fate` makes it end badly: Render `build_failed`, `pre_deploy_failed`, `update_failed`; Vercel
        `ERROR`; both `stuck`.
        """
        with self.lock:
            self.settle()
            row = self.service(service)
            branch = "preview" if preview else "main"
            commit = Commit(self.sha(f"pushed/{len(self.commits)}"), message, author, self.now(), branch)
            self.commits[commit.sha] = commit
            self.revision += 1
            if row.provider == "render":
                return self.render.push(row, commit, fate=fate)
            return self.vercel.push(row, commit, preview=preview, fate=fate)

    def somebody_sets_automatic(self, service: str, setting: str, actor: str = "chioma") -> None:
        """Render `commit`, `checksPass`, `off`; Vercel `on`, `off`."""
        with self.lock:
            self.settle()
            row = self.service(service)
            if row.provider == "render":
                self.render.set_automatic(row, setting, actor=actor)
            elif setting in ("on", "off"):
                self.vercel.set_automatic(row, setting == "on")
            else:
                raise Refusal(400, "Vercel knows only on and off.")

    def somebody_starts_rolling_release(
        self, service: str, deployment_id: str, seconds: float | None = None
    ) -> None:
        """Vercel only; while it is active a promotion waits behind it."""
        with self.lock:
            self.settle()
            project = self.service(service)
            self.vercel.rolling.start(project, self.find_deployment(project, deployment_id), seconds)

    # --- JSON ---

    @classmethod
    def from_json(cls, data: dict[str, Any], *, clock: Clock = utcnow, pace: Pace | None = None) -> World:
        world = cls(clock=clock, pace=pace, seed=data["seed"])
        world.fill(data)
        return world
