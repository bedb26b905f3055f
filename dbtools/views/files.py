"""A folder that is brought along, a backup that is taken away: only by database admins, and on record."""

from __future__ import annotations

from pathlib import Path

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from dbtools.prisma.folder import NotAFolder
from dbtools.prisma.upload import from_archive
from dbtools.views.actions import back_to_the_page
from dbtools.views.wizard import draw, found
from dbtools.wizard import actions
from dbtools.wizard.transitions import NotPossible, record_step, refuse
from rollback_portal.accounts.permissions import actor_of, requires
from rollback_portal.accounts.roles import DATABASE
from rollback_portal.audit.models import Outcome

LONGEST = 5 * 1024 * 1024  # bytes of an archive


def upload(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the migrations from an archive instead of the repository."""
    return back_to_the_page(pk) if request.method != "POST" else _upload(request, pk)


@requires(DATABASE)
def _upload(request: HttpRequest, pk: int) -> HttpResponse:
    rollback, actor = found(pk), actor_of(request)
    try:
        raw, name = _archive(request)
        from_archive(raw, name)  # what cannot be read is refused here, not later
    except NotAFolder as error:
        return _refused(request, pk, str(error))
    rollback.archive = raw
    try:
        with transaction.atomic():
            rollback.save(update_fields=["archive"])
            actions.read_again(actor, rollback, {"kind": "upload", "name": name})
    except NotPossible as error:
        return draw(request, found(pk), trouble=str(error), status=409)
    return HttpResponseRedirect(rollback.get_absolute_url(), status=303)


def _archive(request: HttpRequest) -> tuple[bytes, str]:
    given = request.FILES.get("archive")
    if given is None or given.size is None:
        raise NotAFolder("No file was chosen.")
    if given.size > LONGEST:
        raise NotAFolder(f"The archive is larger than {LONGEST // 1024**2} MB.")
    return given.read(), (given.name or "archive")[:80]


def _refused(request: HttpRequest, pk: int, why: str) -> HttpResponse:
    """The refusal stands in the audit log and on the page."""
    rollback = found(pk)
    try:
        refuse(actor_of(request), rollback, "upload refused", why)
    except NotPossible as error:
        why = str(error)
    return draw(request, rollback, trouble=why, act="upload", status=409)


def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The backup's file. Who took it away stands in the audit log before the first byte leaves."""
    return back_to_the_page(pk) if request.method != "POST" else _download(request, pk)


def _send(request: HttpRequest, pk: int) -> HttpResponseBase:
    rollback = found(pk)
    if _came_from_the_password(request):
        messages.info(request, "Your password is accepted. Press “Download the backup” once more.")
        return back_to_the_page(pk)
    backup = rollback.backup
    path = Path(settings.BACKUP_FOLDER) / backup.file if backup else None
    if backup is None or path is None or backup.deleted_at is not None or not path.is_file():
        raise Http404("There is no backup here, or its time was over and it was deleted.")
    with transaction.atomic():
        actor = actor_of(request)
        said = f"{actor.name} downloaded the backup ({backup.bytes:,} bytes, SHA-256 {backup.sha256[:12]})."
        record_step(actor, rollback, "backup downloaded", Outcome.DONE, said)
    return FileResponse(path.open("rb"), as_attachment=True, filename=backup.file)


_download = requires(DATABASE)(reauthentication_required(_send))


def _came_from_the_password(request: HttpRequest) -> bool:
    """allauth goes on with the form itself; a file sent now would leave the password's page standing."""
    match = request.resolver_match
    return match is not None and match.url_name != "database_backup"
