"""Finds the service, the deployment and the person that somebody names at the command line."""

from __future__ import annotations

import getpass
import os

from deployments.management.portal_command import CommandRefused
from deployments.models import OPERATE, Deployment, Service
from deployments.operations.previous import past_of
from rollback_portal.accounts.models import User
from rollback_portal.audit.record import Actor
from rollback_portal.command import storable

NOT_STARTED = "Nothing was started."
PREVIOUS, GOOD = "previous", ("good", "last-known-good")
CHOSEN = (PREVIOUS, *GOOD)  # targets that the portal finds, instead of the person


def find_service(name: str) -> Service:
    """By its slug, else by its provider's id, else by its name at the provider.

    Raises:
        CommandRefused: nothing is called that, or the name is that of several, which are listed.
    """
    matches = Service.objects.named(name)
    if not matches:
        slugs = ", ".join(Service.objects.order_by("slug").values_list("slug", flat=True)[:30]) or "none yet"
        raise CommandRefused(f"No single service is called “{name}”. Known: {slugs}. {NOT_STARTED}")
    if len(matches) > 1:
        meant = ", ".join(_described(service) for service in matches)
        called = f"“{name}” is the name of {len(matches)} services"
        raise CommandRefused(f"{called}. Which one? Say its slug: {meant}. {NOT_STARTED}")
    return matches[0]


def _described(service: Service) -> str:
    return f"{service.slug} ({service.get_provider_display()} {service.provider_id})"


def shell_account() -> str:
    """The account of this shell; a container may run under a number that has no name."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return str(storable(name))[:100]


def find_actor(name: str) -> Actor:
    """A portal user with the permission or, for break-glass, the user of this shell."""
    if not name:
        return Actor(f"{shell_account()} at the command line", "break-glass")
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandRefused(f"There is no active person called {name} in the portal. {NOT_STARTED}")
    if not user.has_perm(OPERATE):
        raise CommandRefused(f"{user.display} is {user.role} and may not roll back. {NOT_STARTED}")
    return Actor.of(user)


def find_target(service: Service, wanted: str) -> Deployment:
    """A deployment by its id or its commit, `previous` (what served before this incident) or `good`.

    Raises:
        CommandRefused: there is none, or the beginning of a commit is that of several, which are listed.
    """
    if wanted in CHOSEN:
        return _chosen(service, wanted)
    deployment = _find(service, wanted)
    if deployment is None:
        raise CommandRefused(f"{service.label} has no deployment or commit {wanted[:80]}. {NOT_STARTED}")
    return deployment


def _chosen(service: Service, wanted: str) -> Deployment:
    """What the pages call PREVIOUS or LAST KNOWN GOOD; neither ever stands in for the other."""
    past = past_of([service])[service.pk]
    found = past.good if wanted in GOOD else past.previous
    if found is not None:
        return found
    listed = f"{NOT_STARTED} `deployments {service.slug}` lists them, each with the reason."
    if wanted == PREVIOUS or past.suggestion is None:
        known = f"No deployment of {service.label} is known from before the live one that can still serve."
        raise CommandRefused(f"{known} {listed}")
    before = f"`previous` is {past.suggested}: it {past.suggestion.reason}"
    raise CommandRefused(f"No deployment of {service.label} is known to be good; {before}. {listed}")


def _find(service: Service, wanted: str) -> Deployment | None:
    rows = service.deployments.select_related("restores")
    by_id = rows.filter(provider_id=wanted).first()
    if by_id is not None or len(wanted) < 7:
        return by_id
    by_commit = rows.filter(commit_sha__startswith=wanted.lower(), production=True)
    commits = by_commit.order_by("commit_sha").values_list("commit_sha", flat=True).distinct()[:5]
    if len(commits) > 1:
        meant = ", ".join(commits)
        raise CommandRefused(f"“{wanted}” begins several commits: {meant}. Which one? {NOT_STARTED}")
    return _best(list(by_commit.order_by("-created_at")[:20]), service)


def _best(deployments: list[Deployment], service: Service) -> Deployment | None:
    """Of several builds of one commit, the newest that was live before, else staged, else the newest."""
    live = service.live.origin if service.live else None
    others = [deployment for deployment in deployments if deployment.origin != live]
    served = [deployment for deployment in others if deployment.served]
    staged = [deployment for deployment in others if deployment.staged]
    return next(iter(served or staged or others or deployments), None)
