"""The services page: which services are followed, in which order and groups, at which addresses."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from deployments.forms.services import ServiceForm, ServiceRowForm
from deployments.models import ARRANGE, Service
from deployments.service_settings import save_service_settings
from rollback_portal.accounts.permissions import actor_of, actor_user, refuse
from rollback_portal.accounts.roles import weakest_role

NOTHING_CHANGED = "You changed nothing, so nothing was saved."


@require_http_methods(["GET", "HEAD", "POST"])
def services(request: HttpRequest) -> HttpResponse:
    """Every service that the providers list, followed or not. One form saves follow and order of all."""
    if request.method != "POST":
        return _render_list(request, [ServiceRowForm(row) for row in _all_services()])
    if not _may_arrange(request):
        return refuse(request, ARRANGE)
    rows = [
        ServiceRowForm(row, request.POST)
        for row in _all_services()
        if f"service-{row.pk}-position" in request.POST
    ]
    if any(not row.is_valid() for row in rows):
        return _render_list(request, rows, status=422)
    with transaction.atomic():
        changed = [
            row.service.label
            for row in rows
            if save_service_settings(actor_of(request), row.service, row.choices())
        ]
    messages.info(request, f"Saved: {', '.join(changed)}." if changed else NOTHING_CHANGED)
    return redirect("services")


@require_http_methods(["GET", "HEAD", "POST"])
def service_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """All display settings of one service."""
    service = get_object_or_404(Service, slug=slug)
    if request.method != "POST":
        return _render_form(request, service, ServiceForm(service))
    if not _may_arrange(request):
        return refuse(request, ARRANGE)
    form = ServiceForm(service, request.POST)
    if not form.is_valid():
        return _render_form(request, service, form, status=422)
    changed = save_service_settings(actor_of(request), service, form.choices())
    message = f"Saved {service.name}: {'; '.join(changed)}." if changed else NOTHING_CHANGED
    messages.info(request, message)
    return redirect("services")


def _render_list(request: HttpRequest, rows: list[ServiceRowForm], *, status: int = 200) -> HttpResponse:
    context = {"rows": rows, "has_errors": status != 200, **_disable_unless_allowed(request, rows)}
    return render(request, "deployments/services.html", context, status=status)


def _render_form(
    request: HttpRequest, service: Service, form: ServiceForm, *, status: int = 200
) -> HttpResponse:
    groups = Service.objects.exclude(group="").order_by("group").values_list("group", flat=True).distinct()
    context = {
        "service": service,
        "form": form,
        "known_groups": groups,
        **_disable_unless_allowed(request, [form]),
    }
    return render(request, "deployments/service_edit.html", context, status=status)


def _disable_unless_allowed(
    request: HttpRequest, forms: list[ServiceRowForm] | list[ServiceForm]
) -> dict[str, object]:
    """Without the permission the form is shown disabled, with the role that it needs."""
    allowed = _may_arrange(request)
    for form in forms:
        for field in form.fields.values():
            field.disabled = not allowed
    return {"may_arrange": allowed, "needed_role": weakest_role(ARRANGE)}


def _all_services() -> QuerySet[Service]:
    return Service.objects.select_related("live").order_by("-followed", "position", "group", "kind", "name")


def _may_arrange(request: HttpRequest) -> bool:
    return actor_user(request).has_perm(ARRANGE)
