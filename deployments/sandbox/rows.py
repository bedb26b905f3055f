"""What the sandbox stores: one dataclass per kind of row. Times are seconds since 1970, as in its JSON."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Literal

ProviderWord = Literal["render", "vercel"]


@dataclass(slots=True)
class PersonRow:
    """A member of the company, with an account at both providers."""

    login: str
    name: str
    email: str
    render_id: str
    vercel_id: str


@dataclass(slots=True)
class CommitRow:
    """A commit in the company's repository."""

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
class CourseStep:
    """So many seconds after it went live, a deployment's share of errors and latency become these."""

    after: float
    error_rate: float
    latency_ms: float


@dataclass(slots=True)
class TroubleRow:
    """A time in which requests fail or are slow whatever deployment serves: a database, a third party."""

    since: float
    until: float | None
    error_rate: float  # added to the deployment's
    latency_ms: float  # added to the deployment's


@dataclass(slots=True)
class StatusIncidentRow:
    """An incident on a provider's public status page."""

    provider: ProviderWord
    id: str
    name: str
    impact: str  # none, minor, major or critical
    since: float
    resolved_at: float | None = None


@dataclass(slots=True)
class DeploymentRow:
    """One build; `status` is the provider's own word (Render `status`, Vercel `readyState`)."""

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
    outcome: str = ""  # how it will end: "" for success, else the final status, "stuck" or "false_live"
    truth_after: float | None = None  # a false success becomes true after so many seconds
    reason: str = ""  # why it failed
    superseded_by: str = ""
    rollback_target: str = ""  # Render: the deploy that a rollback goes back to
    target: str | None = "production"  # Vercel
    substate: str = ""  # Vercel: STAGED or PROMOTED
    url: str = ""  # Vercel: its own host name
    aliased_at: float | None = None  # Vercel
    played: dict[str, Any] = field(default_factory=dict)  # fields of its JSON that somebody has set
    error_rate: float = 0.002
    latency_ms: float = 240.0
    course: list[CourseStep] = field(default_factory=list)  # how both change, by time since it went live


@dataclass(slots=True)
class AliasRequestRow:
    """Vercel's `lastAliasRequest`."""

    kind: str  # rollback or promote
    from_id: str | None
    to_id: str
    status: str
    requested_at: float
    outcome: str = ""  # "" for success, else "fails", "stuck", "false_job" or "false_all"
    failing_domains: list[str] = field(default_factory=list)  # domains that fail to move
    truth_after: float | None = None


@dataclass(slots=True)
class ServiceRow:
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
    auto_deploy: str = "commit"  # Render: commit, checksPass or off. Vercel: on or off
    pre_deploy: str = ""
    suspended: bool = False
    requests_per_minute: float = 600.0
    live_history: list[tuple[float, str]] = field(default_factory=list)  # (time, deployment that went live)
    troubles: list[TroubleRow] = field(default_factory=list)
    # Vercel only
    aliases: dict[str, str] = field(default_factory=dict)  # domain -> deployment it really points to
    reported_aliases: dict[str, str] = field(default_factory=dict)  # the same where the API gives it wrongly
    production_id: str | None = None  # targets.production
    crons_id: str | None = None
    alias_request: AliasRequestRow | None = None
    alias_jobs: dict[str, str] = field(default_factory=dict)
    description: dict[str, Any] | None = None
    rolling: dict[str, Any] | None = None
    # Render only
    environment: str = ""
    unverified: list[str] = field(default_factory=list)  # domains that are not set up yet
    # Both
    written: list[tuple[float, str, str]] = field(default_factory=list)  # lines of its log: time, text, level
    played: dict[str, Any] = field(default_factory=dict)  # fields of its JSON that somebody has set

    def serving(self, at: float | None = None) -> str | None:
        """Id of the deployment that really is live, or was at a time, whatever the API says."""
        count = (
            len(self.live_history) if at is None else bisect_right(self.live_history, at, key=itemgetter(0))
        )
        return self.live_history[count - 1][1] if count else None

    def live_for(self, deployment_id: str, at: float) -> float:
        """Seconds since the deployment last went live, as of a time; 0 where it was not live yet."""
        began = [since for since, one in self.live_history if one == deployment_id and since <= at]
        return at - began[-1] if began else 0.0

    def serve(self, deployment_id: str, at: float) -> None:
        if self.serving() != deployment_id:
            self.live_history.append((at, deployment_id))


@dataclass(slots=True)
class EventRow:
    """An event that no deployment row implies: a changed setting, a rollback, its reason."""

    id: str
    service_id: str
    at: float
    kind: str
    actor: str
    data: dict[str, Any]


@dataclass(slots=True)
class ScheduledStep:
    """A change that is due at a time; `name` is the method that makes it, `subject` the row's id."""

    at: float
    name: str
    subject: str


@dataclass(slots=True)
class ReceivedOrder:
    """A traffic-changing POST that reached the sandbox, by which tests check that each was sent once."""

    at: str
    provider: str
    service: str
    deployment: str
    kind: str  # rollback, promote or deploy
    applied: bool
    answered: int | str  # the status, or "dropped"


class ApiRefusal(Exception):
    """A request that is refused; each provider API formats it in its own way."""

    def __init__(self, status: int, message: str, code: str = "", **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.extra = extra


def overlaid(data: dict[str, Any], played: dict[str, Any]) -> dict[str, Any]:
    """The JSON of a row with the fields that somebody has set in it, objects inside it merged."""
    merged = dict(data)
    for name, value in played.items():
        inner = merged.get(name)
        if isinstance(inner, dict) and isinstance(value, dict):
            merged[name] = overlaid(inner, value)
        else:
            merged[name] = value
    return merged


def rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms(at: float) -> int:
    return round(at * 1000)
