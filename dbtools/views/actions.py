"""What people press in the wizard. Each act is one form; a refused one draws the page with what was typed."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from dbtools.views.forms import ACTS, GRAVE, Act
from dbtools.views.wizard import draw, found
from dbtools.wizard.transitions import NotPossible
from rollback_portal.accounts.permissions import actor_of, requires
from rollback_portal.accounts.roles import DATABASE


def act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One act by its name in the address."""
    if name not in ACTS:
        raise Http404(f"The wizard knows no act {name!r}. Nothing was changed.")
    return back_to_the_page(pk) if request.method != "POST" else _act(request, pk, name, ACTS[name])


def grave_act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """An act before which the password is asked for again."""
    return back_to_the_page(pk) if request.method != "POST" else _grave_act(request, pk, name, GRAVE[name])


def back_to_the_page(pk: int) -> HttpResponse:
    """An act's address that is only looked at, as after a reload or a late password, leads to the page."""
    return HttpResponseRedirect(found(pk).get_absolute_url(), status=303)


@requires(DATABASE)
def _act(request: HttpRequest, pk: int, name: str, chosen: Act) -> HttpResponse:
    rollback = found(pk)
    try:
        _refuse_nul(request.POST)
        chosen(actor_of(request), rollback, request.POST)
    except NotPossible as error:
        typed = {key: str(value) for key, value in request.POST.items()}
        return draw(request, found(pk), trouble=str(error), act=name, typed=typed, status=409)
    return HttpResponseRedirect(rollback.get_absolute_url(), status=303)


def _refuse_nul(given: QueryDict) -> None:
    """PostgreSQL stores no NUL, so what holds one is not even written down."""
    for _, values in given.lists():
        for value in values:
            if "\0" in value:
                line = value.count("\n", 0, value.index("\0")) + 1
                raise NotPossible(
                    f"A NUL character stands in line {line} of what was sent. Nothing was changed."
                )


_grave_act = requires(DATABASE)(reauthentication_required(_act))
