"""Render's REST interface as a `Provider`.

A rollback at Render is a new deploy without a build, and its order leaves automatic deploys on: that is why
`pin` exists, and why it comes first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployments.providers.already_current import confirmed
from deployments.providers.base import (
    Ability,
    Accepted,
    AlreadyCurrent,
    DeploymentStatus,
    OrderRecord,
    Phase,
    Progress,
    ProviderError,
    ProviderName,
    ReadBack,
    Refused,
    Unclear,
    Unreadable,
    Unsupported,
    Urgency,
)
from deployments.providers.http import TIMEOUT, Connection, Timeout, Transport
from deployments.providers.ids import RENDER_DEPLOY, checked
from deployments.providers.json_fields import mapping, text
from deployments.providers.rate_limit import Budget
from deployments.providers.render import order_progress, parse
from deployments.providers.render.reads import PAGE, RenderReads, service_path, stamp
from deployments.providers.response import Answer

OK = frozenset({200})
CREATED_OR_QUEUED = frozenset({201, 202})
SETTING = re.compile(r"[A-Za-z_]{1,40}")


def open_render(
    url: str,
    key: str,
    *,
    transport: Transport | None = None,
    budget: Budget | None = None,
    urgency: Urgency = Urgency.BACKGROUND,
    timeout: Timeout = TIMEOUT,
) -> Render:
    """One Render account. `url` ends in `/v1`. Raises ValueError for an unusable address or key."""
    name = ProviderName.RENDER
    return Render(
        Connection(name, url, key, timeout=timeout, transport=transport, budget=budget, urgency=urgency)
    )


@dataclass
class Render(RenderReads):
    """A `Provider`. Thread-safe; one per process."""

    name: ProviderName = ProviderName.RENDER
    supports: frozenset[Ability] = frozenset(
        {Ability.ROLL_BACK, Ability.PIN, Ability.CANCEL, Ability.LOGS, Ability.METRICS}
    )

    def for_operation(self) -> Render:
        """The same account, allowed to use the reserve of the rate budget."""
        return Render(self.connection.with_urgency(Urgency.OPERATION), self.owners)

    def close(self) -> None:
        self.connection.close()

    def roll_back(
        self, service_id: str, deployment_id: str, *, reason: str, deadline: float | None = None
    ) -> Accepted:
        """Reference: https://api-docs.render.com/reference/rollback-deploy

        Sends exactly one POST. Render keeps no reason, so `reason` stays with us. "Already current" is
        believed only where the list of live deploys says so too.
        """
        path = f"{service_path(service_id)}/rollback"
        order = {"deployId": checked(deployment_id, RENDER_DEPLOY)}
        try:
            answer = self.connection.send(
                "POST",
                path,
                json=order,
                accepted=CREATED_OR_QUEUED,
                bucket="deploys",
                subject=service_id,
                deadline=deadline,
            )
        except AlreadyCurrent as refused:
            raise confirmed(refused, lambda: self.current(service_id), deployment_id) from refused
        return _accepted(answer)

    def promote(self, service_id: str, deployment_id: str, *, deadline: float | None = None) -> Accepted:
        raise Unsupported("Render has no promotion: a build goes live by itself, or by a rollback to it.")

    def progress(self, order_record: OrderRecord) -> Progress:
        """Follow the deploy that Render made; `read_back` finds it where no answer named it."""
        ref = order_record.ref or self.read_back(order_record).ref
        if not ref:
            return Progress(Phase.WAITING, "", "Render does not show a deployment for this rollback yet.")
        deploy = self.deployment(order_record.service_id, ref)
        if deploy.raw_status in parse.RUNNING or deploy.status is DeploymentStatus.UNKNOWN:
            return order_progress.progress(order_record, deploy, (), "")
        live = self.with_status(order_record.service_id, ("live",))
        reason = "" if deploy.status is DeploymentStatus.LIVE else self._why_ended(order_record, ref)
        return order_progress.progress(order_record, deploy, live, reason)

    def read_back(self, order_record: OrderRecord) -> ReadBack:
        """Did the order of this ticket arrive? Judged by the deploys and events since it was sent."""
        since = order_record.order_intent_at - order_progress.CLOCK_SKEW
        path = f"{service_path(order_record.service_id)}/deploys"
        newer, _ = self.page(path, {"limit": PAGE, "createdAfter": stamp(since)}, "deploy")
        live = self.with_status(order_record.service_id, ("live",))
        deploys = [parse.deployment(item, order_record.service_id) for item in newer]
        return order_progress.read_back(
            order_record, live, deploys, self.events(order_record.service_id, since=since)
        )

    def pin(self, service_id: str) -> str:
        """Switch automatic deploys off; return what they were: `commit`, `checksPass`, `on` or `off`.

        Reference: https://api-docs.render.com/reference/update-service
        Raises Unreadable where Render does not say what they are, because then nobody could restore them.
        """
        before = self.service(service_id).automatic
        if before is None:
            raise Unreadable("Render does not say whether automatic deploys are on; nothing was changed.")
        if before != "off":
            self._set_automatic(service_id, "off")
        return before

    def unpin(self, service_id: str, setting: str) -> None:
        if not SETTING.fullmatch(setting):
            raise Refused(
                f"{setting!r} is no setting of Render's automatic deploys; nothing was sent.", status=0
            )
        if not _is_so(self.service(service_id).automatic, setting):
            self._set_automatic(service_id, setting)

    def cancel(self, service_id: str, deployment_id: str) -> None:
        """Reference: https://api-docs.render.com/reference/cancel-deploy"""
        path = f"{service_path(service_id)}/deploys/{checked(deployment_id, RENDER_DEPLOY)}/cancel"
        self.connection.send("POST", path, accepted=OK, bucket="writes")

    def _set_automatic(self, service_id: str, setting: str) -> None:
        """Repeating this does no harm, so a lost answer is settled at once by looking."""
        order = {"autoDeploy": "yes"} if setting == "on" else {"autoDeployTrigger": setting}
        path = service_path(service_id)
        try:
            answer = self.connection.send(
                "PATCH", path, json=order, accepted=OK, bucket="deploys", subject=service_id
            )
            now = parse.automatic(mapping(answer.body)) or self.service(service_id).automatic
        except Unclear as unclear:
            now = self._looked_up(service_id, unclear)
        if not _is_so(now, setting):
            raise Unclear(
                f"Automatic deploys at Render should be {setting!r} now, but are {now or 'unknown'!r}."
            )

    def _looked_up(self, service_id: str, unclear: Unclear) -> str | None:
        try:
            return self.service(service_id).automatic
        except ProviderError:
            raise unclear from None

    def _why_ended(self, order_record: OrderRecord, ref: str) -> str:
        try:
            events = self.events(
                order_record.service_id, since=order_record.order_intent_at - order_progress.CLOCK_SKEW
            )
        except ProviderError:
            return ""  # the reason is a courtesy; that it ended is known already
        return next((e.detail for e in events if e.kind == "deploy_ended" and e.deployment_id == ref), "")


def _accepted(answer: Answer) -> Accepted:
    """201 names the new deploy; 202 has no body: it waits behind another one."""
    ref, raw_status = text(answer.body, "id"), text(answer.body, "status")
    if answer.status == 201 and not ref:
        message = (
            "Render accepted our order in a form that we cannot read, and did not name the new deployment."
        )
        raise Unclear(message, request_id=answer.request_id)
    queued = answer.status == 202 or raw_status == "queued"
    return Accepted(ref, raw_status, answer.request_id, queued)


def _is_so(automatic: str | None, setting: str) -> bool:
    return automatic == setting or (setting == "on" and automatic not in {None, "off"})
