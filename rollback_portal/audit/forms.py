"""The filters of the audit log. They live in the address, so that a link shows the same entries."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q, QuerySet

from rollback_portal.audit.models import AuditEntry, Outcome

LARGEST_ID = 2**63 - 1
DAMAGED = "The address of this page is damaged: start with the newest entries."
NOT_AN_OPERATION = "That is not the number of an operation; copy it from the operation's address."
A_DATE = "“%(value)s” is not a date; write it as 2026-11-23."


class Day(forms.DateField):
    """A day in UTC, written the one way that cannot be misread."""

    input_formats = ["%Y-%m-%d"]
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except forms.ValidationError:
            raise forms.ValidationError(A_DATE, code="invalid", params={"value": str(value)[:40]}) from None


class AuditFilter(forms.Form):
    who = forms.CharField(required=False, max_length=200)
    action = forms.CharField(required=False, max_length=60)
    subject = forms.CharField(required=False, max_length=200, label="Subject")
    incident = forms.CharField(required=False, max_length=100)
    outcome = forms.ChoiceField(
        required=False,
        choices=[("", "any"), *Outcome.choices],
        error_messages={"invalid_choice": "“%(value)s” is not an outcome; choose one from the list."},
    )
    text = forms.CharField(required=False, max_length=200, label="Words")
    since = Day(required=False, label="From (UTC)")
    until = Day(required=False, label="To (UTC)")
    operation = forms.UUIDField(
        required=False,
        error_messages={"invalid": NOT_AN_OPERATION},
    )
    before = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_ID,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), DAMAGED),
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        since, until = given.get("since"), given.get("until")
        if since and until and since > until:
            raise forms.ValidationError(f"The first day, {since}, is after the last, {until}.")
        return given

    @property
    def _chosen(self) -> dict[str, Any]:
        names = [name for name in self.fields if name != "before"]
        return {name: self.data[name] for name in names if self.data.get(name)}

    @property
    def narrows(self) -> bool:
        """Whether anything but the place in the list is chosen."""
        return bool(self._chosen)

    def narrow(self, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        given = self.cleaned_data
        for name, lookup in LOOKUPS.items():
            if given[name]:
                entries = entries.filter(**{lookup: given[name]})
        if given["text"]:
            words = Q(message__icontains=given["text"]) | Q(reason__icontains=given["text"])
            entries = entries.filter(words)
        if given["since"]:
            entries = entries.filter(at__gte=datetime.combine(given["since"], time(), UTC))
        if given["until"]:
            entries = entries.filter(at__lt=datetime.combine(given["until"], time(), UTC) + timedelta(days=1))
        return entries

    def older(self, last: int) -> str:
        """The query string of the next page, with the filters in force."""
        return urlencode({**self._chosen, "before": last})

    @property
    def newest(self) -> str:
        """The query string of the first page, with the filters in force."""
        return urlencode(self._chosen)


LOOKUPS = {
    "who": "actor_name__icontains",
    "action": "action__icontains",
    "subject": "subject__icontains",
    "incident": "incident__iexact",
    "outcome": "outcome",
    "operation": "operation",
    "before": "pk__lt",
}
