"""The filter above the list of operations; it lives in the address."""

from __future__ import annotations

from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet

from deployments.models import Change, Service

LARGEST_ID = 2**63 - 1
NO_NAME = "That is not the name of a service."
DAMAGED = "The address of this page is damaged: start with the newest operations."


class OperationsFilter(forms.Form):
    service = forms.SlugField(
        required=False,
        max_length=120,
        error_messages={"invalid": NO_NAME, "max_length": NO_NAME},
    )
    before = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_ID,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), DAMAGED),
    )

    def clean_service(self) -> str:
        slug: str = self.cleaned_data["service"]
        if slug and not Service.objects.filter(slug=slug).exists():
            raise forms.ValidationError(f"The portal knows no service called “{slug}”.")
        return slug

    def narrow(self, changes: QuerySet[Change]) -> QuerySet[Change]:
        slug, before = self.cleaned_data["service"], self.cleaned_data["before"]
        if slug:
            changes = changes.filter(service__slug=slug)
        return changes.filter(pk__lt=before) if before else changes

    def older(self, last: int) -> str:
        """The query string of the next page, with the filter in force."""
        return urlencode({**self._chosen, "before": last})

    @property
    def newest(self) -> str:
        """The query string of the first page, with the filter in force."""
        return urlencode(self._chosen)

    @property
    def _chosen(self) -> dict[str, str]:
        slug = self.data.get("service", "")
        return {"service": slug} if slug else {}
