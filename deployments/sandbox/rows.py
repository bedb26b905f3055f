"""The things of the sandbox's world. Times are seconds since the epoch, so that a row is plain JSON."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Literal

ProviderWord = Literal["render", "vercel"]


@dataclass(slots=True)
class Person:
    login: str
    name: str
    email: str
    render_id: str
    vercel_id: str


@dataclass(slots=True)
class Commit:
    sha: str
    message: str
    author: str  # a login
    at: float
    branch: str = "main"
    pull_request: int | None = None

    @property
    def subject(self) -> str:
        return self.message.splitlines()[0]


@dataclass(slots=True)
class Deployment:
    """One build; `status` is in the provider's own words (Render `status`, Vercel `readyState`)."""

    id: str
    service_id: str
    commit: str  # a sha
    status: str
    trigger: str  # Render `trigger`, Vercel `source`
    created_at: float
    updated_at: float
    actor: str = ""  # a login, or "" for the git integration
    branch: str = "main"
    started_at: float | None = None
    built_at: float | None = None
    released_at: float | None = None  # Render: pre-deploy command ended
    finished_at: float | None = None
    fate: str = (
        ""  # how it will end: "" for success, else the final status, "stuck" or "lies" (see faults.py)
    )
    truth_after: float | None = None  # a lie becomes true after so many seconds
    reason: str = ""  # why it failed
    superseded_by: str = ""
    rollback_target: str = ""  # Render: the deploy that a rollback goes back to
    target: str | None = "production"  # Vercel
    substate: str = ""  # Vercel: STAGED or PROMOTED
    url: str = ""  # Vercel: its own host name
    aliased_at: float | None = None  # Vercel
    error_rate: float = 0.002
    latency_ms: float = 240.0


@dataclass(slots=True)
class AliasRequest:
    """Vercel's `lastAliasRequest`."""

    kind: str  # rollback or promote
    from_id: str | None
    to_id: str
    status: str
    requested_at: float
    fate: str = ""  # "" for success, else "fails", "stuck", "lies job" or "lies everything"
    spares: list[str] = field(default_factory=list)  # domains that will fail to move
    truth_after: float | None = None


@dataclass(slots=True)
class Service:
    """A Render service or a Vercel project."""

    provider: ProviderWord
    id: str
    name: str
    repo: str
    created_at: float
    updated_at: float
    domains: list[str]
    type: str = "web_service"  # Render
    root_dir: str = ""
    automatic: str = "commit"  # Render: commit, checksPass or off. Vercel: on or off
    pre_deploy: str = ""
    suspended: bool = False
    requests_per_minute: float = 600.0
    served: list[tuple[float, str]] = field(default_factory=list)  # since when which deployment really served
    # Vercel only
    aliases: dict[str, str] = field(default_factory=dict)  # where each domain really points
    claims: dict[str, str] = field(default_factory=dict)  # where the API says it points, if that is a lie
    production_id: str | None = None  # targets.production
    crons_id: str | None = None
    alias_request: AliasRequest | None = None
    alias_jobs: dict[str, str] = field(default_factory=dict)
    description: dict[str, Any] | None = None
    rolling: dict[str, Any] | None = None

    def serving(self, at: float | None = None) -> str | None:
        """Id of the deployment that answered its visitors at a time, or answers them now."""
        count = len(self.served) if at is None else bisect_right(self.served, at, key=itemgetter(0))
        return self.served[count - 1][1] if count else None

    def serve(self, deployment_id: str, at: float) -> None:
        if self.serving() != deployment_id:
            self.served.append((at, deployment_id))


@dataclass(slots=True)
class Event:
    """Something that is recorded besides the deployments themselves: a setting, a rollback, its reason."""

    id: str
    service_id: str
    at: float
    kind: str
    actor: str
    data: dict[str, Any]


@dataclass(slots=True)
class Step:
    """Something that will happen at a time."""

    at: float
    name: str
    subject: str


@dataclass(slots=True)
class Received:
    """A traffic-changing POST that reached the sandbox: the oracle of exactly-once tests."""

    at: str
    provider: str
    service: str
    deployment: str
    kind: str  # rollback, promote or deploy
    applied: bool
    answered: int | str  # the status, or "dropped"


class Refusal(Exception):
    """The provider says no; each dialect puts it into its own words."""

    def __init__(self, status: int, message: str, code: str = "", **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.extra = extra


def rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms(at: float) -> int:
    return round(at * 1000)
