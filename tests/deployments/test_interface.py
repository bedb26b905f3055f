"""What the other app may ask: the live code of services, and whether an operation is under way on them."""

from __future__ import annotations

import pytest

from deployments.interface import live_code, operation_under_way
from deployments.models import Service
from tests import factories

pytestmark = pytest.mark.django_db


def test_the_live_commit_is_named_by_slug_or_by_the_providers_id(api: Service) -> None:
    live = factories.live(api)

    answers = live_code([api.slug, api.provider_id])

    assert [answer["commit"] for answer in answers] == [live.commit_sha] * 2
    assert [answer["pinned"] for answer in answers] == ["", ""]


def test_an_unknown_service_is_reported_as_unknown() -> None:
    (answer,) = live_code(["shop-nothing"])

    assert (answer["known"], answer["commit"]) == (False, "")


def test_a_pinned_service_names_what_it_was_rolled_back_from(api: Service) -> None:
    bad = factories.deployment(api, "Faster checkout totals")
    factories.pin(api, factories.live(api, "Fix price rounding"), rolled_back_from=bad)

    (answer,) = live_code([api.slug])

    assert answer["pinned"].startswith("pinned by Bo Lind")
    assert answer["left"]["commit"] == bad.commit_sha


def test_an_operation_is_under_way_until_it_has_ended(api: Service) -> None:
    assert operation_under_way([api.slug]) == ""
    change = factories.change(api, factories.live(api))

    assert "Ana Ruiz has an operation under way" in operation_under_way([api.provider_id])

    assert change.move("canceled", ended_at=factories.ago())
    assert operation_under_way([api.slug]) == ""
