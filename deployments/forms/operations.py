"""The filter above the list of operations. It is part of the URL."""

from __future__ import annotations

from django import forms
from django.db.models import QuerySet

from deployments.models import Change, Service
from rollback_portal.web.keyset_paging import KeysetFilter, before_field

NO_NAME = "That is not the name of a service."
DAMAGED = "The address of this page is damaged: start with the newest operations."


class OperationsFilter(KeysetFilter):
    service = forms.SlugField(
        required=False,
        max_length=120,
        error_messages={"invalid": NO_NAME, "max_length": NO_NAME},
    )
    before = before_field(DAMAGED)

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
