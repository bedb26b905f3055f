"""The interface that the Render and the Vercel client share: a protocol, its types and its errors.

Each client translates one HTTP API into these types and errors, so that callers never see a status code.
Nothing here imports Django or knows the portal's models.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from deployments.providers.logs import LogPage, LogQuery
from deployments.providers.metric_types import Metric, Sample
from deployments.providers.types import (
    Accepted,
    AliasRequest,
    AliasTarget,
    Current,
    DeploymentPage,
    DeploymentStatus,
    OrderFinding,
    OrderProgress,
    OrderRecord,
    Phase,
    ProviderName,
    ReadBack,
    RemoteDeployment,
    RemoteEvent,
    RemoteService,
    RollingRelease,
)

__all__ = [
    "Accepted",
    "AliasRequest",
    "AliasTarget",
    "AlreadyCurrent",
    "Busy",
    "Current",
    "DeploymentPage",
    "DeploymentStatus",
    "Metric",
    "Missing",
    "NotAllowed",
    "OrderFinding",
    "OrderProgress",
    "OrderRecord",
    "Phase",
    "Provider",
    "ProviderError",
    "ProviderName",
    "RateLimited",
    "ReadBack",
    "Refused",
    "RemoteDeployment",
    "RemoteEvent",
    "RemoteService",
    "RollingRelease",
    "Sample",
    "ShareUsedUp",
    "TooLate",
    "Unclear",
    "Unreachable",
    "Unreadable",
    "Unsupported",
    "Urgency",
]

# --- Errors: the class tells the caller what it may do next, so that nobody has to look at status codes ---


class ProviderError(Exception):
    """A call to a provider failed. `str()` is a sentence for people; `request_id` is the provider's or ""."""

    def __init__(self, message: str, *, request_id: str = "") -> None:
        super().__init__(message)
        self.request_id = request_id


class Unreachable(ProviderError):
    """Nothing was sent, so trying again is safe."""


class TooLate(Unreachable):
    """The deadline passed before the first byte was written, so nothing was sent."""


class Unclear(ProviderError):
    """The order was sent, but the response is missing or unreadable: read back, never just send it again."""


class Refused(ProviderError):
    """The provider answered 4xx and changed nothing; the message quotes its reason.

    `status` is the HTTP status, 0 where the portal itself refused before sending; `code` the provider's
    error code or "".
    """

    def __init__(self, message: str, *, status: int, code: str = "", request_id: str = "") -> None:
        super().__init__(message, request_id=request_id)
        self.status = status
        self.code = code


class NotAllowed(Refused):
    """401 or 403: the key is missing, revoked or lacks a permission."""

    SAYS = "does not accept our key for this"  # part of every message, so that a stored one is recognised


class Missing(Refused):
    """404 or 410: the object does not exist, or no longer."""


class AlreadyCurrent(Refused):
    """The target is the current production deployment already, which counts as success."""


class Busy(ProviderError):
    """429, or 5xx on a read: nothing was done; try again after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float, request_id: str = "") -> None:
        super().__init__(message, request_id=request_id)
        self.retry_after = retry_after


class RateLimited(Busy):
    """429: the provider asks for a pause, for the whole account."""


class ShareUsedUp(Busy):
    """The portal's own share of the rate limit is used up: the provider was not asked and did not fail."""


class Unreadable(ProviderError):
    """A read gave no usable response (cut off, too slow, not JSON). Nothing changed; safe to repeat."""


class Unsupported(ProviderError):
    """This provider has no such call; nothing was sent."""


class Urgency(StrEnum):
    """Which share of the rate limit a call may use: background calls leave a reserve for operations."""

    BACKGROUND = "background"
    OPERATION = "operation"


class Provider(Protocol):
    """One account at Render or Vercel. Every method may raise any `ProviderError`.

    The implementing methods name the provider's API call under `Reference:`. Ids are the provider's own
    (Render `srv-…` and `dep-…`, Vercel `prj_…` and `dpl_…`); datetimes are aware and in UTC.
    """

    name: ProviderName

    def services(self) -> Sequence[RemoteService]:
        """All services that the key can see, without previews."""

    def service(self, service_id: str) -> RemoteService:
        """One service. Raises Missing where the provider does not know it."""

    def deployments(self, service_id: str, *, cursor: str = "", limit: int = 100) -> DeploymentPage:
        """One page of deployments, newest first.

        Args:
            cursor: `next` of the page before, "" for the first page.
            limit: 1 to 100; anything else is clamped to that range.
        """

    def deployment(self, service_id: str, deployment_id: str) -> RemoteDeployment:
        """One deployment. Raises Missing where the service has none with this id."""

    def current(self, service_id: str) -> Current:
        """Which deployment serves production and whether it is pinned; never concluded from list order."""

    def current_from(self, service: RemoteService, deployments: Sequence[RemoteDeployment]) -> Current | None:
        """The same as `current`, from what the lists of services and deployments tell, without a call.

        None where they do not tell enough. For background reads only: an operation asks `current`.
        """

    def roll_back(
        self, service_id: str, deployment_id: str, *, reason: str, deadline: float | None = None
    ) -> Accepted:
        """Order a rollback with exactly one POST.

        Args:
            reason: why, as the person typed it; kept by the provider only where it has a field for it.
            deadline: `time.monotonic()` after which not even the first byte is sent any more.

        Raises:
            Unclear: the order may have been applied; ask `read_back`.
            AlreadyCurrent: the target is live already, so there was nothing to do.
            TooLate: the deadline passed; nothing was sent.
        """

    def promote(self, service_id: str, deployment_id: str, *, deadline: float | None = None) -> Accepted:
        """Order a promotion, without a rebuild, with exactly one POST.

        Args and errors are those of `roll_back`; Unsupported where the provider has no promotion.
        """

    def complete_release(
        self, service_id: str, deployment_id: str, *, deadline: float | None = None
    ) -> Accepted:
        """Order that the canary of the active rolling release gets every request, with exactly one POST.

        Args and errors are those of `roll_back`; Unsupported where the provider has no rolling releases.
        """

    def progress(self, order_record: OrderRecord) -> OrderProgress:
        """How far the provider has come with an order that it accepted."""

    def read_back(self, order_record: OrderRecord) -> ReadBack:
        """Did the order arrive? Ask only after the settle time, when the provider must show it."""

    def pin(self, service_id: str) -> str:
        """Switch automatic deployments off and return the setting from before, for `unpin`.

        Raises:
            Unreadable: the provider does not tell the setting, so it could not be restored; nothing changed.
            Unclear: the setting may or may not have changed.
        """

    def unpin(self, service_id: str, setting: str) -> None:
        """Restore exactly the setting that `pin` returned.

        Raises:
            Refused: `setting` is none of this provider's; nothing was sent.
            Unclear: the setting may or may not have changed.
        """

    def cancel(self, service_id: str, deployment_id: str) -> None:
        """Cancel a deployment that is still queued, building or being released."""

    def events(self, service_id: str, *, since: datetime) -> Sequence[RemoteEvent]:
        """What the provider recorded since then: deployments, rollbacks, changed settings."""

    def logs(self, query: LogQuery) -> LogPage:
        """The newest lines of a service's log, oldest first. They are untrusted text with secrets in it."""

    def metrics(
        self, service_id: str, metric: Metric, *, since: datetime, until: datetime
    ) -> Sequence[Sample]:
        """The points of one metric, at the finest resolution; empty where nothing was measured.

        Raises Unsupported where the provider has no metrics API.
        """
