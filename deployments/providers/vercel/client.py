"""The `Provider` for Vercel's REST API.

A rollback points the production domains to an earlier build within seconds and stops new builds from taking
them over. A promotion points them to another build and lets new builds take them over again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

from deployments.providers.already_current import verified
from deployments.providers.base import (
    Accepted,
    AlreadyCurrent,
    Current,
    OrderProgress,
    OrderRecord,
    ProviderError,
    ProviderName,
    ReadBack,
    Refused,
)
from deployments.providers.http import ConnectionOptions, ProviderConnection
from deployments.providers.ids import VERCEL_DEPLOYMENT, checked
from deployments.providers.vercel import order_progress, rolling_release
from deployments.providers.vercel.auto_deploy import VercelAutoDeploy
from deployments.providers.vercel.reads import VercelReads, project_path, read_failed_aliases
from rollback_portal.text import clean_line

OK = frozenset({200})
CREATED = frozenset({201})
CREATED_OR_QUEUED = frozenset({201, 202})
LONGEST_DESCRIPTION = 250  # characters


def open_vercel(url: str, token: str, team_id: str, **options: Unpack[ConnectionOptions]) -> Vercel:
    """One Vercel team, or the personal account where `team_id` is "".

    Raises ValueError for an unusable address or token.
    """
    params = {"teamId": team_id} if team_id else {}
    return Vercel(ProviderConnection(ProviderName.VERCEL, url, token, params=params, **options))


@dataclass
class Vercel(VercelReads):
    """A `Provider`. Thread-safe; one per process."""

    name: ProviderName = ProviderName.VERCEL

    def close(self) -> None:
        self.connection.close()

    def roll_back(
        self, service_id: str, deployment_id: str, *, reason: str, deadline: float | None = None
    ) -> Accepted:
        """Send one POST; 201 means accepted. The first 250 characters of `reason` become the description.

        Args and errors: `Provider.roll_back`.

        Reference: https://vercel.com/docs/instant-rollback
            (POST /v1/projects/{projectId}/rollback/{deploymentId})
        """
        description = clean_line(reason, LONGEST_DESCRIPTION)
        params = {"description": description} if description else {}
        path = f"{project_path(service_id, 'v1')}/rollback/{checked(deployment_id, VERCEL_DEPLOYMENT)}"
        return self._move_domains(service_id, deployment_id, path, params, CREATED, deadline)

    def promote(self, service_id: str, deployment_id: str, *, deadline: float | None = None) -> Accepted:
        """Send one POST; 201 means accepted, 202 that a rolling release comes first. A preview is refused.

        Args and errors: `Provider.promote`.

        Reference: https://vercel.com/docs/deployments/promoting-a-deployment
            (POST /v10/projects/{projectId}/promote/{deploymentId})
        """
        path = f"{project_path(service_id, 'v10')}/promote/{checked(deployment_id, VERCEL_DEPLOYMENT)}"
        return self._move_domains(service_id, deployment_id, path, {}, CREATED_OR_QUEUED, deadline)

    def complete_release(
        self, service_id: str, deployment_id: str, *, deadline: float | None = None
    ) -> Accepted:
        """Send one POST; 200 means accepted.

        Args and errors: `Provider.complete_release`.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/rolling-release
            (POST /v1/projects/{idOrName}/rolling-release/complete)
        """
        response = self.connection.send(
            "POST",
            f"{project_path(service_id, 'v1')}/rolling-release/complete",
            json={"canaryDeploymentId": checked(deployment_id, VERCEL_DEPLOYMENT)},
            accepted=OK,
            bucket="writes",
            deadline=deadline,
        )
        return Accepted("", str(response.status), response.request_id)

    def progress(self, order_record: OrderRecord) -> OrderProgress:
        """Judge the project's `lastAliasRequest`, its rolling release and where its domains point.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/find-a-project-by-id-or-name
        """
        current = self._current_for(order_record)
        if order_record.kind == "complete":
            return rolling_release.completion(order_record, current)
        if rolling_release.has_queued(order_record, current):
            return rolling_release.queued(current)
        return order_progress.progress(order_record, current, self._failed_aliases(order_record, current))

    def read_back(self, order_record: OrderRecord) -> ReadBack:
        """Did the order arrive? Judged by the last move of the domains: is it another one than before?

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/find-a-project-by-id-or-name
        """
        current = self._current_for(order_record)
        usual = order_progress.read_back(order_record, current)
        if rolling_release.concerns(order_record, current) or not current.release_known:
            return rolling_release.read_back(order_record, current, usual)
        return usual

    def _current_for(self, order_record: OrderRecord) -> Current:
        response = self.read_project(order_record.service_id)
        return self.state_of(response, during_release=order_record.release != "")

    def pin(self, service_id: str) -> str:
        """Stop new builds from taking over the production domains; return `on` or `off`, the setting before.

        Raises Unreadable or Unclear, see `Provider.pin`.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/update-an-existing-project
        """
        return VercelAutoDeploy(self).switch_off(service_id)

    def unpin(self, service_id: str, setting: str) -> None:
        """Restore `on` or `off`. Raises Refused or Unclear, see `Provider.unpin`.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/projects/update-an-existing-project
        """
        VercelAutoDeploy(self).restore(service_id, setting)

    def cancel(self, service_id: str, deployment_id: str) -> None:
        """Cancel a build. Raises Missing where the deployment belongs to another project.

        Reference: https://vercel.com/docs/rest-api/reference/endpoints/deployments/cancel-a-deployment
        """
        path = f"/v12/deployments/{checked(deployment_id, VERCEL_DEPLOYMENT)}/cancel"
        self.deployment(service_id, deployment_id)  # the path names no project, so check that it is this one
        self.connection.send("PATCH", path, accepted=OK, bucket="writes")

    def _move_domains(
        self,
        service_id: str,
        deployment_id: str,
        path: str,
        params: dict[str, str],
        accepted: frozenset[int],
        deadline: float | None,
    ) -> Accepted:
        """Send the one POST. 409 and 422 may mean "already current", which is verified first."""
        try:
            response = self.connection.send(
                "POST", path, params=params, accepted=accepted, bucket="writes", deadline=deadline
            )
        except Refused as refused:
            if isinstance(refused, AlreadyCurrent) or refused.status == 422:
                raise verified(refused, lambda: self.current(service_id), deployment_id) from refused
            raise
        return Accepted("", str(response.status), response.request_id, queued=response.status == 202)

    def _failed_aliases(self, order_record: OrderRecord, current: Current) -> Sequence[str]:
        """The domains that did not move; where they cannot be read, those that point elsewhere."""
        request = current.alias_request
        if not request or request.status != "failed" or not order_progress.belongs(request, order_record):
            return ()
        try:
            return read_failed_aliases(self.connection, order_record.service_id, order_record.kind)
        except ProviderError:
            return [a.domain for a in current.aliases if a.deployment_id != order_record.deployment_id]
