"""Settling an operation by hand on its page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from deployments.models import Change
from deployments.sandbox.server.faults import Fault
from tests.deployments.conftest import Portal


@pytest.fixture
def stuck_change(portal: Portal) -> Change:
    """A change whose order the provider never finishes, as far as the portal can tell."""
    portal.settings.FOLLOW_SECONDS = 0
    portal.sandbox.faults.add(Fault(on="render.rollback", do="stuck"))
    change = portal.roll_back("render")
    assert change.status == "needs_attention", change.message
    return change


def test_the_page_offers_three_choices_and_takes_the_answer(
    portal: Portal, stuck_change: Change, client_as: Callable[..., Client]
) -> None:
    client = client_as(portal.ana)
    page = client.get(stuck_change.operation.get_absolute_url()).content.decode()

    client.post(f"{stuck_change.operation.get_absolute_url()}settle/", {"applied": "no"})

    assert "It was applied" in page
    assert "It was not applied" in page
    assert "Send it again" in page
    assert Change.objects.get(pk=stuck_change.pk).status == "failed"


def test_a_viewer_cannot_settle(stuck_change: Change, client_as: Callable[..., Client]) -> None:
    response = client_as("viewer").post(
        f"{stuck_change.operation.get_absolute_url()}settle/", {"applied": "no"}
    )

    assert response.status_code == 403
    assert Change.objects.get(pk=stuck_change.pk).status == "needs_attention"
