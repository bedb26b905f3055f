"""The audit log as a page: newest first, filtered, one page after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rollback_portal.audit.forms import AuditFilter
from rollback_portal.audit.models import AuditEntry, Outcome

PAGE = 50
MARKS = {
    Outcome.ASKED: ("busy", "ring"),
    Outcome.STEP: ("", "dot"),
    Outcome.DONE: ("good", "dot"),
    Outcome.REFUSED: ("warn", "diamond"),
    Outcome.FAILED: ("bad", "square"),
    Outcome.UNCLEAR: ("warn", "ring"),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One named value on both sides of an act."""

    name: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry with what its row on the page needs."""

    entry: AuditEntry
    tone: str
    shape: str
    facts: Sequence[Fact]


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Every filter is a parameter of the address; `?before=` goes on where a page ended."""
    form = AuditFilter(request.GET)
    valid = form.is_valid()
    entries = list(form.narrow(AuditEntry.objects.all())[: PAGE + 1]) if valid else []
    context = {
        "form": form,
        "entries": [_shown(entry) for entry in entries[:PAGE]],
        "older": form.older(entries[PAGE - 1].pk) if len(entries) > PAGE else "",
        "first_page": not (valid and form.cleaned_data["before"]),
    }
    return render(request, "audit/audit.html", context, status=200 if valid else 400)


def _shown(entry: AuditEntry) -> Shown:
    tone, shape = MARKS[Outcome(entry.outcome)]
    return Shown(entry, tone, shape, tuple(_facts(entry)))


def _facts(entry: AuditEntry) -> Iterator[Fact]:
    for name in sorted({*entry.before, *entry.after}):
        yield Fact(name, _words(entry.before.get(name)), _words(entry.after.get(name)))


def _words(value: object) -> str:
    """A stored value as people read it; nothing stored is a dash."""
    if value is None or value == "":
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
