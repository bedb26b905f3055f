"""The pages that show deployments: the dashboard, one service, one deployment."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from deployments.forms.filters import Filters
from deployments.history import commits_between, compare_url, is_older, with_commit_authors
from deployments.lookup import find_deployment, find_service
from deployments.models import OPERATE, Change, Pin, ProviderStatus, Service
from deployments.operations.marks import commit_of, marks_of
from deployments.pages import manual_fallback
from deployments.pages.bars import (
    outside_pins,
    pinned_bars,
    running_bars,
    undecided_changes,
    warning_bars,
)
from deployments.pages.bars.footer import footer_notes
from deployments.pages.board import Board, build_board, build_item
from deployments.pages.cards import cards_for, page_state
from deployments.pages.current_state import CurrentState, load_current_state
from deployments.pages.deployment_text import (
    COMMITS_MOVE,
    commit_fact,
    commits_summary,
    live_fact,
    no_deployments,
    nothing_between,
    numbers_fact,
    service_facts,
)
from deployments.pages.status_text import badge_of, headline
from deployments.views.logs import panel_context
from deployments.views.numbers import numbers_context
from rollback_portal.accounts.permissions import actor_user
from rollback_portal.accounts.roles import weakest_role
from rollback_portal.jobs import clock
from rollback_portal.web.badges import Badge
from rollback_portal.web.pages import page
from rollback_portal.web.unchanged import is_unchanged, nothing_new

HISTORY_ROWS = 20


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """The followed services of one group side by side; `?group=` chooses the tab."""
    state = load_current_state(Service.objects.for_dashboard())
    groups = _groups(state.services)
    wanted = request.GET.get("group", "")
    name = wanted if wanted in groups else next(iter(groups), "")
    complaints = (
        [f"There is no group “{wanted[:60]}”; this is {name}."] if wanted and wanted != name and name else []
    )
    context: dict[str, Any] = {"group": name, "complaints": complaints, "tabs": _tabs(groups, state)}
    if not groups:
        context |= {
            "known_services": Service.objects.count(),
            "provider_statuses": ProviderStatus.objects.all(),
        }
    return _render_board(request, "deployments/dashboard.html", groups.get(name, ()), state, context)


@require_safe
def service(request: HttpRequest, slug: str) -> HttpResponse:
    """One service, followed or not: its card, deployments, pins and operations."""
    service = find_service(slug)
    state = load_current_state([service])
    context = {
        "service": service,
        "service_facts": service_facts(service),
        "past_pins": _pins(service),
        "changes": _with_status(_changes(service)),
    }
    if not request.htmx:  # type: ignore[attr-defined]  # the panels poll by themselves
        context |= {**panel_context(request, service), **numbers_context(request, service)}
    return _render_board(request, "deployments/service.html", (service,), state, context)


@require_safe
def deployment(request: HttpRequest, slug: str, provider_id: str) -> HttpResponse:
    """One deployment, and the commits between it and the live one."""
    service = find_service(slug)
    deployment = find_deployment(service, provider_id)
    deployment.service = service
    with_commit_authors([deployment])
    live = service.live.origin if service.live else None
    goes_back = is_older(deployment, live) if live else False
    is_newer = goes_back is False
    older, newer = (live, deployment) if is_newer else (deployment, live)
    state = load_current_state([service])
    commits = commits_between(service, service.live, deployment)
    context = {
        "service": service,
        "item": build_item(deployment, state, may_operate=_may_operate(request)),
        "deployment": deployment,
        "live": service.live,
        "nothing_between": nothing_between(deployment, service.live),
        "commit_fact": commit_fact(deployment),
        "mark": marks_of([deployment]).get(commit_of(deployment)),
        "markable": bool(commit_of(deployment)),
        "may_operate": _may_operate(request),
        "needed_role": weakest_role(OPERATE),
        "live_fact": live_fact(deployment, live=service.live_id == deployment.pk),
        "numbers_fact": numbers_fact(deployment),
        "commits": commits,
        "commits_summary": commits_summary(len(commits), COMMITS_MOVE[goes_back], service),
        "compare_url": compare_url(service, older, newer),
        "changes": _with_status(
            _changes(service).filter(Q(to_deployment=deployment) | Q(from_deployment=deployment))
        ),
    }
    return page(request, "deployments/deployment.html", context, fragment="deployments/_commits_between.html")


def _render_board(
    request: HttpRequest,
    template: str,
    services: tuple[Service, ...],
    state: CurrentState,
    context: dict[str, Any],
) -> HttpResponse:
    """The page, for a polling page only its changing part, or 204 where nothing has changed."""
    filters = Filters(request.GET, services)
    board = build_board(services, state, filters, may_operate=_may_operate(request))
    if is_unchanged(request, board.version):
        return _nothing_new(board, state)
    tone, state_text = page_state(state)
    context = {
        **context,
        "board": board,
        "sides": [
            [card for card in board.cards if card.service in column.services] for column in board.columns
        ],
        "state": state,
        "filters": filters,
        "no_deployments": no_deployments(services),
        "complaints": [*context.get("complaints", ()), *filters.complaints],
        "pinned_bars": pinned_bars(state),
        "may_operate": _may_operate(request),
        "needed_role": weakest_role(OPERATE),
        "running_bars": running_bars(state),
        "undecided": undecided_changes(state),
        "outside_pins": outside_pins(state),
        "warning_bars": warning_bars(state),
        "footer_notes": footer_notes(state),
        "manual_commands": manual_fallback.for_page(state, board.pasts),
        "icon": f"icons/{'plain' if tone == 'calm' else tone}.svg",
        "state_text": state_text,
        **_addresses(request, filters, board, context.get("group", "")),
    }
    response = page(request, template, context, fragment="deployments/_board.html")
    if request.headers.get("HX-Trigger") == "filters":
        response.headers["HX-Push-Url"] = context["address"]
    return response


def _addresses(request: HttpRequest, filters: Filters, board: Board, group: str) -> dict[str, str]:
    """The addresses of this page, of the pages before and after it, and of the list without filters."""
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


def _nothing_new(board: Board, state: CurrentState) -> HttpResponse:
    """Only the timestamps from which the browser computes ages."""
    read_times = {f"read-{fresh.provider}": fresh.read_at for fresh in state.freshness}
    read_times |= {f"served-{card.service.pk}": card.service.version_checked_at for card in board.cards}
    read_times |= {f"service-{card.service.pk}": card.service.synced_at for card in board.cards}
    read_times |= {
        f"numbers-{pk}": figures.now.last_at for pk, figures in state.figures.items() if figures.now
    }
    read_times |= {f"status-{feed.provider}": feed.read_at for feed in state.status_feeds}
    times = {name: at.isoformat() for name, at in read_times.items() if at is not None}
    fresh = json.dumps({"fresh": {"now": timezone.now().isoformat(), "times": times}})
    response = nothing_new()
    response.headers["HX-Trigger"] = fresh
    return response


def _groups(services: tuple[Service, ...]) -> dict[str, tuple[Service, ...]]:
    """Services by group; a service without a group is a group of its own."""
    groups: dict[str, tuple[Service, ...]] = {}
    for service in services:
        name = service.group or service.label
        groups[name] = (*groups.get(name, ()), service)
    return groups


def _tabs(groups: dict[str, tuple[Service, ...]], state: CurrentState) -> list[dict[str, Any]]:
    """One tab for each group, with one word about its state."""
    tabs = []
    for name, services in groups.items():
        ids = {service.pk for service in services}
        tone, word = "", ""
        if any(service.live_is_disputed for service in services):
            tone, word = "bad", "disputed"
        elif any(card.failing for card in cards_for(services, state)):
            tone, word = "bad", "failing"
        elif ids & state.changes.keys():
            tone, word = "busy", "under way"
        elif ids & state.pins.keys() or any(service.pinned for service in services):
            tone, word = "warn", "pinned"
        tabs.append({"name": name, "query": urlencode({"group": name}), "tone": tone, "word": word})
    return tabs


def _pins(service: Service) -> QuerySet[Pin]:
    return service.pins.select_related("deployment", "rolled_back_from")[:HISTORY_ROWS]


def _changes(service: Service) -> QuerySet[Change]:
    changes = service.changes.select_related("operation", "from_deployment", "to_deployment", "verdict")
    return changes.order_by("-id")


def _with_status(changes: QuerySet[Change]) -> list[tuple[Change, Badge, str]]:
    """The latest operations, each with its badge and headline."""
    now = clock.now()
    return [(change, badge_of(change, now), headline(change, now)) for change in changes[:HISTORY_ROWS]]


def _may_operate(request: HttpRequest) -> bool:
    return actor_user(request).has_perm(OPERATE)
