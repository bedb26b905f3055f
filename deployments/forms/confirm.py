"""The reason for an operation, in a chosen word and in the person's own."""

from __future__ import annotations

from typing import Any

from django import forms

from deployments.models import Kind, Reason
from rollback_portal.templatetags.text import harmless

LONGEST_REASON = 2_000
LONGEST_INCIDENT = 100


class PlainText(forms.CharField):
    """Text for the record: visible characters and line ends, nothing that hides or turns text around."""

    def to_python(self, value: object) -> str:
        typed = str(value or "")
        lines = [harmless(line, len(line) + 1) for line in typed.splitlines()]
        return "\n".join(lines).strip()


class ConfirmForm(forms.Form):
    """Why, and for which incident. Leaving a rollback may go without a reason."""

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
    cancel_builds_first = forms.BooleanField(required=False)

    def __init__(self, *args: Any, kind: Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = kind != Kind.LEAVE

    def clean_words(self) -> str:
        return _fitting(self.cleaned_data["words"], "The reason", LONGEST_REASON)

    def clean_incident(self) -> str:
        reference = " ".join(self.cleaned_data["incident"].split())
        return _fitting(reference, "The incident reference", LONGEST_INCIDENT)


def _fitting(text: str, what: str, longest: int) -> str:
    if len(text) > longest:
        raise forms.ValidationError(
            f"{what} is {len(text):,} characters long and {longest:,} fit. Shorten it: nothing was started, "
            "and the rest of the form is kept.",
            code="max_length",
        )
    return text
