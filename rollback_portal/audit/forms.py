"""The filters of the audit log. They are query parameters, so that a link shows the same entries."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Max, Min, Q, QuerySet

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
        if values["incident"]:
            entries = entries.filter(_story_of(values["incident"]))
        if values["text"]:
            words = Q(message__icontains=values["text"]) | Q(reason__icontains=values["text"])
            entries = entries.filter(words)
        if values["since"]:
            entries = entries.filter(time__gte=datetime.combine(values["since"], time(), UTC))
        if values["until"]:
            entries = entries.filter(
                time__lt=datetime.combine(values["until"], time(), UTC) + timedelta(days=1)
            )
        if values["before"]:
            entries = entries.filter(_below(values["before"]))
        return entries.order_by("-time", "-id")


def _story_of(incident: str) -> Q:
    """The entries of an incident, and the acts outside the portal on the same subjects meanwhile.

    For each subject, start with the last change of what was live before the incident: the entry of the
    deployment that caused it was written before anybody knew of an incident.
    """
    own = Q(incident__iexact=incident)
    told = AuditEntry.objects.filter(own).order_by("subject").values_list("subject")
    outside = AuditEntry.objects.filter(happened_at__isnull=False)
    story = own
    for subject, first, last in told.annotate(first=Min("time"), last=Max("time")):
        went_live = outside.filter(subject=subject, time__lt=first, after__has_key="live").order_by("-time")
        began = went_live.values_list("time", flat=True).first() or first
        story |= Q(happened_at__isnull=False, subject=subject, time__gte=began, time__lte=last)
    return story


def _below(pk: int) -> Q:
    """The entries below this one in a list that is ordered by the time of the act, newest first."""
    at = AuditEntry.objects.filter(pk=pk).values_list("time", flat=True).first()
    return Q(pk__lt=pk) if at is None else Q(time__lt=at) | Q(time=at, pk__lt=pk)


LOOKUPS = {
    "who": "actor_name__icontains",
    "action": "action__icontains",
    "subject": "subject__icontains",
    "outcome": "outcome",
    "operation": "operation",
}
