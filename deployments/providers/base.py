"""What Render and Vercel have in common: one protocol, the values that cross it, the errors it raises.

Nothing here knows Django or the portal's rows. A client turns an HTTP interface into these values and
these errors; the verbs in `deployments/operations/requests.py` never see a status code.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from deployments.providers.types import (
    Ability,
    Accepted,
    AliasRequest,
    AliasTarget,
    Current,
    DeploymentPage,
    DeploymentStatus,
    Finding,
    LogLine,
    OrderRecord,
    Phase,
    Progress,
    ProviderName,
    ReadBack,
    RemoteDeployment,
    RemoteEvent,
    RemoteService,
    Sample,
)

__all__ = [
    "Ability",
    "Accepted",
    "AliasRequest",
    "AliasTarget",
    "AlreadyCurrent",
    "Busy",
    "Current",
    "DeploymentPage",
    "DeploymentStatus",
    "Finding",
    "LogLine",
    "Missing",
    "NotAllowed",
    "OrderRecord",
    "Phase",
    "Progress",
    "Provider",
    "ProviderError",
    "ProviderName",
    "ReadBack",
    "Refused",
    "RemoteDeployment",
    "RemoteEvent",
    "RemoteService",
    "Sample",
    "TooLate",
    "Unclear",
    "Unreachable",
    "Unreadable",
    "Unsupported",
    "Urgency",
]

# --- Errors: what the caller may do next is in the class, not in a status code -----------------------


class ProviderError(Exception):
    """Something went wrong between us and the provider; `str()` is a sentence for people."""

    def __init__(self, message: str, *, request_id: str = "") -> None:
        super().__init__(message)
        self.request_id = request_id


class Unreachable(ProviderError):
    """Nothing was sent: safe to try again."""


class TooLate(Unreachable):
    """The worker was held up between writing its intent down and the first byte: nothing was sent."""


class Unclear(ProviderError):
    """It was sent and the answer is missing or unreadable: look, never repeat blindly."""


class Refused(ProviderError):
    """The provider said no (4xx), in its own words: nothing was changed."""

    def __init__(self, message: str, *, status: int, code: str = "", request_id: str = "") -> None:
        super().__init__(message, request_id=request_id)
        self.status = status
        self.code = code


class NotAllowed(Refused):
    """401 or 403: the key is missing, revoked or too weak."""

    SAYS = "does not accept our key for this"  # in every sentence, so that one that was kept tells it too


class Missing(Refused):
    """404 or 410: the provider does not know that object, or no longer."""


class AlreadyCurrent(Refused):
    """The target is the current production deployment already: nothing to do, and that is a success."""


class Busy(ProviderError):
    """429, or a 5xx to a read: not done, ask again after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float, request_id: str = "") -> None:
        super().__init__(message, request_id=request_id)
        self.retry_after = retry_after


class Unreadable(ProviderError):
    """A read brought no usable answer (cut off, too slow, not JSON): nothing was changed, safe to repeat."""


class Unsupported(ProviderError):
    """This provider has no such ability; nothing was sent."""


class Urgency(StrEnum):
    """Whose calls these are: background reading stops at the reserve, an operation may use it up."""

    BACKGROUND = "background"
    OPERATION = "operation"


class Provider(Protocol):
    """One account at Render or Vercel. Every method may raise any `ProviderError`."""

    name: ProviderName
    supports: frozenset[Ability]

    def services(self) -> Sequence[RemoteService]:
        """All services the key can see, without previews."""

    def service(self, service_id: str) -> RemoteService: ...

    def deployments(self, service_id: str, *, cursor: str = "", limit: int = 100) -> DeploymentPage:
        """Newest first."""

    def deployment(self, service_id: str, deployment_id: str) -> RemoteDeployment: ...

    def current(self, service_id: str) -> Current:
        """What is live and whether it is pinned, from what serves, never from list order."""

    def roll_back(
        self, service_id: str, deployment_id: str, *, reason: str, deadline: float | None = None
    ) -> Accepted:
        """Send exactly one POST. Unclear means it may have been applied; AlreadyCurrent, nothing to do.

        `deadline` is a monotonic time; after it not even the first byte is written, and TooLate is raised.
        """

    def promote(self, service_id: str, deployment_id: str, *, deadline: float | None = None) -> Accepted:
        """Send exactly one POST, without a rebuild; `deadline` as for `roll_back`."""

    def progress(self, order_record: OrderRecord) -> Progress: ...

    def read_back(self, order_record: OrderRecord) -> ReadBack:
        """Did the order of this ticket arrive? To be asked after the settle time."""

    def pin(self, service_id: str) -> str:
        """Switch automatic deployments off; return what they were, for `unpin`."""

    def unpin(self, service_id: str, setting: str) -> None:
        """Restore exactly the setting that `pin` returned."""

    def cancel(self, service_id: str, deployment_id: str) -> None: ...

    def events(self, service_id: str, *, since: datetime) -> Sequence[RemoteEvent]: ...

    def logs(self, service_id: str, *, since: datetime, limit: int = 100) -> Sequence[LogLine]: ...

    def metrics(self, service_id: str, *, since: datetime) -> Sequence[Sample]:
        """Requests by status code, one series per label."""
