"""Vercel's REST interface as a `Provider`.

A rollback moves the production domains to an earlier build within seconds and pins them there; promotion
moves them on and lets new builds take them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.providers.already_current import confirmed
from deployments.providers.base import (
    Ability,
    Accepted,
    AlreadyCurrent,
    Current,
    OrderRecord,
    Progress,
    ProviderError,
    ProviderName,
    ReadBack,
    Refused,
    Unclear,
    Unreadable,
    Urgency,
)
from deployments.providers.http import TIMEOUT, Connection, Timeout, Transport
from deployments.providers.ids import NOT_SENT, VERCEL_DEPLOYMENT, checked
from deployments.providers.json_fields import plain
from deployments.providers.rate_limit import Budget
from deployments.providers.vercel import order_progress, project_state
from deployments.providers.vercel.reads import VercelReads, project_path, read_failed_aliases

OK = frozenset({200})
CREATED = frozenset({201})
CREATED_OR_QUEUED = frozenset({201, 202})
LONGEST_DESCRIPTION = 250
SETTINGS = {"on": True, "off": False}


def open_vercel(
    url: str,
    token: str,
    team_id: str,
    *,
    transport: Transport | None = None,
    budget: Budget | None = None,
    urgency: Urgency = Urgency.BACKGROUND,
    timeout: Timeout = TIMEOUT,
) -> Vercel:
    """One Vercel team; without a team id, the personal account. Raises ValueError for an unusable address."""
    team = {"teamId": team_id} if team_id else {}
    connection = Connection(
        ProviderName.VERCEL,
        url,
        token,
        params=team,
        timeout=timeout,
        transport=transport,
        budget=budget,
        urgency=urgency,
    )
    return Vercel(connection)


@dataclass
class Vercel(VercelReads):
    """A `Provider`. Thread-safe; one per process."""

    name: ProviderName = ProviderName.VERCEL
    supports: frozenset[Ability] = frozenset(
        {Ability.ROLL_BACK, Ability.PROMOTE, Ability.PIN, Ability.CANCEL, Ability.LOGS}
    )

    def for_operation(self) -> Vercel:
        """The same account, allowed to use the reserve of the rate budget."""
        return Vercel(self.connection.with_urgency(Urgency.OPERATION))

    def close(self) -> None:
        self.connection.close()

    def roll_back(
        self, service_id: str, deployment_id: str, *, reason: str, deadline: float | None = None
    ) -> Accepted:
        """Reference: https://vercel.com/docs/instant-rollback

        Sends exactly one POST. Vercel keeps the first 250 characters of the reason as its description.
        """
        description = plain(reason, LONGEST_DESCRIPTION)
        params = {"description": description} if description else {}
        path = f"{project_path(service_id, 'v1')}/rollback/{checked(deployment_id, VERCEL_DEPLOYMENT)}"
        return self._move(service_id, deployment_id, path, params, CREATED, deadline)

    def promote(self, service_id: str, deployment_id: str, *, deadline: float | None = None) -> Accepted:
        """Reference: https://vercel.com/docs/deployments/promoting-a-deployment

        Sends exactly one POST. For a deployment that was built for production; a preview is refused.
        """
        path = f"{project_path(service_id, 'v10')}/promote/{checked(deployment_id, VERCEL_DEPLOYMENT)}"
        return self._move(service_id, deployment_id, path, {}, CREATED_OR_QUEUED, deadline)

    def progress(self, order_record: OrderRecord) -> Progress:
        current = self.current(order_record.service_id)
        return order_progress.progress(order_record, current, self._failed_aliases(order_record, current))

    def read_back(self, order_record: OrderRecord) -> ReadBack:
        project = self.read_project(order_record.service_id)
        current = project_state.current(project.thing(), project.provider_time)
        return order_progress.read_back(
            order_record,
            current,
            request_known="lastAliasRequest" in project.thing(),
            live_is_older=self._is_older(current.live_id, order_record),
        )

    def pin(self, service_id: str) -> str:
        """Let no new build take the production domains; return `on` or `off`, what it was.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/update-an-existing-project
        Raises Unreadable where Vercel does not say what it is, because then nobody could restore it.
        """
        before = self.current(service_id).automatic
        if before is None:
            raise Unreadable("Vercel does not say whether new builds take the domains; nothing was changed.")
        if before != "off":
            self._set_automatic(service_id, "off")
        return before

    def unpin(self, service_id: str, setting: str) -> None:
        if setting not in SETTINGS:
            raise Refused(
                f"{setting!r} is no setting of Vercel's domains; nothing was sent.", status=NOT_SENT
            )
        if self.current(service_id).automatic != setting:
            self._set_automatic(service_id, setting)

    def cancel(self, service_id: str, deployment_id: str) -> None:
        """Reference: https://vercel.com/docs/rest-api/reference/endpoints/deployments/cancel-a-deployment"""
        path = f"/v12/deployments/{checked(deployment_id, VERCEL_DEPLOYMENT)}/cancel"
        self.deployment(
            service_id, deployment_id
        )  # the address names no project: make sure that it is this one
        self.connection.send("PATCH", path, accepted=OK, bucket="writes")

    def _move(
        self,
        service_id: str,
        deployment_id: str,
        path: str,
        params: dict[str, str],
        accepted: frozenset[int],
        deadline: float | None,
    ) -> Accepted:
        """The one POST. 409 and 422 may mean "current already"; that is believed only after looking."""
        try:
            answer = self.connection.send(
                "POST", path, params=params, accepted=accepted, bucket="writes", deadline=deadline
            )
        except Refused as refused:
            if isinstance(refused, AlreadyCurrent) or refused.status == 422:
                raise confirmed(refused, lambda: self.current(service_id), deployment_id) from refused
            raise
        return Accepted("", str(answer.status), answer.request_id, queued=answer.status == 202)

    def _failed_aliases(self, order_record: OrderRecord, current: Current) -> Sequence[str]:
        """Which domains did not move; a courtesy that must not hide that the move failed."""
        request = current.alias_request
        if not request or request.status != "failed" or not order_progress.belongs(request, order_record):
            return ()
        try:
            return read_failed_aliases(self.connection, order_record.service_id, order_record.kind)
        except ProviderError:
            return [a.domain for a in current.aliases if a.deployment_id != order_record.deployment_id]

    def _is_older(self, live_id: str | None, order_record: OrderRecord) -> bool | None:
        if live_id is None or live_id in order_record.known:
            return True if live_id else None
        try:
            return self.deployment(order_record.service_id, live_id).created_at < order_record.order_intent_at
        except ProviderError:
            return None

    def _set_automatic(self, service_id: str, setting: str) -> None:
        """Repeating this does no harm, so a lost answer is settled at once by looking."""
        order = {"autoAssignCustomDomains": SETTINGS[setting]}
        try:
            answer = self.connection.send(
                "PATCH", project_path(service_id), json=order, accepted=OK, bucket="writes"
            )
            now = project_state.automatic(answer.body) or self.current(service_id).automatic
        except Unclear as unclear:
            now = self._looked_up(service_id, unclear)
        if now != setting:
            raise Unclear(
                f"Vercel's automatic domains should be {setting!r} now, but are {now or 'unknown'!r}."
            )

    def _looked_up(self, service_id: str, unclear: Unclear) -> str | None:
        try:
            return self.current(service_id).automatic
        except ProviderError:
            raise unclear from None
