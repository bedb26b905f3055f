"""The `Provider` for Render's REST API.

A rollback at Render is a new deploy that skips the build. Ordered over the API it leaves automatic deploys
on, so the next push would undo it; that is what `pin` is for, and why it comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Unpack

from deployments.providers.already_current import verified
from deployments.providers.base import (
    Accepted,
    AlreadyCurrent,
    DeploymentStatus,
    OrderProgress,
    OrderRecord,
    Phase,
    ProviderError,
    ProviderName,
    ReadBack,
    RemoteEvent,
    Unclear,
    Unsupported,
)
from deployments.providers.http import ConnectionOptions, ProviderConnection
from deployments.providers.ids import RENDER_DEPLOY, checked
from deployments.providers.json_fields import text
from deployments.providers.render import order_progress, parse
from deployments.providers.render.auto_deploy import RenderAutoDeploy
from deployments.providers.render.reads import RenderReads, service_path
from deployments.providers.response import ProviderResponse

OK = frozenset({200})
CREATED_OR_QUEUED = frozenset({201, 202})
MOST_SKEW = timedelta(hours=3)  # events are asked for from so long before the order: clocks may be wrong


def open_render(url: str, key: str, **options: Unpack[ConnectionOptions]) -> Render:
    """One Render account. `url` ends in `/v1`. Raises ValueError for an unusable address or key."""
    return Render(ProviderConnection(ProviderName.RENDER, url, key, **options))


@dataclass
class Render(RenderReads):
    """A `Provider`. Thread-safe; one per process."""

    name: ProviderName = ProviderName.RENDER

    def close(self) -> None:
        self.connection.close()

    def roll_back(
        self, service_id: str, deployment_id: str, *, reason: str, deadline: float | None = None
    ) -> Accepted:
        """Send one POST; Render answers 201 with the new deploy, or 202 where it waits behind another one.

        Render has no field for `reason`. "Already live" is believed only where the live deploy is the target.
        Args and errors: `Provider.roll_back`.

        Reference: https://api-docs.render.com/reference/rollback-deploy (POST /services/{id}/rollback)
        """
        path = f"{service_path(service_id)}/rollback"
        order = {"deployId": checked(deployment_id, RENDER_DEPLOY)}
        try:
            response = self.connection.send(
                "POST",
                path,
                json=order,
                accepted=CREATED_OR_QUEUED,
                bucket="deploys",
                subject=service_id,
                deadline=deadline,
            )
        except AlreadyCurrent as refused:
            raise verified(refused, lambda: self.current(service_id), deployment_id) from refused
        return _accepted(response)

    def promote(self, service_id: str, deployment_id: str, *, deadline: float | None = None) -> Accepted:
        """Render has no promotion. Raises Unsupported."""
        raise Unsupported("Render has no promotion: a build goes live by itself, or by a rollback to it.")

    def complete_release(
        self, service_id: str, deployment_id: str, *, deadline: float | None = None
    ) -> Accepted:
        """Render has no rolling releases. Raises Unsupported."""
        raise Unsupported("Render has no rolling releases.")

    def progress(self, order_record: OrderRecord) -> OrderProgress:
        """Follow the deploy that Render made for the order; `read_back` finds it where no response named it.

        Reference: https://api-docs.render.com/reference/retrieve-deploy, and `list-deploys` for what is live
        """
        ref = order_record.ref or self.read_back(order_record).ref
        if not ref:
            return OrderProgress(
                Phase.WAITING, "", "Render does not show a deployment for this rollback yet."
            )
        deploy = self.deployment(order_record.service_id, ref)
        if deploy.raw_status in parse.RUNNING or deploy.status is DeploymentStatus.UNKNOWN:
            return order_progress.progress(deploy, (), "")
        live = self.with_status(order_record.service_id, ("live",))
        reason = "" if deploy.status is DeploymentStatus.LIVE else self._failure_reason(order_record, ref)
        return order_progress.progress(deploy, live, reason)

    def read_back(self, order_record: OrderRecord) -> ReadBack:
        """Did the order arrive? Judged by the deploys that were not known before it; events only help.

        Reference: https://api-docs.render.com/reference/list-deploys and `list-events`
        """
        service_id = order_record.service_id
        serving = self.with_status(service_id, ("live", *parse.RUNNING))
        page = self.deployments(service_id)
        return order_progress.read_back(order_record, serving, page, self._events_since(order_record))

    def pin(self, service_id: str) -> str:
        """Switch automatic deploys off; return the setting before: `commit`, `checksPass`, `on` or `off`.

        Raises Unreadable or Unclear, see `Provider.pin`.

        Reference: https://api-docs.render.com/reference/update-service (PATCH /services/{id})
        """
        return RenderAutoDeploy(self).switch_off(service_id)

    def unpin(self, service_id: str, setting: str) -> None:
        """Bring automatic deploys back to `setting`. Raises Refused or Unclear, see `Provider.unpin`.

        Reference: https://api-docs.render.com/reference/update-service (PATCH /services/{id})
        """
        RenderAutoDeploy(self).restore(service_id, setting)

    def cancel(self, service_id: str, deployment_id: str) -> None:
        """Cancel a deploy that is still queued or running. Raises Refused where it has ended already.

        Reference: https://api-docs.render.com/reference/cancel-deploy
        """
        path = f"{service_path(service_id)}/deploys/{checked(deployment_id, RENDER_DEPLOY)}/cancel"
        self.connection.send("POST", path, accepted=OK, bucket="writes")

    def _failure_reason(self, order_record: OrderRecord, ref: str) -> str:
        events = self._events_since(order_record)
        return next((e.detail for e in events if e.kind == "deploy_ended" and e.deployment_id == ref), "")

    def _events_since(self, order_record: OrderRecord) -> Sequence[RemoteEvent]:
        """The events since about the order; none where they cannot be read, because they only add to it."""
        try:
            return self.events(order_record.service_id, since=order_record.order_intent_at - MOST_SKEW)
        except ProviderError:
            return ()


def _accepted(response: ProviderResponse) -> Accepted:
    """201 names the new deploy; 202 has no body, because the deploy waits behind another one."""
    ref, raw_status = text(response.body, "id"), text(response.body, "status")
    if response.status == 201 and not ref:
        message = (
            "Render accepted our order in a form that we cannot read, and did not name the new deployment."
        )
        raise Unclear(message, request_id=response.request_id)
    queued = response.status == 202 or raw_status == "queued"
    return Accepted(ref, raw_status, response.request_id, queued)
