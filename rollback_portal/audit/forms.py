"""The filters of the audit log. They are query parameters, so that a link shows the same entries."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.web.keyset_paging import KeysetFilter, before_field

DAMAGED = "The address of this page is damaged: start with the newest entries."
NOT_AN_OPERATION = "That is not the number of an operation; copy it from the operation's address."
A_DATE = "“%(value)s” is not a date; write it as 2026-11-23."


class Day(forms.DateField):
    """A day in UTC. Only the ISO format is accepted, because it cannot be misread."""

    input_formats = ["%Y-%m-%d"]
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except forms.ValidationError:
            raise forms.ValidationError(A_DATE, code="invalid", params={"value": str(value)[:40]}) from None


class AuditFilter(KeysetFilter):
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
    before = before_field(DAMAGED)

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and since > until:
            raise forms.ValidationError(f"The first day, {since}, is after the last, {until}.")
        return values

    @property
    def narrows(self) -> bool:
        """Whether any filter is in force."""
        return bool(self.chosen)

    def narrow(self, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        values = self.cleaned_data
        for name, lookup in LOOKUPS.items():
            if values[name]:
                entries = entries.filter(**{lookup: values[name]})
        if values["text"]:
            words = Q(message__icontains=values["text"]) | Q(reason__icontains=values["text"])
            entries = entries.filter(words)
        if values["since"]:
            entries = entries.filter(at__gte=datetime.combine(values["since"], time(), UTC))
        if values["until"]:
            entries = entries.filter(
                at__lt=datetime.combine(values["until"], time(), UTC) + timedelta(days=1)
            )
        return entries


LOOKUPS = {
    "who": "actor_name__icontains",
    "action": "action__icontains",
    "subject": "subject__icontains",
    "incident": "incident__iexact",
    "outcome": "outcome",
    "operation": "operation",
    "before": "pk__lt",
}
