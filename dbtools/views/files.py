"""Uploading a migrations folder and downloading a backup: for database admins, and in the audit log."""

from __future__ import annotations

from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.views.decorators.debug import sensitive_post_parameters

from dbtools.forms import UploadForm
from dbtools.models import ROLL_BACK
from dbtools.release_forms import ReleaseForm
from dbtools.views.actions import redirect_to_page, refuse_nul, require_password, typed_in
from dbtools.views.wizard import draw, load
from dbtools.wizard import actions, releases
from dbtools.wizard.transitions import StepRefused, refuse
from rollback_portal.accounts import confirmation
from rollback_portal.accounts.permissions import actor_of, requires


def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the migrations from an archive instead of the repository."""
    return redirect_to_page(pk) if request.method != "POST" else _upload(request, pk)


@requires(ROLL_BACK)
def _upload(request: HttpRequest, pk: int) -> HttpResponse:
    rollback, actor = load(pk), actor_of(request)
    form = UploadForm(request.POST, rollback, files=request.FILES)
    try:
        if not form.is_valid():
            refuse(actor, rollback, *form.refusal)
        rollback.archive = form.cleaned_data["archive"]
        with transaction.atomic():
            rollback.save(update_fields=["archive"])
            actions.reread_migrations(actor, rollback, **form.values)
    except StepRefused as error:
        return draw(request, load(pk), trouble=str(error), act="upload", status=409)
    return HttpResponseRedirect(rollback.get_absolute_url(), status=303)


@sensitive_post_parameters(confirmation.FIELD)
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The backup's file, once, for who asked for it and got the approval of a second person."""
    return redirect_to_page(pk) if request.method != "POST" else _download(request, pk)


@requires(ROLL_BACK)
def _download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The audit log names the person before the first byte is sent."""
    rollback, actor = load(pk), actor_of(request)
    try:
        refuse_nul(request.POST)
        require_password(request, actor, rollback)
        form = ReleaseForm(request.POST, rollback)
        if not form.is_valid():
            refuse(actor, rollback, *form.refusal)
        path = releases.download(actor, rollback, **form.values)
    except StepRefused as error:
        return draw(
            request, load(pk), trouble=str(error), act="download", typed=typed_in(request), status=409
        )
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)
