"""The pages that show deployments: everything side by side, one service, one deployment."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from deployments.commit_authors import with_credit
from deployments.forms.filters import Filters
from deployments.history import commits_between, compare_url
from deployments.lookup import find_deployment, find_service
from deployments.models import Change, Pin, ProviderStatus, Service
from deployments.pages import manual_fallback
from deployments.pages.badges import Mark
from deployments.pages.board import Board, draw_board, draw_one
from deployments.pages.cards import doubtful_for, outside_pins, page_state, pinned_for, running_for
from deployments.pages.current_state import Standing, what_holds
from deployments.pages.status_text import headline, mark
from rollback_portal.accounts.permissions import actor_user
from rollback_portal.accounts.roles import OPERATE, roles_that_may
from rollback_portal.web.pages import page

REMEMBERED = 20


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Every followed service that belongs together, side by side; several groups stand behind tabs."""
    standing = what_holds(Service.objects.for_dashboard())
    groups = _groups(standing.services)
    wanted = request.GET.get("group", "")
    name = wanted if wanted in groups else next(iter(groups), "")
    complaints = (
        [f"There is no group “{wanted[:60]}”; this is {name}."] if wanted and wanted != name and name else []
    )
    context: dict[str, Any] = {"group": name, "complaints": complaints, "tabs": _tabs(groups, standing)}
    if not groups:
        context |= {"known_services": Service.objects.count(), "readings": ProviderStatus.objects.all()}
    return _draw(request, "deployments/dashboard.html", groups.get(name, ()), standing, context)


@require_safe
def service(request: HttpRequest, slug: str) -> HttpResponse:
    """One service: its card, its whole list, its pins and its operations; also where nobody follows it."""
    found = find_service(slug)
    standing = what_holds([found])
    context = {"service": found, "past_pins": _pins(found), "changes": _reported(_changes(found))}
    return _draw(request, "deployments/service.html", (found,), standing, context)


@require_safe
def deployment(request: HttpRequest, slug: str, provider_id: str) -> HttpResponse:
    """Everything about one deployment, and what lies between it and the live one."""
    found = find_service(slug)
    chosen = find_deployment(found, provider_id)
    chosen.service = found
    with_credit([chosen])
    live = found.live.restores or found.live if found.live else None
    comes = bool(live and live.created_at < chosen.created_at)
    older, newer = (live, chosen) if comes else (chosen, live)
    standing = what_holds([found])
    context = {
        "service": found,
        "standing": standing,
        "item": draw_one(chosen, standing, may_operate=_may_operate(request)),
        "deployment": chosen,
        "live": found.live,
        "same_code": bool(live and chosen.commit_sha and live.commit_sha == chosen.commit_sha),
        "commits": commits_between(found, found.live, chosen),
        "comes": comes,
        "compare_url": compare_url(found, older, newer),
        "changes": _reported(_changes(found).filter(Q(to_deployment=chosen) | Q(from_deployment=chosen))),
    }
    return page(request, "deployments/deployment.html", context, fragment="deployments/_between.html")


def _draw(
    request: HttpRequest,
    template: str,
    services: tuple[Service, ...],
    standing: Standing,
    context: dict[str, Any],
) -> HttpResponse:
    """The page, its moving part, or a few bytes where nothing has moved since the reader's last look."""
    filters = Filters(request.GET, services)
    board = draw_board(services, standing, filters, may_operate=_may_operate(request))
    if request.headers.get("X-Seen") == board.version:
        return _nothing_new(board, standing)
    tone, words = page_state(standing)
    everything = {
        **context,
        "board": board,
        "sides": [
            [card for card in board.cards if card.service in column.services] for column in board.columns
        ],
        "standing": standing,
        "filters": filters,
        "complaints": [*context.get("complaints", ()), *filters.complaints],
        "pins": pinned_for(standing),
        "may_operate": _may_operate(request),
        "needed": roles_that_may(OPERATE)[0],
        "running": running_for(standing),
        "doubtful": doubtful_for(standing),
        "outside_pins": outside_pins(standing),
        "by_hand": manual_fallback.for_page(standing),
        "icon": f"icons/{'plain' if tone == 'calm' else tone}.svg",
        "state_words": words,
        **_addresses(request, filters, board, context.get("group", "")),
    }
    response = page(request, template, everything, fragment="deployments/_board.html")
    if request.headers.get("HX-Trigger") == "filters":
        response.headers["HX-Push-Url"] = everything["address"]
    return response


def _addresses(request: HttpRequest, filters: Filters, board: Board, group: str) -> dict[str, str]:
    """This page, its neighbours and the page without filters, each without empty parameters."""
    own = {"group": group} if request.GET.get("group") else {}
    chosen = {
        name: filters.value(name) for name in filters.fields if name != "before" and filters.value(name)
    }
    before = {"before": str(filters.cursor)} if filters.cursor else {}

    def at(**query: str) -> str:
        return f"{request.path}?{urlencode(query)}" if query else request.path

    return {
        "address": at(**own, **chosen, **before),
        "newest_url": at(**own, **chosen),
        "older_url": at(**own, **chosen, before=board.older) if board.older else "",
        "unfiltered_url": at(**own),
    }


def _nothing_new(board: Board, standing: Standing) -> HttpResponse:
    """No content, but the times that ages are counted from."""
    moments = {f"read-{fresh.provider}": fresh.read_at for fresh in standing.freshness}
    moments |= {f"served-{card.service.pk}": card.service.version_checked_at for card in board.cards}
    moments |= {f"service-{card.service.pk}": card.service.synced_at for card in board.cards}
    times = {name: at.isoformat() for name, at in moments.items() if at is not None}
    fresh = json.dumps({"fresh": {"now": timezone.now().isoformat(), "times": times}})
    return HttpResponse(status=204, headers={"HX-Trigger": fresh, "Vary": "HX-Request, X-Seen"})


def _groups(services: tuple[Service, ...]) -> dict[str, tuple[Service, ...]]:
    """Services by the group that people gave them; one without a group stands for itself."""
    found: dict[str, tuple[Service, ...]] = {}
    for each in services:
        name = each.group or each.label
        found[name] = (*found.get(name, ()), each)
    return found


def _tabs(groups: dict[str, tuple[Service, ...]], standing: Standing) -> list[dict[str, Any]]:
    """One tab per group, with the word for what holds in it."""
    found = []
    for name, services in groups.items():
        ids = {each.pk for each in services}
        tone, word = "", ""
        if any(each.live_is_disputed for each in services):
            tone, word = "bad", "disputed"
        elif ids & standing.changes.keys():
            tone, word = "busy", "under way"
        elif ids & standing.pins.keys() or any(each.pinned for each in services):
            tone, word = "warn", "pinned"
        found.append({"name": name, "query": urlencode({"group": name}), "tone": tone, "word": word})
    return found


def _pins(found: Service) -> QuerySet[Pin]:
    return found.pins.select_related("deployment", "rolled_back_from", "change__operation")[:REMEMBERED]


def _changes(found: Service) -> QuerySet[Change]:
    return Change.objects.shown().filter(service=found).order_by("-id")


def _reported(changes: QuerySet[Change]) -> list[tuple[Change, Mark, str]]:
    """The latest operations, each with its word and what came of it."""
    return [(change, mark(change), headline(change)) for change in changes[:REMEMBERED]]


def _may_operate(request: HttpRequest) -> bool:
    return actor_user(request).has_perm(OPERATE)
