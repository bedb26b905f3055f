"""What pages say about one deployment: its commit, when it was live, and what lies between two of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from deployments.history import Commit
from deployments.metrics.series import percent, share_text, while_live_text
from deployments.models import Deployment, MetricSource, Pin, Service
from deployments.pages.sentence import Part, Sentence, age_of, code, joined, moment, sentence
from deployments.providers.base import DeploymentStatus
from rollback_portal.templatetags.text import pull_request_url
from rollback_portal.text import age, clean_line, duration

SOON = timedelta(days=14)  # a deployment that expires within this time says so in its row
MOST_COMMITS = 30  # that the confirm dialog lists
COMMITS_MOVE = {True: "go", False: "come", None: ""}  # by whether the other one is older than the live one
FEW_COMMITS = 5  # that it shows without being asked


def pull_request(number: str, repository: str) -> Sentence:
    """ "#412", as a link where the address of the pull request is known."""
    if not number:
        return ()
    text, url = f"#{clean_line(number, 20)}", pull_request_url(number, repository)
    return sentence(Part("link", text, url=url) if url else text)


def row_facts(deployment: Deployment, *, name_service: bool, own_time: bool, live: bool) -> Sentence:
    """ "API · 77ab0e1 · Bo Lind · #412 · 13:51 · was live 3 d 4 h, 5xx 0.1%".

    Args:
        deployment: with its service loaded.
        name_service: whether the column holds more than one service.
        own_time: whether it was created noticeably before the time of its row.
        live: whether it is live now.
    """
    service = deployment.service
    return joined(
        (
            sentence(Part("strong", clean_line(service.short, 60))) if name_service else (),
            sentence(code(deployment.short_sha)),
            sentence(clean_line(deployment.author, 60)),
            pull_request(deployment.pull_request, service.repository),
            sentence(Part("time", at=deployment.made_at)) if own_time else (),
            live_time(deployment, live=live),
            expiry(deployment),
        )
    )


def expiry(deployment: Deployment) -> Sentence:
    """ "expires in 6 d", where the project's retention policy deletes it before long."""
    if deployment.expires_at is None or deployment.status == DeploymentStatus.DELETED:
        return ()
    left = deployment.expires_at - timezone.now()
    return sentence(f"expires in {duration(left)}") if timedelta(0) < left < SOON else ()


def live_time(deployment: Deployment, *, live: bool) -> Sentence:
    """ "live 4 min, before 3 d", "was live 3 d, 5xx 0.1%", or nothing if it never was."""
    if not live:
        return sentence(was_live(deployment))
    now = sentence("live ", age_of(deployment.live_since)) if deployment.live_since else ()
    before = sentence(f"before {duration(deployment.was_live)}") if deployment.was_live else ()
    return joined((now, before), ", ")


def was_live(deployment: Deployment) -> str:
    """ "was live 3 d 4 h, 5xx 0.1%"; "" if it never was, or still is for the first time."""
    if deployment.was_live is None:
        return ""
    return while_live_text(deployment.was_live, deployment.live_share, deployment.live_source)


def numbers_fact(deployment: Deployment) -> str:
    """How it did while it was live, for its own page; "" if it never was."""
    if deployment.was_live is None:
        return ""
    share, source = deployment.live_share, deployment.live_source
    if share is None:
        return "No data: nothing was measured while it was live, or it is not counted yet."
    words = [f"{share_text(share, source)} of {deployment.live_requests:,.0f} requests"]
    if deployment.end_share is not None:
        end = f"{percent(deployment.end_share)} of {deployment.end_requests:,.0f} in its last half hour"
        words.append(end)
    return f"{', '.join(words)}; {MetricSource(source).label}"


def live_fact(deployment: Deployment, *, live: bool) -> Sentence:
    """The same in full, for the page of the deployment."""
    length = duration(deployment.was_live) if deployment.was_live else ""
    if live and deployment.live_since:
        before = f"; before, {length}" if length else ""
        return sentence("since ", moment(deployment.live_since), ", ", age_of(deployment.live_since), before)
    if live:
        return sentence("now, since an unknown time")
    if length:
        until = sentence(", last until ", moment(deployment.live_until)) if deployment.live_until else ()
        return (*sentence(f"{length} in all"), *until)
    if deployment.served:
        return sentence("once, for an unknown time")
    return sentence(f"never, as far as {deployment.service.get_provider_display()} reports")


def commit_fact(deployment: Deployment) -> Sentence:
    """The whole SHA, the branch and the pull request."""
    branch = f" on {clean_line(deployment.branch, 80)}" if deployment.branch else ""
    commit = sentence(code(deployment.commit_sha) if deployment.commit_sha else "unknown", branch)
    return joined((commit, pull_request(deployment.pull_request, deployment.service.repository)), ", ")


def built_ago(deployment: Deployment) -> str:
    """ "built 3 h ago"."""
    made = deployment.made_at
    return f"built {age(made)} ago" if made else "built at an unknown time"


def target_fact(target: Deployment) -> Sentence:
    """What an operation puts in front of users, in the confirm dialog."""
    return sentence(
        code(target.short_sha),
        f" “{clean_line(target.subject)}”",
        f", by {clean_line(target.author, 60)}" if target.author else "",
        ", built ",
        moment(target.made_at),
        f", {was_live(target)}" if target.was_live else "",
    )


def live_before(live: Deployment) -> Sentence:
    """What an operation takes away from users, in the confirm dialog."""
    since = (", live ", age_of(live.live_since)) if live.live_since else ()
    return sentence(code(live.short_sha), f" “{clean_line(live.subject)}”", *since)


def pin_fact(pin: Pin) -> Sentence:
    """ "since 13:51 by Ana Ruiz: 500s at checkout (INC-4)"."""
    by = f" by {clean_line(pin.pinned_by, 100)}"
    reason = f": {clean_line(pin.reason)}" if pin.reason else ""
    incident = f" ({clean_line(pin.incident, 100)})" if pin.incident else ""
    return sentence("since ", moment(pin.pinned_at), by, reason, incident)


@dataclass(frozen=True, slots=True)
class CommitList:
    """The commits between two deployments, as far as a dialog has room for them."""

    summary: str
    commits: Sequence[Commit]
    compare_url: str

    @property
    def lines(self) -> list[Sentence]:
        return [_commit_line(commit) for commit in self.commits[:MOST_COMMITS]]

    @property
    def more(self) -> int:
        return max(0, len(self.commits) - MOST_COMMITS)

    @property
    def opened(self) -> bool:
        return len(self.commits) <= FEW_COMMITS


def _commit_line(commit: Commit) -> Sentence:
    number = f" #{clean_line(commit.pull_request, 20)}" if commit.pull_request else ""
    by = Part("faint", f"{clean_line(commit.author, 60)}{number}")
    return sentence(code(commit.short_sha), f" {clean_line(commit.subject)} ", by)


def commits_summary(count: int, verb: str, service: Service) -> str:
    """ "3 commits go, as far as API built them".

    Args:
        count: how many commits lie between the live deployment and the other one.
        verb: go, come or return; "" where it is not known which of the two is older.
        service: whose builds are counted.
    """
    short = clean_line(service.short, 60)
    if not verb:
        provider = service.get_provider_display()
        return f"{provider} does not say when one of the two was built, so what lies between is not known"
    if not count:
        return f"{short} built no commit in between"
    ending = "es" if verb == "go" else "s"
    verb = f"{verb}{ending}" if count == 1 else verb
    return f"{count} commit{'' if count == 1 else 's'} {verb}, as far as {short} built them"


def nothing_between(deployment: Deployment, live: Deployment | None) -> str:
    """Why no commits are listed between what is live and this deployment; "" where they are."""
    if live is None:
        return "What is live is unknown, so the portal cannot say what lies between."
    if live.pk == deployment.pk:
        return "This is live."
    if deployment.commit_sha and deployment.commit_sha == live.origin.commit_sha:
        return "The same commit is live: no code lies between."
    return ""


def no_deployments(services: Iterable[Service]) -> str:
    """Why a list without filters is empty: one clause for each service."""
    clauses = []
    for service in services:
        name = clean_line(service.name, 80)
        if service.synced_at:
            clauses.append(f"{service.get_provider_display()} listed none for {name}")
        else:
            clauses.append(f"{name} has not been read yet")
    return "; ".join(clauses) + "." if clauses else ""


def service_facts(service: Service) -> Sentence:
    """ "Render · branch main · not followed, so it is not on the dashboard"."""
    provider = service.get_provider_display()
    branch = sentence(f"branch {clean_line(service.branch, 60)}") if service.branch else ()
    followed: Sentence = ()
    if service.missing_since:
        followed = sentence("no longer listed since ", moment(service.missing_since))
    elif not service.followed:
        followed = sentence("not followed, so it is not on the dashboard")
    return joined((sentence(provider), *_status_facts(service), branch, followed))


def _status_facts(service: Service) -> tuple[Sentence, ...]:
    """Its environment, and what keeps users from it, whichever deployment is live."""
    environment = f"environment {clean_line(service.environment, 60)}" if service.environment else ""
    by = f", by: {service.suspended_by}" if service.suspended_by else ""
    return tuple(
        sentence(words)
        for words in (
            environment,
            f"suspended{by}" if service.suspended else "",
            "in maintenance: users get a maintenance page" if service.maintenance else "",
        )
        if words
    )
