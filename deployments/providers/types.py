"""The values that cross between a provider and the portal: plain, frozen, without a trace of HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ProviderName(StrEnum):
    RENDER = "render"
    VERCEL = "vercel"


class DeploymentStatus(StrEnum):
    """One vocabulary for both providers; the provider's own word travels beside it as `raw_status`."""

    QUEUED = "queued"
    BUILDING = "building"
    RELEASING = "releasing"
    READY = "ready"  # built and able to serve; whether it does is a question for `current()`
    LIVE = "live"  # Render only: its own word for the one that serves
    RETIRED = "retired"  # Render only: served once, superseded since
    FAILED = "failed"
    CANCELED = "canceled"
    UNKNOWN = "unknown"  # a word that we do not know yet: shown as it is, never a candidate


class Ability(StrEnum):
    ROLL_BACK = "roll_back"
    PROMOTE = "promote"
    PIN = "pin"
    CANCEL = "cancel"
    LOGS = "logs"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class RemoteService:
    """A thing the provider runs; Vercel calls it a project."""

    provider: ProviderName
    id: str
    name: str
    kind: str  # "api" or "web"
    owner_id: str = ""
    repository: str = ""  # https address of the repository, "" where there is none
    branch: str = ""
    dashboard_url: str = ""
    addresses: tuple[str, ...] = ()  # production addresses, https://…
    suspended: bool = False
    automatic: str | None = None  # see `Current.automatic`


@dataclass(frozen=True, slots=True)
class RemoteDeployment:
    """One build of a service. Times are aware UTC datetimes."""

    id: str
    service_id: str
    status: DeploymentStatus
    raw_status: str
    created_at: datetime
    production: bool = True  # False: a preview
    staged: bool = False  # Vercel READY/STAGED: built for production, never had its traffic
    served: bool | None = None  # has it ever served production; None: the provider does not say
    can_roll_back: bool | None = None  # the provider's own verdict; None: it does not say
    commit_sha: str = ""
    commit_message: str = ""
    author: str = ""
    branch: str = ""
    pull_request: str = ""
    trigger: str = ""  # the provider's word: new_commit, rollback, git, cli …
    ready_at: datetime | None = None  # able to serve since (Render: finishedAt of a success)
    live_from: datetime | None = None  # began to serve, as far as the provider says
    url: str = ""  # its page at the provider, for people
    image: str = ""  # image-backed services: the reference, tag or digest


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """One production domain and the deployment it really points to."""

    domain: str
    deployment_id: str | None


@dataclass(frozen=True, slots=True)
class AliasRequest:
    """Vercel's `lastAliasRequest`: the last move of the production domains, whoever asked for it."""

    kind: str  # "promote" or "rollback"
    from_id: str | None
    to_id: str
    status: str  # pending, in-progress, succeeded, failed, skipped
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class Current:
    """What the provider says now, read in one go.

    `automatic` is the provider's own setting for automatic deployments: Render `commit`, `checksPass`
    or `off`; Vercel `on` or `off`; None where the field is missing, which is unknown and never "off".
    `pinned`: True after a rollback with automatic deployments off, False, or None for unknown.
    `doubt` is a sentence where the provider contradicts itself; then `live_id` is what serves.
    """

    live_id: str | None
    automatic: str | None
    pinned: bool | None = None
    doubt: str = ""
    aliases: tuple[AliasTarget, ...] = ()
    alias_request: AliasRequest | None = None
    running: tuple[str, ...] = ()  # ids of deployments still being built or released (Render)
    provider_time: datetime | None = None  # the answer's Date header: compare provider times with it


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """What we asked for, so that a later answer can be recognised as the answer to it.

    `order_intent_at` is provider time (a `Date` header read just before), `ref` the provider's id of the work
    it started where it gives one (Render: the new deployment). `known` are the newest deployments
    that existed before we asked, `last_move` when the last move of the domains had been asked for by then.
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
    """The provider took the order. Accepted is not done."""

    ref: str = ""  # Render: id of the new deployment; Vercel: ""
    raw_status: str = ""
    request_id: str = ""
    queued: bool = False  # behind another deployment or a rolling release


class Phase(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the work for a ticket stands. DONE only when every production alias points to the target."""

    phase: Phase
    raw_status: str
    message: str = ""
    live_id: str | None = None
    ref: str = ""
    failed_aliases: tuple[str, ...] = ()


class Finding(StrEnum):
    APPLIED = "applied"  # the provider shows work that belongs to the ticket
    NOT_APPLIED = "not_applied"  # it shows none and what was live still is
    UNDECIDED = "undecided"  # somebody else changed things meanwhile, or it cannot be told


@dataclass(frozen=True, slots=True)
class ReadBack:
    """The provider's own record, read after an answer was lost."""

    finding: Finding
    message: str
    ref: str = ""
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteEvent:
    """Something the provider recorded: who rolled back to what, who switched automatic deploys off."""

    id: str
    service_id: str
    at: datetime
    kind: str  # "rolled_back", "promoted", "deploy_started", "deploy_ended", "automatic_off", "automatic_on"
    deployment_id: str = ""  # Render: the new deployment; Vercel: ""
    target_id: str = ""  # rolled back or promoted to
    from_id: str = ""
    actor: str = ""
    detail: str = ""  # a failure's reason, the setting before, the description


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    message: str
    level: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of a metric series, labelled by what it counts (a status code, an instance)."""

    at: datetime
    value: float
    label: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentPage:
    """One page of a listing, newest first; `next` is the cursor for the one after it, or ""."""

    deployments: Sequence[RemoteDeployment]
    next: str = ""
