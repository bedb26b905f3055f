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
    suspended: bool = False
    auto_deploy: str | None = None  # see `Current.auto_deploy`


@dataclass(frozen=True, slots=True)
class RemoteDeployment:
    """One deployment of a service."""

    id: str
    service_id: str
    status: DeploymentStatus
    raw_status: str
    created_at: datetime
    production: bool = True  # False: a preview
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
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class Current:
    """The provider's current state of one service, from one read.

    `auto_deploy` is the provider's setting for automatic deployments: Render `commit`, `checksPass`, `off`
    or (from its older field) `on`; Vercel `on` or `off`. None means unknown, which is not the same as off.
    `pinned` is True after a rollback with automatic deployments off, None where that is unknown.
    `conflict` is a sentence where the provider contradicts itself; `live_id` is then what really serves.
    """

    live_id: str | None
    auto_deploy: str | None
    pinned: bool | None = None
    conflict: str = ""
    aliases: tuple[AliasTarget, ...] = ()
    alias_request: AliasRequest | None = None
    running: tuple[str, ...] = ()  # ids of deployments still being built or released (Render)
    provider_time: datetime | None = None  # `Date` header of the response: compare provider times with it


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """What the portal ordered, kept so that the provider's later state can be matched to the order.

    `order_intent_at` is in provider time (a `Date` header read just before sending). `ref` is the
    provider's id for the work that it started, where it gives one (Render: the new deployment). `known`
    are the newest deployments from before the order, `last_move` is when the last move of the domains
    from before the order had been requested (Vercel).
    """

    kind: str  # "rollback" or "promote"
    service_id: str
    deployment_id: str
    order_intent_at: datetime
    ref: str = ""
    commit_sha: str = ""
    known: tuple[str, ...] = ()
    last_move: datetime | None = None


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
    """An event in the provider's records: a deployment, a rollback, a changed setting."""

    id: str
    service_id: str
    at: datetime
    kind: str  # "rolled_back", "promoted", "deploy_started", "deploy_ended", "automatic_off", "automatic_on"
    deployment_id: str = ""  # Render: the new deployment; Vercel: ""
    target_id: str = ""  # rolled back or promoted to
    from_id: str = ""
    actor: str = ""
    detail: str = ""  # reason of a failure, the setting before, or the description


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a service's log; `level` and `source` are the provider's words."""

    at: datetime
    message: str
    level: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of a metric series; `label` is what it counts, a status code for instance."""

    at: datetime
    value: float
    label: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentPage:
    """One page of deployments, newest first; `next` is the cursor of the following page, or ""."""

    deployments: Sequence[RemoteDeployment]
    next: str = ""
