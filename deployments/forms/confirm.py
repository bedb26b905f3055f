"""The confirm form: one of the reasons, the person's own words and an incident reference."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.dateparse import parse_datetime

from deployments.models import OperationKind, Reason
from rollback_portal.text import clean_line

LONGEST_REASON = 2_000
LONGEST_INCIDENT = 100


class PlainText(forms.CharField):
    """Text for the record: without invisible characters and those that change the direction of text."""

    def to_python(self, value: object) -> str:
        text = str(value or "")
        lines = [clean_line(line, len(line) + 1) for line in text.splitlines()]
        return "\n".join(lines).strip()


class ConfirmForm(forms.Form):
    """Why, and for which incident. Leaving a rollback needs no reason."""

    reason = forms.ChoiceField(
        choices=Reason,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose the reason. Nothing was started.",
            "invalid_choice": "“%(value)s” is not one of the four reasons. Nothing was started.",
        },
    )
    words = PlainText(required=False, label="In your own words")
    incident = PlainText(required=False)
    since = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    cancel_builds_first = forms.BooleanField(required=False)
    marks_bad = forms.BooleanField(required=False)
    again = forms.BooleanField(required=False)

    def __init__(self, *args: Any, kind: OperationKind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = kind != OperationKind.LEAVE

    def clean_words(self) -> str:
        return _check_length(self.cleaned_data["words"], "The reason", LONGEST_REASON)

    def clean_incident(self) -> str:
        reference = " ".join(self.cleaned_data["incident"].split())
        return _check_length(reference, "The incident reference", LONGEST_INCIDENT)

    def clean_since(self) -> datetime | None:
        """When the incident began, as the link in an alert said; it is not typed, so it is never an error."""
        try:
            at = parse_datetime(self.cleaned_data["since"])
        except ValueError:
            return None
        return at if at is not None and at.tzinfo is not None else None


def _check_length(text: str, label: str, longest: int) -> str:
    if len(text) > longest:
        raise forms.ValidationError(
            f"{label} is {len(text):,} characters long and {longest:,} fit. Shorten it: nothing was started, "
            "and the rest of the form is kept.",
            code="max_length",
        )
    return text
