"""The live card of each service, the page's icon and title, and its footer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from django.utils import timezone

from deployments.metrics.series import percent
from deployments.models import Change, Deployment, Pin, Service
from deployments.models.auto_deploy import AUTO_DEPLOY_TEXT
from deployments.models.provider_status import BAD_AFTER
from deployments.pages.badges import release_stage
from deployments.pages.bars.unread import names_of_unread
from deployments.pages.current_state import CurrentState, Freshness
from deployments.pages.deployment_text import pull_request
from deployments.pages.figures.live_figures import LiveFigures
from deployments.pages.rolling_release import RollingReleaseNote
from deployments.pages.sentence import Sentence, age_of, code, joined, moment, sentence
from deployments.pages.verdicts.blame import blame_text
from rollback_portal.text import clean_line
from rollback_portal.web.badges import Badge

OLD_CHECK = timedelta(minutes=2)


@dataclass(frozen=True)
class Card:
    """One service as it is now, as far as the portal knows. `service` has `live` loaded."""

    service: Service
    fresh: Freshness
    pin: Pin | None
    change: Change | None
    figures: LiveFigures | None = None

    @property
    def live(self) -> Deployment | None:
        return self.service.live

    @property
    def disputed(self) -> str:
        """Which commit the public address serves, if the provider calls another one live; else ""."""
        if not self.service.live_is_disputed or self.live is None:
            return ""
        says = f"{self.service.get_provider_display().upper()} SAYS {self.live.short_sha}"
        return f"SERVED {self.service.version_check_sha[:7]}, {says}"

    @property
    def stale(self) -> bool:
        """The service was last read long ago, or has failed since, so that its rows are only a snapshot."""
        synced_at = self.service.synced_at
        if self.service.read_failures:
            return True
        return self.fresh.tone == "bad" or synced_at is None or timezone.now() - synced_at > BAD_AFTER

    @property
    def sure(self) -> bool:
        """Whether anything on this card may be green."""
        return not (self.doubt or self.live is None)

    @cached_property  # every row asks
    def doubt(self) -> str:
        """Why the mark of what is live is not green, in a word or two; "" where nothing speaks against it."""
        if self.disputed or self.service.live_conflict:
            return "not certain"
        if self.failing:
            return "failing"
        if self.service.release:
            return "the base of a rolling release"
        if self.stale:
            return "when last read"
        return "not checked" if self.answered_unclearly else ""

    @property
    def failing(self) -> str:
        """ "7.8% of 18,600 requests in the last 5 min failed", where that is too many; "" otherwise."""
        served = self.service.served
        measured = self.figures.failing if self.figures else ""
        return measured or (served.message if served.failing else "")

    @property
    def failing_share(self) -> str:
        """ "7.8%": of the requests that were measured, else of the portal's last ones."""
        if self.figures and self.figures.failing:
            return self.figures.share_now
        served = self.service.served
        return percent(served.failures / served.total) if served.total else ""

    @property
    def blame(self) -> str:
        """When the errors that are up began; "" where nobody has looked lately."""
        return blame_text(self.service, timezone.now()) if self.failing else ""

    @property
    def answered_unclearly(self) -> bool:
        """The last check did not end as it should: no version, or an error for most requests."""
        service = self.service
        if not service.version_check_total or self.check_is_old:
            return False
        well = service.version_check_agree + self._errors_by_exception
        return not service.version_check_sha or well < service.version_check_total

    @property
    def _errors_by_exception(self) -> int:
        """The errors of the last check, unless they were most of it."""
        served = self.service.served
        return served.rounds[-1].failures if served.rounds and not served.last_failed else 0

    @property
    def confirmed(self) -> bool:
        """The version check ran lately, and every answer named the live commit."""
        checked = self.service.version_check_total > 0 and not self.check_is_old
        commit_is_known = self.live is not None and bool(self.live.commit_sha)
        return self.sure and checked and commit_is_known

    @property
    def check_is_old(self) -> bool:
        checked_at = self.service.version_checked_at
        return checked_at is None or timezone.now() - checked_at > OLD_CHECK

    @property
    def tone(self) -> str:
        return "bad" if self.disputed or self.failing else "warn" if self.service.live_conflict else ""

    @property
    def badge(self) -> Badge:
        """The one badge in the corner of the card."""
        if self.disputed:
            return Badge("SERVES SOMETHING ELSE", "bad", "square")
        if self.service.live_conflict:
            return Badge("IN DOUBT", "warn", "diamond")
        if self.change is not None:
            return Badge("OPERATION UNDER WAY", "busy", "turn")
        if self.service.release:
            return Badge("ROLLING RELEASE", "busy", "turn", release_stage(self.service.release))
        if self.failing and not (self.service.suspended or self.service.maintenance):
            return Badge("FAILING", "bad", "square", self.failing_share)
        if self.live is None:
            return Badge("LIVE UNKNOWN", "warn", "circle")
        if self.stale:
            unread = self.service.read_failures and not self.fresh.down
            return Badge("NOT READ" if unread else "SNAPSHOT", "warn", "square")
        if self.service.suspended:
            by = f"by: {self.service.suspended_by}" if self.service.suspended_by else ""
            return Badge("SUSPENDED", "warn", "square", by)
        if self.service.maintenance:
            return Badge("IN MAINTENANCE", "warn", "square", "users get a maintenance page")
        if self.pin is not None or self.service.pinned:
            return Badge("PINNED", "warn", "diamond")
        return Badge("SERVED AS LIVE", "good") if self.confirmed else Badge("NOT CONFIRMED", "", "circle")

    @property
    def auto_deploy(self) -> str:
        setting = self.service.auto_deploy
        return AUTO_DEPLOY_TEXT.get(setting, f"“{setting}”")

    @property
    def auto_deploy_note(self) -> str:
        """Until when automatic deploys stay off, where the portal switched them off."""
        stays_off = self.pin is not None and self.service.auto_deploy == "off"
        return "until somebody leaves the rollback" if stays_off else ""

    @property
    def live_badge(self) -> Badge:
        if self.sure:
            return Badge("LIVE", "good")
        return Badge("LIVE", shape="circle", detail=self.doubt or "not certain")

    @property
    def live_facts(self) -> Sentence:
        """ "since 13:51, 4 min · Bo Lind · #412 · rolled back from 77ab0e1"."""
        live = self.live
        if live is None:
            return ()
        since = sentence("since an unknown time")
        if live.live_since:
            since = sentence("since ", moment(live.live_since), ", ", age_of(live.live_since))
        author = sentence(clean_line(live.author, 60))
        number = pull_request(live.pull_request, self.service.repository)
        return joined((since, author, number, self._rolled_back_from(live)))

    def _rolled_back_from(self, live: Deployment) -> Sentence:
        left = self.pin.rolled_back_from if self.pin else None
        return sentence("rolled back from ", code(left.short_sha)) if left and left != live else ()

    @property
    def version_check(self) -> Sentence:
        """ "77ab0e1, 5 of 5": the commit that the public addresses serve, and how many answers agreed."""
        service = self.service
        if not service.version_check_total:
            return sentence("not checked yet" if service.addresses else "no address known")
        if not service.version_check_sha:
            return sentence(f"unknown after {service.version_check_total} requests")
        agreement = f", {service.version_check_agree} of {service.version_check_total}"
        return sentence(code(service.version_check_sha[:7]), agreement)

    @property
    def version_check_age(self) -> Sentence:
        """ "40 s ago, too old to count"; empty where nothing was checked."""
        if not self.service.version_check_total:
            return ()
        age = age_of(self.service.version_checked_at, f"served-{self.service.pk}")
        return sentence(age, " ago", ", too old to count" if self.check_is_old else "")

    @property
    def lacks_address(self) -> bool:
        """Whether nothing can be checked until somebody adds a public address."""
        return not self.service.version_check_total and not self.service.addresses

    @property
    def version_check_problem(self) -> str:
        """What the version check could not find out; "" where every answer agreed."""
        service = self.service
        agrees = service.version_check_agree == service.version_check_total
        return "" if agrees else clean_line(service.version_check_message, 160)

    @property
    def release(self) -> RollingReleaseNote | None:
        return RollingReleaseNote.of(self.service)

    @property
    def errors(self) -> str:
        """How many requests failed in the last minutes, exceptions included; "" where none did."""
        return self.service.served.message


def cards_for(services: tuple[Service, ...], state: CurrentState) -> tuple[Card, ...]:
    return tuple(
        Card(
            service,
            state.freshness_of(service),
            state.pins.get(service.pk),
            state.changes.get(service.pk),
            state.figures.get(service.pk),
        )
        for service in services
    )


def page_state(state: CurrentState) -> tuple[str, str]:
    """The tone of the page's icon and the words in its title, for a tab in the background."""
    disputed = [service.short for service in state.services if service.live_is_disputed]
    if disputed:
        return "bad", f"{', '.join(disputed)} serves something else"
    if state.undecided:
        waiting = [state.service(change.service_id).short for change in state.undecided]
        return "bad", f"{', '.join(waiting)} needs a person"
    failing = [
        f"{card.service.short} {card.failing_share}"
        for card in cards_for(state.services, state)
        if card.failing
    ]
    if failing:
        return "bad", f"{', '.join(failing)} failing"
    if state.changes:
        return "busy", f"{len(state.changes)} under way"
    pinned = [service.short for service in state.services if service.pk in state.pins or service.pinned]
    if pinned:
        return "warn", f"{', '.join(pinned)} pinned"
    if any(fresh.down for fresh in state.freshness):
        return "warn", "old data"
    if unread := names_of_unread(state.services):
        return "warn", f"{unread} not read"
    if not state.process_status.complete:
        return "warn", "no worker" if state.process_status.can_execute else "no dispatcher"
    if state.process_status.broker_is_away:
        return "warn", "no queue"
    return "calm", ""
