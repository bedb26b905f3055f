"""The list of databases, with the active rollback of each, and where the wizard is started."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from dbtools.forms import StartForm
from dbtools.models import ROLL_BACK, Database, DatabaseRollback
from dbtools.views.badges import database_badge, outcome_badge
from dbtools.wizard import actions
from dbtools.wizard.transitions import StepRefused
from rollback_portal.accounts.permissions import actor_of, actor_user, requires
from rollback_portal.accounts.roles import any_role
from rollback_portal.web.pages import page

MOST_ENDED = 20


@require_safe
def databases(request: HttpRequest) -> HttpResponse:
    """Every configured database, and the rollbacks that have ended."""
    active = {rollback.database_id: rollback for rollback in DatabaseRollback.objects.shown().active()}
    rows = [
        {
            "database": database,
            "rollback": active.get(database.pk),
            "badge": database_badge(database, active.get(database.pk)),
        }
        for database in Database.objects.filter(missing_since=None)
    ]
    ended = DatabaseRollback.objects.shown().filter(ended_at__isnull=False)[:MOST_ENDED]
    context = {
        "rows": rows,
        "ended": [{"rollback": rollback, "badge": outcome_badge(rollback)} for rollback in ended],
        "may": actor_user(request).has_perm(ROLL_BACK),
        "needed": any_role(ROLL_BACK),
    }
    return page(request, "dbtools/databases.html", context)


@require_POST
@requires(ROLL_BACK)
def start(request: HttpRequest, name: str) -> HttpResponse:
    """Open the wizard for a database, or lead to the rollback that is active there already."""
    database = get_object_or_404(Database, name=name)
    form = StartForm(request.POST)
    try:
        if not form.is_valid():
            raise StepRefused("The incident contains a character that cannot be stored. Nothing was started.")
        incident = form.cleaned_data["incident"]
        rollback = actions.start(actor_of(request), database, incident=incident)
    except StepRefused as error:
        messages.warning(request, str(error))
        other = DatabaseRollback.objects.active().filter(database=database).first()
        return HttpResponseRedirect(other.get_absolute_url() if other else reverse("databases"), status=303)
    return HttpResponseRedirect(rollback.get_absolute_url(), status=303)
