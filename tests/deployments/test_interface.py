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


def test_after_two_rollbacks_in_a_row_the_commit_that_the_first_one_left_is_named(api: Service) -> None:
    newest, between = factories.deployment(api, "Drop a column"), factories.deployment(api, "Fix a typo")
    first = factories.pin(api, between, rolled_back_from=newest, released_at=factories.ago())
    again = factories.deployment(api, "Fix a typo", commit_sha=between.commit_sha)  # at Render one of its own
    factories.pin(api, factories.live(api, "Older"), rolled_back_from=again, replaces=first)

    (answer,) = live_code([api.slug])

    assert answer["left"]["commit"] == newest.commit_sha


def test_what_was_deployed_between_two_rollbacks_is_what_the_second_one_left(api: Service) -> None:
    newest, other = factories.deployment(api, "Drop a column"), factories.deployment(api, "Another try")
    first = factories.pin(
        api, factories.live(api, "Older"), rolled_back_from=newest, released_at=factories.ago()
    )
    factories.pin(api, rolled_back_from=other, replaces=first)

    (answer,) = live_code([api.slug])

    assert answer["left"]["commit"] == other.commit_sha
