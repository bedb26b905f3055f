"""A rolling release at Vercel as a card shows it: who gets what, what comes next, and its two ends."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from deployments.models import Deployment, Service
from deployments.pages.badges import release_stage
from deployments.pages.sentence import Sentence, code, sentence
from deployments.providers.base import RollingRelease
from rollback_portal.text import clean_line


@dataclass(frozen=True, slots=True)
class RollingReleaseNote:
    """`service` has an active release; the deployments are None where the portal does not know them."""

    service: Service
    release: RollingRelease
    canary: Deployment | None

    @classmethod
    def of(cls, service: Service) -> RollingReleaseNote | None:
        release = service.release
        if release is None:
            return None
        return cls(service, release, service.deployments.filter(provider_id=release.canary_id).first())

    @property
    def message(self) -> Sentence:
        """ "8b019f9 “Faster totals” gets 10% of the requests, stage 1 of 2. The next stage is 100%." """
        name, subject = self.release.canary_id, ""
        if self.canary is not None:
            name, subject = self.canary.short_sha, f" “{clean_line(self.canary.subject, 80)}”"
        return sentence(
            code(name), f"{subject} gets {release_stage(self.release)}.{self._next}{self._queued}"
        )

    @property
    def _next(self) -> str:
        if self.release.next_percent is None:
            return ""
        approval = ", which somebody has to approve" if self.release.needs_approval else ""
        return f" The next stage is {self.release.next_percent:g}%{approval}."

    @property
    def _queued(self) -> str:
        return (
            f" {clean_line(self.release.queued_id, 80)} is queued behind it."
            if self.release.queued_id
            else ""
        )

    @property
    def abort_url(self) -> str:
        return reverse("roll_back", args=[self.service.slug, self.release.base_id])

    @property
    def complete_url(self) -> str:
        return reverse("promote", args=[self.service.slug, self.release.canary_id]) if self.canary else ""
