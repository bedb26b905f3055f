"""The wizard: one page per database rollback, drawn at the step of its status.

While a worker is at work the page polls its own address and gets the fragment. Polling ends by itself: once
it is a person's turn, the fragment does not ask for more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dbtools.models import STEPS, DatabaseRollback
from dbtools.views import polling
from dbtools.views.buttons import Viewer
from dbtools.views.context.step_context import step_context
from dbtools.views.headings import heading, page_title
from rollback_portal.accounts.permissions import actor_user
from rollback_portal.web.pages import page
from rollback_portal.web.unchanged import fingerprint, is_unchanged, nothing_new

RUN_STEP = 8  # the first one that changes the database
ICONS = {"done": "done", "unchanged": "warn", "needs_attention": "bad", "abandoned": "plain"}


@require_safe
def wizard(request: HttpRequest, pk: int) -> HttpResponse:
    """The page at its step; 204 for a polling page that shows it already."""
    rollback = load(pk)
    if request.htmx and is_unchanged(request, version_of(rollback)):  # type: ignore[attr-defined]
        return nothing_new()
    return draw(request, rollback, typed={"draft": "yes"} if "draft" in request.GET else None)


def load(pk: int) -> DatabaseRollback:
    """The rollback with everything that its page shows, or 404."""
    rows = DatabaseRollback.objects.shown().defer("archive").select_related("approved_by")
    rollback = rows.prefetch_related("backup__restores", "releases").filter(pk=pk).first()
    if rollback is None:
        raise Http404(f"There is no database rollback {pk}. None is ever deleted: the address is mistyped.")
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
        trouble: why the last action was refused.
        act: the name of the refused action.
        typed: what was sent with it; it stays on the page.
        status: of the HTTP response.
    """
    viewer = Viewer.of(actor_user(request), rollback)
    waiting = "busy" if rollback.waits_for_worker else "warn"
    context: dict[str, Any] = {
        "rollback": rollback,
        "own_address": rollback.get_absolute_url(),
        "steps": _steps(rollback),
        "step_name": page_title(rollback, STEPS[rollback.step - 1][0]),
        "heading": heading(rollback),
        "version": version_of(rollback),
        "poll_every": polling.poll_every(rollback, only_waits=viewer.own or not viewer.may),
        "trouble": trouble,
        "act": act,
        "typed": typed or {},
        "may": viewer.may,
        "own": viewer.own,
        "icon": f"icons/{ICONS.get(rollback.status, waiting)}.svg",
        "now": timezone.now(),
        **step_context(rollback, viewer, typed or {}),
    }
    fragment = "dbtools/_wizard.html"
    return page(request, "dbtools/wizard.html", context, fragment=fragment, status=status)


def _steps(rollback: DatabaseRollback) -> list[dict[str, Any]]:
    current, taken = rollback.step, _steps_taken(rollback)
    return [
        {"number": number, "name": name, "done": number <= taken, "current": number == current}
        for number, (name, _) in enumerate(STEPS, 1)
    ]


def _steps_taken(rollback: DatabaseRollback) -> int:
    """How many steps are done; an abandoned rollback has done those before the furthest that it reached."""
    if rollback.status == "done":
        return len(STEPS)
    if rollback.status in ("unchanged", "needs_attention"):
        return RUN_STEP - 1  # the run did not end well, or nobody knows
    if rollback.status != "abandoned":
        return rollback.step - 1
    reached = [
        number
        for number, (_, statuses) in enumerate(STEPS[:RUN_STEP], 1)
        if {*statuses} & {*rollback.status_times}
    ]
    return max(reached, default=1) - 1


def version_of(rollback: DatabaseRollback) -> str:
    """A fingerprint of everything that the page shows."""
    restores = rollback.backup.restores.all() if rollback.backup else ()
    parts = (
        rollback.status, rollback.message, rollback.progress, rollback.status_times, rollback.approval_digest,
        rollback.cancel_requested_by, rollback.followed_up_by, polling.stalled_since(rollback),
        [(restore.pk, restore.status) for restore in restores],
        [(release.pk, release.status) for release in rollback.releases.all()],
    )  # fmt: skip
    return fingerprint(*parts)
