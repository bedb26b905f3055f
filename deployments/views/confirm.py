"""The confirm dialog of an operation: the plan, the reason, and one button.

GET shows the plan, as a page or as the content of the dialog. POST starts exactly the plan that was shown, or
shows what has changed since and keeps what was typed.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from deployments.forms.alert_link import AlertLink, time_of
from deployments.forms.confirm import LONGEST_REASON, ConfirmForm
from deployments.history import compare_url, is_older
from deployments.lookup import find_deployment, find_service
from deployments.models import OPERATE, Change, Deployment, Operation, OperationKind, ProviderStatus, Service
from deployments.operations import plan_token, requests
from deployments.operations.marks import commit_taken_away
from deployments.operations.plan import Plan, make_plan
from deployments.operations.plan_token import InvalidPlanToken
from deployments.pages import manual_fallback
from deployments.pages.deployment_text import (
    COMMITS_MOVE,
    CommitList,
    commits_summary,
    live_before,
    pin_fact,
    target_fact,
)
from deployments.pages.leave_options import leave_options
from deployments.pages.verdicts.blame import blame_fact
from rollback_portal.accounts.permissions import actor_of, actor_user, requires
from rollback_portal.accounts.roles import any_role
from rollback_portal.text import age, clean_line
from rollback_portal.web.pages import page

only_get_and_post = require_http_methods(["GET", "HEAD", "POST"])


@only_get_and_post
def roll_back(request: HttpRequest, slug: str, provider_id: str) -> HttpResponse:
    return _confirm(request, OperationKind.ROLL_BACK, slug, provider_id)


@only_get_and_post
def promote(request: HttpRequest, slug: str, provider_id: str) -> HttpResponse:
    return _confirm(request, OperationKind.PROMOTE, slug, provider_id)


@only_get_and_post
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    """`?to=` names the deployment that goes in front of users; without it no traffic moves.

    `?auto_deploy=off` keeps automatic deploys off.
    """
    return _confirm(request, OperationKind.LEAVE, slug, request.GET.get("to", ""))


def _confirm(request: HttpRequest, kind: OperationKind, slug: str, provider_id: str) -> HttpResponse:
    service = find_service(slug)
    target = find_deployment(service, provider_id) if provider_id else None
    keep_off = kind == OperationKind.LEAVE and request.GET.get("auto_deploy") == "off"
    if request.method == "POST":
        return _send(request, kind, service, target, keep_auto_deploy_off=keep_off)
    plan = _plan(kind, service, target, keep_auto_deploy_off=keep_off)
    return _render(request, plan, ConfirmForm(kind=kind, initial=_initial(request)))


def _initial(request: HttpRequest) -> dict[str, object]:
    """What the query string fills in: a link from an alert, or what was typed before the session ended."""
    link = AlertLink(request.GET.dict(), timezone.now())
    return {
        "reason": link.reason,
        "words": link.words,
        "incident": link.incident,
        "since": link.since.isoformat() if link.since else "",
        "cancel_builds_first": True,
        "marks_bad": True,
    }


def _plan(kind: OperationKind, service: Service, target: Deployment | None, **choices: bool) -> Plan:
    running, pin = requests.active_change(service), service.standing_pin
    return make_plan(kind, service, target, running, pin, **choices)


@requires(OPERATE)
def _send(
    request: HttpRequest,
    kind: OperationKind,
    service: Service,
    target: Deployment | None,
    *,
    keep_auto_deploy_off: bool,
) -> HttpResponse:
    """Start the operation, unless the form is incomplete or the plan no longer applies."""
    cancels, keeps = bool(request.POST.get("cancel_builds_first")), keep_auto_deploy_off
    plan = _plan(kind, service, target, cancel_builds_first=cancels, keep_auto_deploy_off=keeps)
    form = ConfirmForm(request.POST, kind=kind)
    try:
        token = plan_token.read_token(
            request.POST.get("token", ""), kind, service, target, keep_auto_deploy_off=keeps
        )
    except InvalidPlanToken as error:
        return _render(request, plan, form, problem=str(error), status=409)
    earlier = Operation.objects.filter(idempotency_key=token["idempotency_key"]).first()
    if earlier is not None:
        return _redirect(request, earlier)
    if not form.is_valid():
        return _render(request, plan, form, status=422)
    if plan.question and not form.cleaned_data["again"]:
        return _render(request, plan, form, asked=True, status=409)
    changed = plan_token.differences(token["snapshot"], service)
    if changed and requests.active_change(service) is None:
        return _render(request, plan, form, changed=changed, status=409)
    return _start(request, plan, form, UUID(token["idempotency_key"]))


def _start(request: HttpRequest, plan: Plan, form: ConfirmForm, key: UUID) -> HttpResponse:
    data = form.cleaned_data
    try:
        operation = requests.request_operation(
            actor_of(request),
            plan,
            idempotency_key=key,
            reason=data["reason"],
            reason_detail=data["words"],
            incident=data["incident"],
            incident_began_at=data["since"],
            marks_bad=data["marks_bad"] if plan.kind == OperationKind.ROLL_BACK else None,
        )
    except requests.OperationUnderWay as other:
        return _redirect_to_other(request, other.change)
    except requests.OperationRefused as error:
        return _render(request, plan, form, problem=str(error), status=409)
    return _redirect(request, operation)


def _redirect_to_other(request: HttpRequest, running: Change) -> HttpResponse:
    first = running.operation
    if first.requested_by_id == actor_user(request).pk:
        message = "You had already requested this: here is the operation. No second one was started."
    else:
        message = (
            f"{first.requested_by_name} was faster: here is the operation under way. Yours was not started."
        )
    messages.info(request, message)
    return _redirect(request, first)


def _redirect(request: HttpRequest, operation: Operation) -> HttpResponse:
    url = operation.get_absolute_url()
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url, status=303)  # type: ignore[attr-defined]


def _render(
    request: HttpRequest,
    plan: Plan,
    form: ConfirmForm,
    *,
    changed: list[str] | None = None,
    problem: str = "",
    asked: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The dialog: above the plan whatever stops the operation or has changed."""
    service, target, live = plan.service, plan.target, plan.live
    incident_began = time_of(str(form["since"].value() or ""))
    provider_status = ProviderStatus.objects.filter(pk=service.provider).first()
    context = {
        "plan": plan,
        "form": form,
        "service": service,
        "changed": changed or [],
        "problem": problem,
        "asked": asked,
        "refused": _not_allowed(request),
        "building": ", ".join(clean_line(deployment, 120) for deployment in plan.building),
        "running": requests.active_change(service),
        "old_data_note": _old_data_note(service, provider_status),
        "fallback": manual_fallback.for_dialog(plan, provider_status),
        "target_fact": target_fact(target) if target else (),
        "live_before": live_before(live) if live else (),
        "pin_fact": pin_fact(plan.pin) if plan.pin else (),
        "commits": _commits(plan),
        "options": leave_options(plan) if plan.kind == OperationKind.LEAVE else [],
        "longest_reason": LONGEST_REASON,
        "bad_commit": live.short_sha if live and commit_taken_away(plan.kind, live, target) else "",
        "incident_began": incident_began,
        "blame": blame_fact(service, incident_given=incident_began is not None),
        "own_url": request.get_full_path(),
        "in_dialog": bool(request.htmx) and not request.htmx.boosted,  # type: ignore[attr-defined]
    }
    fragment = "deployments/_confirm.html"
    return page(request, "deployments/confirm.html", context, fragment=fragment, status=status)


def _commits(plan: Plan) -> CommitList | None:
    """The commits in between; None if a rollback to newer code has no known ones."""
    old, new = plan.target, plan.live
    goes_back = _goes_back(plan.live, plan.target)
    if goes_back is False and not plan.commits and plan.kind == OperationKind.ROLL_BACK:
        return None
    if goes_back is False:
        old, new = new, old
    summary = commits_summary(len(plan.commits), _verb(plan, goes_back=goes_back), plan.service)
    return CommitList(summary, plan.commits, compare_url(plan.service, old, new))


def _goes_back(live: Deployment | None, target: Deployment | None) -> bool | None:
    """Whether the commits in between are taken away from users rather than brought to them."""
    if live is None or target is None:
        return False
    return is_older(target, live)


def _verb(plan: Plan, *, goes_back: bool | None) -> str:
    returns = goes_back is False and plan.kind == OperationKind.LEAVE
    return "return" if returns else COMMITS_MOVE[goes_back]


def _not_allowed(request: HttpRequest) -> str:
    if actor_user(request).has_perm(OPERATE):
        return ""
    needed, role = any_role(OPERATE), actor_user(request).role
    return f"You may look, but not do this: it needs the role {needed}, and yours is {role}"


def _old_data_note(service: Service, status: ProviderStatus | None) -> str:
    """How old the portal's data is, "" while it is fresh."""
    provider = service.get_provider_display()
    if service.read_failures:
        since = f" for {age(service.synced_at)}" if service.synced_at else ""
        return (
            f"{service.short} could not be read{since}: {clean_line(service.error)} "
            "It will be read again before anything is sent."
        )
    if status is None or status.synced_at is None:
        return f"{provider} has not answered the portal yet. It will be read before anything is sent."
    if status.tone(timezone.now()) == "good":
        return ""
    because = f" ({clean_line(status.error)})" if status.error else ""
    message = f"This was read from {provider} {age(status.synced_at)} ago{because}."
    return f"{message} It will be read again before anything is sent."
