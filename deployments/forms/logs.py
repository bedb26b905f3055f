"""The filters above log lines. They are part of the URL."""

from __future__ import annotations

from typing import Any

from django import forms

from deployments.logs.masking import mask
from deployments.logs.wishes import LogFilters
from deployments.models.log_view import LONGEST_FILTER

LOOKS_SECRET = "This looks like a secret. Secrets are masked in the lines, so it cannot be found in them."  # noqa: S105


class LogFilterForm(forms.Form):
    """Which lines are shown. An invalid value is ignored, and `complaints` says so."""

    text = forms.CharField(
        label="Text in the line",
        required=False,
        max_length=LONGEST_FILTER,
        widget=forms.TextInput({"type": "search"}),
    )
    kind = forms.ChoiceField(
        label="Type",
        required=False,
        choices=[("", "any type"), ("app", "app"), ("request", "request"), ("build", "build")],
    )
    level = forms.ChoiceField(
        label="Level",
        required=False,
        choices=[
            ("", "any level"),
            ("error", "error and worse"),
            ("warning", "warning"),
            ("info", "info"),
            ("debug", "debug"),
        ],
    )

    def __init__(self, data: Any, *, why_not: str = "") -> None:
        """`why_not` disables the filters and says why."""
        super().__init__(data, auto_id="log-%s")
        self.why_not = why_not
        for field in self.fields.values():
            field.disabled = bool(why_not)

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if mask(text) != text:
            raise forms.ValidationError(LOOKS_SECRET)
        return text

    @property
    def filters(self) -> LogFilters:
        self.is_valid()
        return LogFilters(**{name: self.cleaned_data.get(name) or "" for name in self.fields})

    @property
    def complaints(self) -> list[str]:
        return [
            f"{self.fields[name].label}: {message} The filter is left out."
            for name, messages in self.errors.items()
            for message in messages
        ]
