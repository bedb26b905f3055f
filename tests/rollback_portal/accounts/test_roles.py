"""What each role may do, and that refusals are recorded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from deployments.models import ARRANGE, OPERATE, Change, Operation
from rollback_portal.accounts.models import User
from rollback_portal.accounts.roles import any_role, keep_groups, roles_that_may, weakest_role
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
MAY_ACT = ["responder", "database admin"]
MAY_LOOK = ["", "viewer"]
ACTS = ("roll_back", "promote", "leave", "cancel", "service_edit")


@pytest.fixture
def pages() -> dict[str, str]:
    """The addresses of all pages and acts, on real rows."""
    api = factories.service("api", display_name="API")
    factories.live(api)
    target = factories.deployment(api)
    running = factories.change(factories.service("web"), status="queued")
    base = f"/services/{api.slug}"
    return {
        "dashboard": "/",
        "services": "/services/",
        "service": f"{base}/",
        "deployment": f"{base}/deployments/{target.provider_id}/",
        "operations": "/operations/",
        "operation": f"/operations/{running.operation_id}/",
        "audit": "/audit/",
        "roll_back": f"{base}/deployments/{target.provider_id}/roll-back/",
        "promote": f"{base}/deployments/{target.provider_id}/promote/",
        "leave": f"{base}/leave/",
        "cancel": f"/operations/{running.operation_id}/cancel/",
        "service_edit": f"{base}/edit/",
    }


@pytest.mark.parametrize("role", [*MAY_LOOK, *MAY_ACT])
def test_everybody_who_is_signed_in_sees_every_page(
    client_as: Callable[..., Client], pages: dict[str, str], role: str
) -> None:
    client = client_as(factories.person(role, "Somebody Signedin"))
    for name, address in pages.items():
        if name not in ("cancel", "service_edit"):
            assert client.get(address).status_code == 200, name


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", MAY_LOOK)
def test_people_who_may_only_look_are_refused_every_act_and_it_is_recorded(
    client_as: Callable[..., Client], pages: dict[str, str], role: str, act: str
) -> None:
    response = client_as(factories.person(role, "Vera Novak")).post(pages[act], {"reason": "errors"})
    assert response.status_code == 403
    assert "This needs the role responder or database admin" in text(response)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.outcome, entry.actor_name) == ("access refused", "refused", "Vera Novak")
    assert entry.role == (role or "no role")
    assert entry.subject == pages[act]
    assert Operation.objects.count() == 1
    assert Change.objects.get().cancel_requested_at is None


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", MAY_ACT)
def test_responders_and_database_admins_are_let_through(
    client_as: Callable[..., Client], pages: dict[str, str], role: str, act: str
) -> None:
    response = client_as(factories.person(role, "Ana Ruiz")).post(pages[act], {"reason": "errors"})
    assert response.status_code != 403
    assert not AuditEntry.objects.filter(action="access refused").exists()


def test_the_refusal_names_people_who_may(client_as: Callable[..., Client], pages: dict[str, str]) -> None:
    factories.person("responder", "Ana Ruiz")
    gone = factories.person("responder", "Gone Person")
    gone.is_active = False
    gone.save()
    read = text(client_as(factories.person("viewer", "Vera Novak")).post(pages["leave"]))
    assert "Your role is viewer." in read
    assert "Ana Ruiz" in read
    assert "Gone Person" not in read


def test_if_nobody_may_the_page_says_whom_to_ask(
    client_as: Callable[..., Client], pages: dict[str, str]
) -> None:
    read = text(client_as(factories.person("viewer", "Vera Novak")).post(pages["leave"]))
    assert "Nobody has that role yet: ask an administrator." in read


def test_a_role_that_is_taken_away_counts_from_the_next_click(
    client_as: Callable[..., Client], pages: dict[str, str]
) -> None:
    ana = factories.person("responder", "Ana Ruiz")
    client = client_as(ana)
    assert client.post(pages["leave"], {}).status_code != 403
    ana.groups.clear()
    assert client.post(pages["leave"], {}).status_code == 403


def test_a_person_in_several_groups_has_the_strongest_role() -> None:
    ana = factories.person("viewer", "Ana Ruiz")
    ana.groups.add(Group.objects.get(name="database admin"))
    assert User.objects.get(pk=ana.pk).role == "database admin"
    assert factories.person("", "New Person").role == "no role"


def test_groups_hold_exactly_what_the_code_says_after_every_migrate() -> None:
    viewers = Group.objects.get(name="viewer")
    viewers.permissions.set(Group.objects.get(name="responder").permissions.all())
    keep_groups()
    for role, permissions in settings.ROLES.items():
        held = Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
        assert {f"{app}.{name}" for app, name in held} == set(permissions)


@pytest.mark.parametrize("permission", [OPERATE, ARRANGE])
def test_the_roles_that_may_act_are_named(permission: str) -> None:
    assert roles_that_may(permission) == MAY_ACT
    assert weakest_role(permission) == "responder"
    assert any_role(permission) == "responder or database admin"
