"""What people press in the wizard. A refused action draws the page again, with what was typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.views.decorators.debug import sensitive_post_parameters

from dbtools import forms, release_forms
from dbtools.models import ROLL_BACK, DatabaseRollback
from dbtools.views.wizard import draw, load
from dbtools.wizard import actions, approval, break_glass, closing, releases
from dbtools.wizard.transitions import StepRefused, refuse
from rollback_portal.accounts import confirmation
from rollback_portal.accounts.permissions import actor_of, requires
from rollback_portal.audit.record import Actor


@dataclass(frozen=True, slots=True)
class WizardAction:
    """The function that an action calls, and the form whose values are its arguments."""

    perform: Callable[..., None]
    form: type[forms.WizardForm] = forms.WizardForm
    password: bool = False


# The last part of each address, in the order of the steps.
ACTIONS = {
    "need": WizardAction(actions.justify, forms.NeedForm),
    "read": WizardAction(actions.reread_migrations, forms.SourceForm),
    "choice": WizardAction(actions.select_migrations, forms.SelectionForm),
    "sql": WizardAction(actions.submit_sql, forms.SqlForm),
    "edit": WizardAction(actions.reopen_sql),
    "preflight": WizardAction(actions.rerun_preflight),
    "backup": WizardAction(actions.request_backup, forms.BackupForm),
    "ask": WizardAction(approval.request_approval),
    "approve": WizardAction(approval.approve, forms.ApprovalForm, password=True),
    "break-glass": WizardAction(break_glass.break_glass, forms.BreakGlassForm, password=True),
    "decline": WizardAction(approval.decline, forms.ReasonForm),
    "follow-up": WizardAction(break_glass.follow_up),
    "run": WizardAction(approval.start_run, forms.RunForm, password=True),
    "cancel": WizardAction(actions.request_cancel),
    "look-again": WizardAction(closing.look_again),
    "settle": WizardAction(closing.settle, forms.SettleForm, password=True),
    "ask-restore": WizardAction(releases.request_restore, release_forms.AskRestoreForm, password=True),
    "ask-download": WizardAction(releases.request_download, release_forms.AskForm),
    "approve-release": WizardAction(releases.approve, release_forms.ApproveReleaseForm, password=True),
    "decline-release": WizardAction(releases.decline, release_forms.DeclineReleaseForm),
    "again": WizardAction(actions.try_again),
    "abandon": WizardAction(actions.abandon, forms.ReasonForm),
}


@sensitive_post_parameters(confirmation.FIELD)
def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One action, named in the address."""
    if name not in ACTIONS:
        raise Http404(f"The wizard has no action {name!r}. Nothing was changed.")
    return redirect_to_page(pk) if request.method != "POST" else _perform(request, pk, name, ACTIONS[name])


def redirect_to_page(pk: int) -> HttpResponse:
    """To the rollback's page, such as when the address of an action is reloaded."""
    return HttpResponseRedirect(load(pk).get_absolute_url(), status=303)


@requires(ROLL_BACK)
def _perform(request: HttpRequest, pk: int, name: str, action: WizardAction) -> HttpResponse:
    rollback, actor = load(pk), actor_of(request)
    try:
        refuse_nul(request.POST)
        if action.password:
            require_password(request, actor, rollback)
        form = action.form(request.POST, rollback)
        if not form.is_valid():
            refuse(actor, rollback, *form.refusal)
        action.perform(actor, rollback, **form.values)
    except StepRefused as error:
        return draw(request, load(pk), trouble=str(error), act=name, typed=typed_in(request), status=409)
    return HttpResponseRedirect(rollback.get_absolute_url(), status=303)


def require_password(request: HttpRequest, actor: Actor, rollback: DatabaseRollback) -> None:
    """Raises `StepRefused` unless the right password came with this very request."""
    if reason := confirmation.why_not_confirmed(request):
        refuse(actor, rollback, "password refused", reason)


def typed_in(request: HttpRequest) -> dict[str, str]:
    """What a refused form is drawn with again: everything but the password."""
    names = [name for name in request.POST if name != confirmation.FIELD]
    return {name: ",".join(request.POST.getlist(name)) for name in names}


def refuse_nul(data: QueryDict) -> None:
    """PostgreSQL cannot store NUL characters, not even in the audit entry of a refusal."""
    for _, values in data.lists():
        for value in values:
            if "\0" in value:
                line = value.count("\n", 0, value.index("\0")) + 1
                raise StepRefused(
                    f"Line {line} of what was sent contains a NUL character. Nothing was changed."
                )
