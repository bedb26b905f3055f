"""The list of databases, with what is under way on each, and the door to the wizard."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dbtools.models import Database, DatabaseRollback
from dbtools.wizard import actions
from dbtools.wizard.transitions import NotPossible
from rollback_portal.accounts.permissions import actor_of, actor_user, requires
from rollback_portal.accounts.roles import DATABASE, roles_that_may
from rollback_portal.web.pages import page

LATEST = 20
LATE = timedelta(minutes=2)  # after four looks that did not come


@require_safe
def databases(request: HttpRequest) -> HttpResponse:
    under_way = {each.database_id: each for each in DatabaseRollback.objects.shown().active()}
    rows = [
        {"database": each, "rollback": under_way.get(each.pk)}
        for each in Database.objects.filter(missing_since=None)
    ]
    context = {
        "rows": rows,
        "latest": DatabaseRollback.objects.shown().filter(ended_at__isnull=False)[:LATEST],
        "may": actor_user(request).has_perm(DATABASE),
        "needed": " or ".join(roles_that_may(DATABASE)),
        "late": timezone.now() - LATE,
    }
    return page(request, "dbtools/databases.html", context)


@require_POST
@requires(DATABASE)
def start(request: HttpRequest, name: str) -> HttpResponse:
    database = get_object_or_404(Database, name=name)
    try:
        rollback = actions.start(actor_of(request), database, incident=request.POST.get("incident", "")[:100])
    except NotPossible as error:
        messages.warning(request, str(error))
        other = DatabaseRollback.objects.active().filter(database=database).first()
        return HttpResponseRedirect(other.get_absolute_url() if other else reverse("databases"), status=303)
    return HttpResponseRedirect(rollback.get_absolute_url(), status=303)
