"""The audit log as a page, newest first, with filters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rollback_portal.audit.forms import AuditFilter
from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.web.badges import Badge

PAGE = 50
LEARNED_AT_ONCE = timedelta(minutes=1)
BADGES = {
    Outcome.ASKED: Badge("REQUESTED", "busy", "circle"),
    Outcome.STEP: Badge("ON THE WAY"),
    Outcome.DONE: Badge("DONE", "good"),
    Outcome.REFUSED: Badge("REFUSED", "warn", "diamond"),
    Outcome.FAILED: Badge("FAILED", "bad", "square"),
    Outcome.UNCLEAR: Badge("UNCLEAR", "warn", "circle"),
}


@dataclass(frozen=True, slots=True)
class AuditValue:
    """One named value before and after an act."""

    name: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry as the page lists it."""

    entry: AuditEntry
    badge: Badge
    values: Sequence[AuditValue]

    @property
    def learned_later(self) -> bool:
        """Whether the act was learned noticeably after it had happened, or the clocks say so."""
        apart: timedelta = self.entry.at - self.entry.time
        return abs(apart) > LEARNED_AT_ONCE


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """One page of entries, newest first; the filters and the position are query parameters."""
    form = AuditFilter(request.GET)
    valid = form.is_valid()
    entries = list(form.narrow(AuditEntry.objects.all())[: PAGE + 1]) if valid else []
    first_page = not (valid and form.cleaned_data["before"])
    context = {
        "form": form,
        "entries": [_row(entry) for entry in entries[:PAGE]],
        "older": form.older(entries[PAGE - 1].pk) if len(entries) > PAGE else "",
        "first_page": first_page,
        "nothing": "" if entries or not valid else nothing_found(form, first_page=first_page),
    }
    return render(request, "audit/audit.html", context, status=200 if valid else 400)


def nothing_found(form: AuditFilter, *, first_page: bool) -> str:
    """Why a page has no entries."""
    if form.narrows:
        return "No actions match."
    return "Nothing has been done yet." if first_page else "No older entries."


def _row(entry: AuditEntry) -> AuditRow:
    return AuditRow(entry, BADGES[Outcome(entry.outcome)], tuple(_values(entry)))


def _values(entry: AuditEntry) -> Iterator[AuditValue]:
    for name in sorted({*entry.before, *entry.after}):
        yield AuditValue(name, _as_text(entry.before.get(name)), _as_text(entry.after.get(name)))


def _as_text(value: object) -> str:
    """A stored value in words; an empty one is a dash."""
    if value is None or value == "":
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
