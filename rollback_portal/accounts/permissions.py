"""Permissions of views. A refusal says who may act, and refused acts are recorded in the audit log."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from rollback_portal.accounts.models import User
from rollback_portal.accounts.roles import any_role, roles_that_may
from rollback_portal.audit.models import Outcome
from rollback_portal.audit.record import Actor, record

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)
View = Callable[Concatenate[HttpRequest, P], R]


def requires(permission: str) -> Callable[[View[P, R]], View[P, R]]:
    """Decorate a view that only people with `permission` may use."""

    def decorate(view: View[P, R]) -> View[P, R]:
        @wraps(view)
        def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if actor_user(request).has_perm(permission):
                return view(request, *args, **kwargs)
            return refuse(request, permission)

        return cast("View[P, R]", checked)

    return decorate


def refuse(request: HttpRequest, permission: str) -> HttpResponse:
    """A 403 page that says who may; anything but GET and HEAD is recorded as a refusal."""
    actor = actor_of(request)
    needed = any_role(permission)
    if request.method not in {"GET", "HEAD"}:
        with transaction.atomic():
            record(
                actor,
                "access refused",
                Outcome.REFUSED,
                request.path[:200],
                f"{actor.name} ({actor.role}) was refused {request.path[:200]}: it needs the role {needed}.",
            )
    who = User.objects.filter(groups__name__in=roles_that_may(permission), is_active=True).distinct()[:10]
    context = {"needed": needed, "role": actor.role, "who": who}
    return render(request, "403.html", context, status=403)


def actor_user(request: HttpRequest) -> User:
    """The signed-in user, as our own class."""
    return cast("User", request.user)


def actor_of(request: HttpRequest) -> Actor:
    return Actor.of(actor_user(request), request.META.get("REMOTE_ADDR") or None)
