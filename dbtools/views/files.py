"""Uploading a migrations folder and downloading a backup: for database admins, and in the audit log."""

from __future__ import annotations

from pathlib import Path

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from dbtools.forms import UploadForm
from dbtools.models import ROLL_BACK
from dbtools.views.actions import redirect_to_page
from dbtools.views.wizard import draw, load
from dbtools.wizard import actions
from dbtools.wizard.transitions import StepRefused, record_step, refuse
from rollback_portal.accounts.permissions import actor_of, requires
from rollback_portal.audit.models import Outcome


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


def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The backup's file. The audit log names the person before the first byte is sent."""
    return redirect_to_page(pk) if request.method != "POST" else _download(request, pk)


def _send(request: HttpRequest, pk: int) -> HttpResponseBase:
    rollback = load(pk)
    if _came_from_the_password(request):
        messages.info(request, "Your password is accepted. Press “Download the backup” once more.")
        return redirect_to_page(pk)
    backup = rollback.backup
    path = Path(settings.BACKUP_FOLDER) / backup.file if backup else None
    if backup is None or path is None or backup.deleted_at is not None or not path.is_file():
        raise Http404("There is no backup here, or it was deleted when its retention period ended.")
    with transaction.atomic():
        actor = actor_of(request)
        message = (
            f"{actor.name} downloaded the backup ({backup.bytes:,} bytes, SHA-256 {backup.sha256[:12]})."
        )
        record_step(actor, rollback, "backup downloaded", Outcome.DONE, message)
    return FileResponse(path.open("rb"), as_attachment=True, filename=backup.file)


_download = requires(ROLL_BACK)(reauthentication_required(_send))


def _came_from_the_password(request: HttpRequest) -> bool:
    """allauth repeats the request itself. A file sent as its answer would leave the password page open."""
    match = request.resolver_match
    return match is not None and match.url_name != "database_backup"
