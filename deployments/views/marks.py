"""Marks the commit of a deployment good or bad, from the deployment's page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from deployments.forms.marks import REMOVE, MarkForm
from deployments.lookup import find_deployment, find_service
from deployments.models import OPERATE, Deployment
from deployments.operations import marks
from rollback_portal.accounts.permissions import actor_of, requires


@require_POST
@requires(OPERATE)
def mark(request: HttpRequest, slug: str, provider_id: str) -> HttpResponse:
    deployment = find_deployment(find_service(slug), provider_id)
    form = MarkForm(request.POST)
    if form.is_valid():
        messages.info(request, _mark(request, deployment, form))
    else:
        for problem in dict.fromkeys(error for errors in form.errors.values() for error in errors):
            messages.warning(request, str(problem))
    return HttpResponseRedirect(reverse("deployment", args=[slug, provider_id]), status=303)


def _mark(request: HttpRequest, deployment: Deployment, form: MarkForm) -> str:
    """Do it, and say in a sentence what was done."""
    actor, verdict = actor_of(request), form.cleaned_data["verdict"]
    if not marks.commit_of(deployment):
        return "It names neither a commit nor an image, so there is nothing to mark. Nothing was changed."
    if verdict == REMOVE:
        gone = marks.unmark(actor, deployment)
        return f"{deployment.short_sha} has no mark any more." if gone else "It had no mark."
    reason, incident = form.cleaned_data["reason"], form.cleaned_data["incident"]
    marks.mark(actor, deployment, verdict, reason=reason, incident=incident)
    return f"{deployment.short_sha} is marked {verdict}, on every service that builds it."
