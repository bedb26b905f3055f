"""The confirm dialog of an operation: what will happen, why, and one button that does it.

GET draws the plan, as a page or as the dialog's content. POST starts exactly what was drawn, or shows
what has changed since; what was typed is never lost.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from deployments.forms.confirm import LONGEST_INCIDENT, LONGEST_REASON, ConfirmForm
from deployments.history import compare_url
from deployments.lookup import find_deployment, find_service
from deployments.models import Change, Deployment, Kind, Operation, ProviderStatus, Service
from deployments.operations import plan_token, requests
from deployments.operations.plan import Plan, make_plan
from deployments.operations.plan_token import BadToken
from deployments.pages import manual_fallback
from deployments.pages.leave_options import ways_to_leave
from rollback_portal.accounts.permissions import actor_of, actor_user, requires
from rollback_portal.accounts.roles import OPERATE, roles_that_may
from rollback_portal.templatetags.text import age, harmless
from rollback_portal.web.pages import page

only_get_and_post = require_http_methods(["GET", "HEAD", "POST"])


@only_get_and_post
def roll_back(request: HttpRequest, slug: str, provider_id: str) -> HttpResponse:
    return _confirm(request, Kind.ROLL_BACK, slug, provider_id)


@only_get_and_post
def promote(request: HttpRequest, slug: str, provider_id: str) -> HttpResponse:
    return _confirm(request, Kind.PROMOTE, slug, provider_id)


@only_get_and_post
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    """`?to=` names the deployment that goes in front of users; without it traffic does not move."""
    return _confirm(request, Kind.LEAVE, slug, request.GET.get("to", ""))


def _confirm(request: HttpRequest, kind: Kind, slug: str, provider_id: str) -> HttpResponse:
    service = find_service(slug)
    target = find_deployment(service, provider_id) if provider_id else None
    if request.method == "POST":
        return _send(request, kind, service, target)
    return _draw(request, _plan(kind, service, target), ConfirmForm(kind=kind, initial=_given(request)))


def _given(request: HttpRequest) -> dict[str, object]:
    """What the address fills in: a link from an alert, or what was typed before the sign-in ended."""
    typed = request.GET.get("words", "").splitlines()
    return {
        "reason": request.GET.get("reason", ""),
        "words": "\n".join(harmless(line, LONGEST_REASON) for line in typed),
        "incident": harmless(request.GET.get("incident", ""), LONGEST_INCIDENT),
        "cancel_builds_first": True,
    }


def _plan(
    kind: Kind, service: Service, target: Deployment | None, *, cancel_builds_first: bool = True
) -> Plan:
    running, pin = requests.active_change(service), requests.standing_pin(service)
    return make_plan(kind, service, target, running, pin, cancel_builds_first=cancel_builds_first)


@requires(OPERATE)
def _send(request: HttpRequest, kind: Kind, service: Service, target: Deployment | None) -> HttpResponse:
    """Start the operation, unless the form is incomplete or its world is gone."""
    plan = _plan(kind, service, target, cancel_builds_first=bool(request.POST.get("cancel_builds_first")))
    form = ConfirmForm(request.POST, kind=kind)
    try:
        token = plan_token.read_token(request.POST.get("token", ""), kind, service, target)
    except BadToken as error:
        return _draw(request, plan, form, trouble=str(error), status=409)
    earlier = Operation.objects.filter(idempotency_key=token["idempotency_key"]).first()
    if earlier is not None:
        return _go(request, earlier)
    if not form.is_valid():
        return _draw(request, plan, form, status=422)
    changed = plan_token.differences(token["world"], service)
    if changed and requests.active_change(service) is None:
        return _draw(request, plan, form, changed=changed, status=409)
    return _start(request, plan, form, UUID(token["idempotency_key"]))


def _start(request: HttpRequest, plan: Plan, form: ConfirmForm, key: UUID) -> HttpResponse:
    given = form.cleaned_data
    try:
        operation = requests.request(
            actor_of(request),
            plan,
            key=key,
            reason=given["reason"],
            words=given["words"],
            incident=given["incident"],
        )
    except requests.UnderWay as other:
        return _show_the_first(request, other.change)
    except requests.NotPossible as error:
        return _draw(request, plan, form, trouble=str(error), status=409)
    return _go(request, operation)


def _show_the_first(request: HttpRequest, running: Change) -> HttpResponse:
    first = running.operation
    if first.requested_by_id == actor_user(request).pk:
        said = "You had asked already: this is the operation under way. A second one was not started."
    else:
        who = first.requested_by_name
        said = f"{who} was faster: this is the operation under way. Yours was not started."
    messages.info(request, said)
    return _go(request, first)


def _go(request: HttpRequest, operation: Operation) -> HttpResponse:
    where = operation.get_absolute_url()
    return HttpResponseClientRedirect(where) if request.htmx else HttpResponseRedirect(where, status=303)  # type: ignore[attr-defined]


def _draw(
    request: HttpRequest,
    plan: Plan,
    form: ConfirmForm,
    *,
    changed: list[str] | None = None,
    trouble: str = "",
    status: int = 200,
) -> HttpResponse:
    """The dialog, with what stands in the way above the plan."""
    service, target, live = plan.service, plan.target, plan.live
    goes = _goes_back(live, target)
    reading = ProviderStatus.objects.filter(pk=service.provider).first()
    context = {
        "plan": plan,
        "form": form,
        "service": service,
        "changed": changed or [],
        "trouble": trouble,
        "refused": _not_allowed(request),
        "running": requests.active_change(service),
        "stale": _stale(service, reading),
        "fallback": manual_fallback.for_dialog(plan, reading),
        "goes": goes,
        "compare": compare_url(service, target if goes else live, live if goes else target),
        "choices": ways_to_leave(plan) if plan.kind == Kind.LEAVE else [],
        "longest_reason": LONGEST_REASON,
        "where": request.get_full_path(),
        "in_dialog": bool(request.htmx) and not request.htmx.boosted,  # type: ignore[attr-defined]
    }
    fragment = "deployments/_confirm.html"
    return page(request, "deployments/confirm.html", context, fragment=fragment, status=status)


def _goes_back(live: Deployment | None, target: Deployment | None) -> bool:
    """Whether the commits between are taken away from users, or brought to them."""
    if live is None or target is None:
        return False
    return target.created_at < (live.restores or live).created_at


def _not_allowed(request: HttpRequest) -> str:
    if actor_user(request).has_perm(OPERATE):
        return ""
    needed, role = " or ".join(roles_that_may(OPERATE)), actor_user(request).role
    return f"You may look, but not do this: it needs the role {needed}, and yours is {role}"


def _stale(service: Service, reading: ProviderStatus | None) -> str:
    """Where the portal's rows are old, their age stands in the dialog."""
    provider = service.get_provider_display()
    if reading is None or reading.synced_at is None:
        return f"{provider} has not answered the portal yet. It is asked before anything is sent."
    if reading.tone(timezone.now()) == "good":
        return ""
    because = f" ({harmless(reading.error)})" if reading.error else ""
    said = f"This is what {provider} said {age(reading.synced_at)} ago{because}."
    return f"{said} It is asked again before anything is sent."
