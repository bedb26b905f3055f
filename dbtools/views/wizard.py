"""The wizard: one address per database rollback. GET draws the step that its status says.

While a worker is at work the page asks its own address again and gets the fragment; it stops by itself,
because the answer in which a person's turn has come asks for nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dbtools.models import STEPS, DatabaseRollback
from dbtools.views import polling
from dbtools.views.step_context import shown
from rollback_portal.accounts.permissions import actor_user
from rollback_portal.accounts.roles import DATABASE, roles_that_may
from rollback_portal.web.pages import page

RUN = 8  # the step in which the database is changed
ICONS = {"done": "done", "unchanged": "warn", "needs_attention": "bad", "abandoned": "plain"}


@require_safe
def wizard(request: HttpRequest, pk: int) -> HttpResponse:
    """`?seen=` is the mark of what the asking page shows already; the same mark is answered with nothing."""
    rollback = found(pk)
    if request.htmx and request.GET.get("seen") == mark_of(rollback):  # type: ignore[attr-defined]
        return HttpResponse(status=204)
    return draw(request, rollback, typed={"draft": "yes"} if "draft" in request.GET else None)


def found(pk: int) -> DatabaseRollback:
    rows = DatabaseRollback.objects.shown().defer("archive").select_related("approved_by")
    rollback = rows.prefetch_related("backup__restores").filter(pk=pk).first()
    if rollback is None:
        raise Http404(f"There is no database rollback {pk}. They are kept for ever: the address is mistyped.")
    return rollback


def draw(
    request: HttpRequest,
    rollback: DatabaseRollback,
    *,
    trouble: str = "",
    act: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page at its step.

    Args:
        trouble: why the last act was refused; what was typed with it comes back in `typed`.
        act: the name of the refused act.
    """
    user = actor_user(request)
    typed = typed or {}
    own = user.pk == rollback.requested_by_id or user.pk in rollback.authors
    may = user.has_perm(DATABASE)
    context: dict[str, Any] = {
        "rollback": rollback,
        "own_address": rollback.get_absolute_url(),
        "steps": _steps(rollback),
        "step_name": STEPS[rollback.step - 1][0],
        "mark": mark_of(rollback),
        "trouble": trouble,
        "act": act,
        "typed": typed,
        "may": may,
        "needed": " or ".join(roles_that_may(DATABASE)),
        "own": own,
        "broke_it": user.pk == rollback.approved_by_id,
        "stalled": polling.stalled_since(rollback),
        "ask_again": polling.ask_again(rollback, watches=own or not may),
        "icon": f"icons/{ICONS.get(rollback.status, 'busy' if rollback.waits_for_worker else 'warn')}.svg",
        "now": timezone.now(),
        **shown(rollback, typed),
    }
    fragment = "dbtools/_wizard.html"
    return page(request, "dbtools/wizard.html", context, fragment=fragment, status=status)


def _steps(rollback: DatabaseRollback) -> list[dict[str, Any]]:
    now, taken = rollback.step, _steps_taken(rollback)
    return [
        {"number": number, "name": name, "done": number <= taken, "current": number == now}
        for number, (name, _) in enumerate(STEPS, 1)
    ]


def _steps_taken(rollback: DatabaseRollback) -> int:
    """How many steps are behind it; one that was abandoned has taken those before its furthest one."""
    if rollback.status == "done":
        return len(STEPS)
    if rollback.status in ("unchanged", "needs_attention"):
        return RUN - 1  # what became of the run is not known to be good
    if rollback.status != "abandoned":
        return rollback.step - 1
    reached = [
        number for number, (_, group) in enumerate(STEPS[:RUN], 1) if {*group} & {*rollback.status_times}
    ]
    return max(reached, default=1) - 1


def mark_of(rollback: DatabaseRollback) -> str:
    """Short, and another one whenever the page would be drawn differently."""
    parts = (
        rollback.status, rollback.message, rollback.progress, rollback.status_times, rollback.approval_digest,
        rollback.cancel_requested_by, rollback.followed_up_by, polling.stalled_since(rollback),
        [(each.pk, each.status) for each in rollback.backup.restores.all()] if rollback.backup else [],
    )  # fmt: skip
    return f"{crc32(repr(parts).encode()):08x}"
