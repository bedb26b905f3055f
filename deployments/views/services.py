"""The services page: what is followed, in which order and groups, and where it answers."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from deployments.forms.services import Arrangement, Place
from deployments.models import Service
from deployments.pages.current_state import what_holds
from deployments.service_settings import arrange
from rollback_portal.accounts.permissions import actor_of, actor_user, refuse
from rollback_portal.accounts.roles import ARRANGE, roles_that_may

NOTHING_NEW = "Nothing was different; nothing was saved."


@require_http_methods(["GET", "HEAD", "POST"])
def services(request: HttpRequest) -> HttpResponse:
    """Every service that the providers showed, followed or not; follow and order for all of them at once."""
    if request.method != "POST":
        return _list(request, [Place(found) for found in _all()])
    if not _may_arrange(request):
        return refuse(request, ARRANGE)
    places = [
        Place(found, request.POST) for found in _all() if f"service-{found.pk}-position" in request.POST
    ]
    if any(not place.is_valid() for place in places):
        return _list(request, places, status=422)
    with transaction.atomic():
        changed = [
            place.service.label
            for place in places
            if arrange(actor_of(request), place.service, place.choices())
        ]
    messages.info(request, f"Saved: {', '.join(changed)}." if changed else NOTHING_NEW)
    return redirect("services")


@require_http_methods(["GET", "HEAD", "POST"])
def service_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything that can be chosen about one service."""
    found = get_object_or_404(Service, slug=slug)
    if request.method != "POST":
        return _form(request, found, Arrangement(found))
    if not _may_arrange(request):
        return refuse(request, ARRANGE)
    form = Arrangement(found, request.POST)
    if not form.is_valid():
        return _form(request, found, form, status=422)
    changed = arrange(actor_of(request), found, form.choices())
    said = f"Saved {found.name}: {'; '.join(changed)}." if changed else NOTHING_NEW
    messages.info(request, said)
    return redirect("services")


def _list(request: HttpRequest, places: list[Place], *, status: int = 200) -> HttpResponse:
    standing = what_holds(place.service for place in places)
    context = {"places": places, "standing": standing, "wrong": status != 200, **_who_may(request, places)}
    return render(request, "deployments/services.html", context, status=status)


def _form(request: HttpRequest, found: Service, form: Arrangement, *, status: int = 200) -> HttpResponse:
    groups = Service.objects.exclude(group="").order_by("group").values_list("group", flat=True).distinct()
    context = {"service": found, "form": form, "known_groups": groups, **_who_may(request, [form])}
    return render(request, "deployments/service_edit.html", context, status=status)


def _who_may(request: HttpRequest, forms: list[Place] | list[Arrangement]) -> dict[str, object]:
    """Somebody who may not change anything sees everything, disabled, with the reason beside it."""
    may = _may_arrange(request)
    for form in forms:
        for field in form.fields.values():
            field.disabled = not may
    return {"may_arrange": may, "needed": roles_that_may(ARRANGE)[0]}


def _all() -> QuerySet[Service]:
    return Service.objects.select_related("live").order_by("-followed", "position", "group", "kind", "name")


def _may_arrange(request: HttpRequest) -> bool:
    return actor_user(request).has_perm(ARRANGE)
