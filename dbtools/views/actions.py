"""What people press in the wizard. A refused action draws the page again, with what was typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from allauth.account.decorators import reauthentication_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from dbtools import forms
from dbtools.models import ROLL_BACK
from dbtools.views.wizard import draw, load
from dbtools.wizard import actions, approval, closing
from dbtools.wizard.transitions import StepRefused, refuse
from rollback_portal.accounts.permissions import actor_of, requires


@dataclass(frozen=True, slots=True)
class WizardAction:
    """The function that an action calls, and the form whose values are its arguments."""

    perform: Callable[..., None]
    form: type[forms.WizardForm] = forms.WizardForm


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
    "decline": WizardAction(approval.decline, forms.DeclineForm),
    "follow-up": WizardAction(approval.follow_up),
    "cancel": WizardAction(actions.request_cancel),
    "look-again": WizardAction(closing.look_again),
    "abandon": WizardAction(actions.abandon),
}
# These ask for the password again.
PASSWORD_ACTIONS = {
    "approve": WizardAction(approval.approve, forms.ApprovalForm),
    "break-glass": WizardAction(approval.break_glass, forms.BreakGlassForm),
    "run": WizardAction(approval.start_run, forms.RunForm),
    "settle": WizardAction(closing.settle, forms.SettleForm),
    "restore": WizardAction(closing.request_restore, forms.RestoreForm),
}


def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One action, named in the address."""
    if name not in ACTIONS:
        raise Http404(f"The wizard has no action {name!r}. Nothing was changed.")
    return redirect_to_page(pk) if request.method != "POST" else _perform(request, pk, name, ACTIONS[name])


def act_with_password(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """An action that asks for the password again."""
    if request.method != "POST":
        return redirect_to_page(pk)
    return _perform_with_password(request, pk, name, PASSWORD_ACTIONS[name])


def redirect_to_page(pk: int) -> HttpResponse:
    """To the rollback's page, such as when the address of an action is reloaded."""
    return HttpResponseRedirect(load(pk).get_absolute_url(), status=303)


@requires(ROLL_BACK)
def _perform(request: HttpRequest, pk: int, name: str, action: WizardAction) -> HttpResponse:
    rollback, actor = load(pk), actor_of(request)
    try:
        _refuse_nul(request.POST)
        form = action.form(request.POST, rollback)
        if not form.is_valid():
            refuse(actor, rollback, *form.refusal)
        action.perform(actor, rollback, **form.values)
    except StepRefused as error:
        typed = {key: str(value) for key, value in request.POST.items()}
        return draw(request, load(pk), trouble=str(error), act=name, typed=typed, status=409)
    return HttpResponseRedirect(rollback.get_absolute_url(), status=303)


def _refuse_nul(data: QueryDict) -> None:
    """PostgreSQL cannot store NUL characters, not even in the audit entry of a refusal."""
    for _, values in data.lists():
        for value in values:
            if "\0" in value:
                line = value.count("\n", 0, value.index("\0")) + 1
                raise StepRefused(
                    f"Line {line} of what was sent contains a NUL character. Nothing was changed."
                )


_perform_with_password = requires(ROLL_BACK)(reauthentication_required(_perform))
