"""What provider calls take and return: frozen dataclasses that know nothing of HTTP. Times are aware UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ProviderName(StrEnum):
    """The supported providers; the values are stored in the database."""

    RENDER = "render"
    VERCEL = "vercel"


class DeploymentStatus(StrEnum):
    """One set of statuses for both providers; `raw_status` keeps the provider's own word."""

    QUEUED = "queued"
    BUILDING = "building"
    RELEASING = "releasing"
    READY = "ready"  # built and able to serve; `current()` tells whether it does
    LIVE = "live"  # Render only: the one that serves
    RETIRED = "retired"  # Render only: was live once, superseded since
    FAILED = "failed"
    CANCELED = "canceled"
    BLOCKED = "blocked"  # Vercel holds it back: it was not built, or may not serve
    DELETED = "deleted"  # Vercel: deleted by a person or by the project's retention policy
    UNKNOWN = "unknown"  # a word that we do not know: shown as it is, never eligible


@dataclass(frozen=True, slots=True)
class RemoteService:
    """A service at Render, a project at Vercel."""

    provider: ProviderName
    id: str
    name: str
    kind: str  # "api" or "web"
    owner_id: str = ""
    repository: str = ""  # https address of the repository, "" where there is none
    branch: str = ""
    dashboard_url: str = ""
    addresses: tuple[str, ...] = ()  # public production URLs
    addresses_known: bool = True  # False: the custom domains were not read this time, so keep those known
    environment: str = ""  # name of its environment, "" where it has none or the name is unknown
    production: bool = True  # False: in an environment for previews, tests or staging
    suspended: bool = False
    suspended_by: tuple[str, ...] = ()  # Render's words: user, billing, admin, stuck_crashlooping …
    maintenance: bool = False  # users get a maintenance page, whatever deployment is live
    auto_deploy: str | None = None  # see `Current.auto_deploy`


@dataclass(frozen=True, slots=True)
class RemoteDeployment:
    """One deployment of a service."""

    id: str
    service_id: str
    status: DeploymentStatus
    raw_status: str
    created_at: datetime
    production: bool = True  # False: a preview, or built for a custom environment
    environment: str = ""  # Vercel: its custom environment
    staged: bool = False  # Vercel READY/STAGED: built for production, never received its traffic
    served: bool | None = None  # has it ever been live; None: unknown
    can_roll_back: bool | None = None  # as the provider says; None: it does not say
    commit_sha: str = ""
    commit_message: str = ""
    author: str = ""
    branch: str = ""
    pull_request: str = ""
    trigger: str = ""  # the provider's own word: new_commit, rollback, git, cli …
    ready_at: datetime | None = None  # able to serve since (Render: finishedAt of a successful deploy)
    live_from: datetime | None = None  # live since, as far as the provider says
    url: str = ""  # its page in the provider's dashboard
    image: str = ""  # services that run an image: its reference, tag or digest
    deleted_at: datetime | None = None  # with status DELETED, where the provider says when
    by_retention: bool = False  # deleted by the project's retention policy, not by a person
    expires_at: datetime | None = None  # when the retention policy deletes it
    checks: str = (
        ""  # Vercel: how its checks ended (succeeded, failed, skipped, canceled) or how far they are
    )
    alias_error: str = ""  # Vercel: why its domains could not be assigned


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """A production domain and the deployment that it points to."""

    domain: str
    deployment_id: str | None


@dataclass(frozen=True, slots=True)
class AliasRequest:
    """Vercel's `lastAliasRequest`: the last move of the production domains, by the portal or anyone else."""

    kind: str  # "promote" or "rollback"
    from_id: str | None
    to_id: str
    status: str  # pending, in-progress, succeeded, failed, skipped
    requested_at: datetime | None
    stamp: str = ""  # `requestedAt` as Vercel wrote it: tells two moves apart, whatever the clocks say

    @property
    def identity(self) -> str:
        """The same for the same move however often it is read, and another one for another move."""
        return " ".join((self.kind, self.from_id or "-", self.to_id, self.stamp))


@dataclass(frozen=True, slots=True)
class RollingRelease:
    """Vercel: a deployment, the canary, takes over from the one before it, the base, in stages.

    `identity` is the same for the same release however far it is; `as_read` differs after every change of it.
    """

    state: str  # ACTIVE, COMPLETE or ABORTED
    base_id: str
    canary_id: str
    percent: float | None = None  # of the requests that the canary gets
    paused: bool = False
    stage: int | None = None  # 1 is the first of `stages`
    stages: int = 0
    next_percent: float | None = None  # of the stage after this one
    needs_approval: bool = False  # before that stage
    queued_id: str = ""  # a promotion that waits for the end
    started: str = ""  # as Vercel wrote it, like `updated`: no clock decides
    updated: str = ""
    canary_sha: str = ""  # known to the portal's rows

    @property
    def active(self) -> bool:
        return self.state == "ACTIVE"

    @property
    def identity(self) -> str:
        return " ".join((self.base_id, self.canary_id, self.started))

    @property
    def as_read(self) -> str:
        return f"{self.identity} {self.state} {self.stage} {self.percent} {self.queued_id} {self.updated}"


@dataclass(frozen=True, slots=True)
class Current:
    """The provider's current state of one service, from one read.

    `auto_deploy` is the provider's setting for automatic deployments: Render `commit`, `checksPass`, `off`
    or (from its older field) `on`; Vercel `on` or `off`. None means unknown, which is not the same as off.
    `pinned` is True after a rollback with automatic deployments off, None where that is unknown.
    `conflict` is a sentence where the provider contradicts itself; `live_id` is then what really serves.
    `aliases` are the production domains, with None for a deployment that Vercel does not name; `target_id` is
    the deployment that Vercel itself calls its production target. `already_current.is_live` weighs the two.
    """

    live_id: str | None
    auto_deploy: str | None
    pinned: bool | None = None
    conflict: str = ""
    aliases: tuple[AliasTarget, ...] = ()
    target_id: str | None = None
    alias_request: AliasRequest | None = None
    last_move_reported: bool = True  # False: none that can be read, and it does not say that there is none
    rolling_release: RollingRelease | None = None
    release_known: bool = True  # False: there may be one, and it could not be read
    running: tuple[str, ...] = ()  # ids of deployments still being built or released (Render)
    provider_time: datetime | None = None  # `Date` header of the response: compare provider times with it


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """What the portal ordered, kept so that the provider's later state can be matched to the order.

    Matched by identity, as nobody's clock can be trusted: `known` are deployments from before the order,
    `live_before` was live then, `last_move` identifies the last move of the domains ("": none; Vercel). `ref`
    is the provider's id for its work (Render: the new deployment). `order_intent_at` only narrows reads.
    """

    kind: str  # "rollback", "promote" or "complete" (a rolling release)
    service_id: str
    deployment_id: str
    order_intent_at: datetime
    ref: str = ""
    commit_sha: str = ""
    image: str = ""
    known: tuple[str, ...] = ()
    live_before: str = ""
    auto_deploy: str = ""  # the setting before the order, "" where unknown (Vercel's rollback changes it)
    last_move: str = ""
    last_move_reported: bool = True
    release: str = ""  # identity of the rolling release that was active, and how it was read then
    release_as_read: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider accepted the order, which does not mean that it is done."""

    ref: str = ""  # Render: id of the new deployment; Vercel: ""
    raw_status: str = ""
    request_id: str = ""
    queued: bool = False  # behind another deployment or a rolling release


class Phase(StrEnum):
    """How far an order has come."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class OrderProgress:
    """How far an order has come. DONE only once every production alias points to the target."""

    phase: Phase
    raw_status: str
    message: str = ""
    live_id: str | None = None
    ref: str = ""
    failed_aliases: tuple[str, ...] = ()


class OrderFinding(StrEnum):
    """What `read_back` concluded."""

    APPLIED = "applied"  # the provider shows work that belongs to the order
    NOT_APPLIED = "not_applied"  # it shows none, and the live deployment is the same
    UNDECIDED = "undecided"  # somebody else changed something meanwhile, or the facts do not suffice


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Whether an order arrived, judged by the provider's records after its response was lost."""

    finding: OrderFinding
    message: str
    ref: str = ""
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """An event in the provider's records: a deployment, a rollback, a changed setting, a failure.

    Kinds: `rolled_back`, `promoted`, `deploy_started`, `deploy_ended`, `deploy_deleted`; `auto_deploy_off`,
    `auto_deploy_on`, `auto_deploy_changed`; `environment_changed`, `domain_changed`, `rolling_release`;
    `server_failed`, `image_pull_failed`, `artifact_fetch_failed`, `pre_deploy_started`, `pre_deploy_ended`,
    `maintenance`, `suspended`, `resumed`.
    """

    id: str
    service_id: str
    at: datetime
    kind: str
    deployment_id: str = ""  # Render: the new deployment; Vercel: the one that was deleted
    target_id: str = ""  # rolled back or promoted to
    from_id: str = ""
    actor: str = ""
    detail: str = ""  # in words: why it failed, what was changed; auto_deploy_off: the setting before
    reason: str = ""  # the provider's own word: manual_deploy, rollback, setting_change …


@dataclass(frozen=True, slots=True)
class DeploymentPage:
    """One page of deployments, newest first; `next` is the cursor of the following page, or "".

    `whole` is False where a row could not be read, or where a full page names no next one: what is missing
    from such a list may exist all the same.
    """

    deployments: Sequence[RemoteDeployment]
    next: str = ""
    whole: bool = True
