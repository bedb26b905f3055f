"""The form that marks a commit good or bad, or takes its mark away."""

from __future__ import annotations

from typing import Any

from django import forms

from deployments.forms.confirm import LONGEST_INCIDENT, LONGEST_REASON, PlainText
from deployments.models import CommitMark
from rollback_portal.text import says_something

REMOVE = "remove"


class MarkForm(forms.Form):
    """A verdict with its reason; to take a mark away needs none."""

    verdict = forms.ChoiceField(
        choices=[*CommitMark.Quality.choices, (REMOVE, "no mark")],
        error_messages={
            "required": "Choose good, bad or no mark. Nothing was changed.",
            "invalid_choice": "“%(value)s” is neither good nor bad. Nothing was changed.",
        },
    )
    reason = PlainText(required=False, max_length=LONGEST_REASON)
    incident = PlainText(required=False, max_length=LONGEST_INCIDENT)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        verdict, reason = cleaned.get("verdict"), cleaned.get("reason", "")
        if verdict and verdict != REMOVE and "reason" not in self.errors and not says_something(reason):
            self.add_error("reason", "Say in words why: everybody reads it there. Nothing was changed.")
        return cleaned
