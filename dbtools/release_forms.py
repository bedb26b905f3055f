"""The forms around taking a backup out: asking for it, answering, and using the answer."""

from __future__ import annotations

from typing import Any

from django import forms

from dbtools.forms import SeenDigest, Text, Verbatim, WizardForm
from dbtools.models import BackupRelease, DatabaseRollback

GONE = "That request is not there any more. Nothing was changed."
OLD_PAGE = "Somebody has asked for it since your page was loaded: look at it again."


class AskForm(WizardForm):
    """What the data is needed for. `seen` is the newest request on the page, so that no form counts twice."""

    REFUSALS = {"": "release refused"}

    reason = Text()
    seen = Verbatim()

    def clean_seen(self) -> str:
        seen: str = self.cleaned_data["seen"]
        if seen != newest_release(self.rollback):
            raise forms.ValidationError(OLD_PAGE)
        return seen

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}


class AskRestoreForm(AskForm):
    """The same, with the name of the new database."""

    name = Text()


class ReleaseForm(WizardForm):
    """Which request is meant."""

    REFUSALS = {"": "release refused"}

    release = Verbatim()

    def clean_release(self) -> BackupRelease:
        number: str = self.cleaned_data["release"]
        rows = self.rollback.releases.select_related("rollback__backup", "rollback__database")
        release = rows.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None
        if release is None:
            raise forms.ValidationError(GONE)
        return release


class ApproveReleaseForm(ReleaseForm):
    """The same, with the digest of what the approver saw."""

    seen = SeenDigest()


class DeclineReleaseForm(ReleaseForm):
    """The same, with why not."""

    reason = Text()


def newest_release(rollback: DatabaseRollback) -> str:
    """What tells a page that somebody has asked since it was drawn."""
    numbers = [release.pk for release in rollback.releases.all()]
    return str(max(numbers)) if numbers else ""
