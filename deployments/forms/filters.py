"""The filters above a list of deployments. They are part of the URL, so that a link shows the same list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from deployments.forms.cursor import LONGEST_CURSOR, Cursor
from deployments.models import Deployment, Service
from deployments.models.deployment import RUNNING, SERVABLE
from deployments.providers.base import DeploymentStatus

STATUSES = {
    "built": SERVABLE,
    "running": RUNNING,
    "failed": (DeploymentStatus.FAILED,),
    "canceled": (DeploymentStatus.CANCELED,),
}


class Filters(forms.Form):
    """What a list shows. An invalid value is ignored, and `complaints` says so."""

    text = forms.CharField(
        label="Commit, branch or pull request",
        required=False,
        max_length=100,
        widget=forms.TextInput({"type": "search"}),
    )
    author = forms.CharField(
        label="Author", required=False, max_length=100, widget=forms.TextInput({"type": "search"})
    )
    status = forms.ChoiceField(
        label="Status",
        required=False,
        choices=[
            ("", "any status"),
            ("built", "built"),
            ("running", "under way"),
            ("failed", "failed"),
            ("canceled", "canceled"),
        ],
    )
    show = forms.ChoiceField(
        label="Kind",
        required=False,
        choices=[("", "production"), ("previews", "previews"), ("all", "production and previews")],
    )
    service = forms.ChoiceField(label="Service", required=False)
    before = forms.CharField(required=False, max_length=LONGEST_CURSOR, widget=forms.HiddenInput)

    def __init__(self, data: Any, services: Iterable[Service]) -> None:
        super().__init__(data, auto_id="filter-%s")
        self.services = tuple(services)
        choices = [("", "every service"), *((service.slug, service.label) for service in self.services)]
        self.fields["service"] = forms.ChoiceField(label="Service", required=False, choices=choices)
        for field in self.fields.values():
            field.error_messages |= {"invalid_choice": "“%(value)s” is not one of the choices."}
        self.is_valid()

    def value(self, name: str) -> str:
        return str(self.cleaned_data.get(name) or "")

    @property
    def cursor(self) -> Cursor | None:
        return Cursor.read(self.value("before"))

    @property
    def chosen(self) -> bool:
        """Whether any filter is set; paging is no filter."""
        return any(self.value(name) for name in ("text", "author", "status", "show", "service"))

    @property
    def complaints(self) -> list[str]:
        """What is invalid in the URL, in sentences for the page."""
        complaints = [
            f"The filter “{field.label}” was ignored: {' '.join(map(str, self.errors[field.name]))}"
            for field in self
            if field.name in self.errors
        ]
        if self.value("before") and self.cursor is None:
            complaints.append("This address points to no place in the list; it starts with the newest.")
        return complaints

    def apply(self, rows: QuerySet[Deployment]) -> QuerySet[Deployment]:
        """The rows that match the filters and come after the cursor."""
        rows = rows.filter(service__in=[service.pk for service in self._chosen_services()])
        if self.value("show") != "all":
            rows = rows.filter(production=self.value("show") != "previews")
        if status := self.value("status"):
            rows = rows.filter(status__in=STATUSES[status])
        if author := self.value("author"):
            rows = rows.filter(_written_or_started_by(author))
        if text := self.value("text"):
            rows = rows.filter(_mentions(text))
        return self._after_cursor(rows)

    def _chosen_services(self) -> list[Service]:
        slug = self.value("service")
        return [service for service in self.services if slug in ("", service.slug)]

    def _after_cursor(self, rows: QuerySet[Deployment]) -> QuerySet[Deployment]:
        cursor = self.cursor
        if cursor is None:
            return rows
        older = Q(created_at__lt=cursor.at) | Q(created_at=cursor.at, pk__lt=cursor.pk)
        return rows.filter(older, created_at__lte=cursor.at).exclude(pk__in=cursor.shown)


def _written_or_started_by(author: str) -> Q:
    """Written or started by this person; where a row has no author, one with the same commit may have it."""
    commits = Deployment.objects.filter(author__icontains=author).exclude(commit_sha="").values("commit_sha")
    return Q(author__icontains=author) | Q(started_by__icontains=author) | Q(commit_sha__in=commits)


def _mentions(text: str) -> Q:
    number = text.removeprefix("#")
    return (
        Q(commit_message__icontains=text)
        | Q(commit_sha__istartswith=text)
        | Q(branch__icontains=text)
        | Q(provider_id=text)
        | Q(pull_request=number)
    )
