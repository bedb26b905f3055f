"""A generated deployment history, used to test `previous`."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from deployments.models import Change, Deployment, OperationKind, Pin, Service
from deployments.sync.live_periods import save_live_periods
from tests import factories

STEP = timedelta(minutes=7)


class Story:
    """Rows as readings leave them, and beside them what a person remembers.

    `bad` are the builds that were rolled back from and have not been live since; `went_back` says whether the
    live one came by going back; `ended` is when each build last stopped serving. The provider's clock is
    `ahead` of the portal's.
    """

    def __init__(self, kind: str, *, ahead: timedelta = timedelta()) -> None:
        self.ahead = ahead
        self.service: Service = factories.service(kind)
        self.is_render = self.service.provider == "render"
        self.now: datetime = timezone.now() - timedelta(days=2)
        self.built: list[Deployment] = []
        self.build_of: dict[int, Deployment] = {}
        self.live: Deployment | None = None
        self.bad: set[int] = set()
        self.left_for: dict[int, set[int]] = {}  # by build: what was rolled back from to it
        self.went_back = False
        self.ended: dict[int, datetime] = {}

    def deploy(self, subject: str = "", **fields: object) -> Deployment:
        """A new build goes live."""
        self.now += STEP
        subject = subject or f"Change {len(self.built)}"
        made = factories.deployment(
            self.service, subject, **{"created_at": self.now, "live_until": None, **fields}
        )
        self.built.append(made)
        self.build_of[made.pk] = made
        self._serve(made)
        self.went_back = self._is_pinned()
        return made

    def roll_back(self, to: Deployment, *, by: str = "Ana Ruiz", outside: bool = False) -> Deployment:
        """At Render a new deployment that restores the build, at Vercel the same one serves again."""
        left = self.live
        assert left is not None
        served = self.serve_again(to)
        change = None if outside else self._change(left, to, by)
        Pin.objects.stand(
            self.service,
            auto_deploy_before="commit",
            pinned_by=by,
            change=change,
            deployment=served if outside else to,
            rolled_back_from=left,
            pinned_at=self.now,
            reason=change.operation.why if change else "seen in the dashboard",
            incident=change.operation.incident if change else "",
        )
        self.bad.add(self.build_of[left.pk].pk)
        self.bad.discard(self.build_of[to.pk].pk)
        self.left_for.setdefault(self.build_of[to.pk].pk, set()).add(self.build_of[left.pk].pk)
        self.went_back = True
        return served

    def leave(self) -> None:
        """Keep what is live; automatic deploys come back."""
        self.service.pins.standing().update(released_at=self.now, released_by="Ana Ruiz")

    def return_to(self, to: Deployment) -> Deployment:
        """Leave the rollback, back to this one: somebody takes it for good again."""
        left = self.live
        still_bad = self.left_for.get(self.build_of[to.pk].pk, set()) & self.bad
        self.went_back = self.is_render or bool(still_bad)  # at Render it is a rollback of its own
        served = self.serve_again(to)
        operation = factories.operation(OperationKind.LEAVE)
        factories.change(
            self.service, to, status="succeeded", operation=operation, from_deployment=left, ended_at=self.now
        )
        self.bad.discard(self.build_of[to.pk].pk)
        self.leave()
        return served

    def serve_again(self, to: Deployment) -> Deployment:
        """The provider puts a build live once more; nobody has written down why."""
        self.now += STEP
        served = self._restored(to)
        self._serve(served)
        return served

    @property
    def loaded(self) -> Service:
        return Service.objects.select_related("live__restores").get(pk=self.service.pk)

    def _is_pinned(self) -> bool:
        return self.service.pins.standing().exists()

    def _restored(self, to: Deployment) -> Deployment:
        if not self.is_render:
            return to
        copy = factories.deployment(
            self.service, to.subject, created_at=self.now, restores=to, trigger="rollback", live_until=None
        )
        self.build_of[copy.pk] = self.build_of[to.pk]
        return copy

    def _change(self, left: Deployment, to: Deployment, by: str) -> Change:
        operation = factories.operation(requested_by_name=by)
        return factories.change(
            self.service, to, status="succeeded", operation=operation, from_deployment=left, ended_at=self.now
        )

    def _serve(self, deployment: Deployment) -> None:
        if self.live is not None:
            self.ended[self.build_of[self.live.pk].pk] = self.now
        self.live = self.service.live = deployment
        self.service.save(update_fields=["live"])
        at = self.now + self.ahead
        save_live_periods(self.service, [(at, deployment)], deployment, at)
