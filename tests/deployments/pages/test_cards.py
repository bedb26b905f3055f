"""The live cards: the current state and its age, and nothing green that was not checked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Change, ProviderStatus, Service
from tests import factories
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
GOOD = 'data-tone="good"'


@pytest.fixture
def confirmed_api() -> Service:
    """A service whose live commit was confirmed from outside a moment ago."""
    factories.provider_status("render")
    service = factories.service("api", display_name="API")
    live = factories.live(service, "Faster checkout totals")
    change(
        service,
        version_check_sha=live.commit_sha,
        version_check_agree=5,
        version_check_total=5,
        version_checked_at=factories.ago(seconds=8),
    )
    return service


def change(service: Service, **fields: object) -> None:
    Service.objects.filter(pk=service.pk).update(**fields)


def card(responder: Client) -> str:
    html = responder.get("/").content.decode()
    start = html.index('<article class="card"')
    return html[start : html.index("</article>", start)]


def test_a_confirmed_card_says_what_was_served_and_how_long_ago(
    responder: Client, confirmed_api: Service
) -> None:
    page = text(responder.get("/"))
    assert "SERVED AS LIVE" in page
    assert re.search(rf"{factories.sha('Faster checkout totals')[:7]}, 5 of 5 \d+ s ago", page)
    assert GOOD in card(responder)


def test_a_disagreement_is_red_and_nothing_on_the_card_or_in_its_rows_is_green(
    responder: Client, confirmed_api: Service
) -> None:
    other = factories.deployment(confirmed_api, "Fix price rounding")
    change(confirmed_api, version_check_sha=other.commit_sha)
    live = factories.sha("Faster checkout totals")[:7]
    html = " ".join(responder.get("/").content.decode().split())
    assert f"SERVED {other.short_sha}, RENDER SAYS {live}" in html
    assert 'class="card" data-tone="bad"' in html
    cards_and_rows = html[html.index('<article class="card"') : html.index('<footer class="foot"')]
    assert GOOD not in cards_and_rows
    assert "serves something else" in html[html.index("<title>") : html.index("</title>")]
    assert "icons/bad" in html


def test_a_providers_contradiction_is_a_sentence_and_not_green(
    responder: Client, confirmed_api: Service
) -> None:
    change(confirmed_api, live_conflict="Render calls two deployments live.")
    assert "Render calls two deployments live." in card(responder)
    assert GOOD not in card(responder)


@pytest.mark.parametrize(
    "fields",
    [
        {
            "version_check_total": 0,
            "version_check_agree": 0,
            "version_check_sha": "",
            "version_checked_at": None,
        },
        {"version_check_agree": 3},
        {"version_check_sha": ""},
        {"version_checked_at": factories.ago(minutes=10)},
    ],
)
def test_what_was_not_confirmed_is_not_called_confirmed(
    responder: Client, confirmed_api: Service, fields: dict[str, object]
) -> None:
    change(confirmed_api, **fields)
    assert "NOT CONFIRMED" in card(responder)
    assert "SERVED AS LIVE" not in card(responder)


def test_without_an_address_the_card_says_that_nothing_is_checked(
    responder: Client, confirmed_api: Service
) -> None:
    change(confirmed_api, addresses=[], version_check_total=0, version_check_sha="", version_checked_at=None)
    assert "no address known" in card(responder)


def test_live_that_nobody_knows_is_called_unknown(responder: Client, confirmed_api: Service) -> None:
    change(confirmed_api, live=None)
    assert "LIVE UNKNOWN" in card(responder)
    assert GOOD not in card(responder)


def test_old_rows_are_a_snapshot_and_not_green(responder: Client, confirmed_api: Service) -> None:
    change(confirmed_api, synced_at=factories.ago(minutes=6))
    assert "SNAPSHOT" in card(responder)
    assert GOOD not in card(responder)


@pytest.mark.parametrize(
    ("seconds", "tone"), [(5, "good"), (59, "good"), (61, "warn"), (299, "warn"), (301, "bad")]
)
def test_the_footer_says_how_old_a_providers_data_is(
    responder: Client, confirmed_api: Service, seconds: int, tone: str
) -> None:
    ProviderStatus.objects.update(synced_at=factories.ago(seconds=seconds))
    html = responder.get("/").content.decode()
    footer = html[html.index('<footer class="foot"') :]
    assert f'data-tone="{tone}"' in footer[: footer.index("RENDER")]


def test_a_provider_that_is_down_leaves_its_snapshot_with_its_age_and_a_banner(
    responder: Client, confirmed_api: Service
) -> None:
    factories.provider_status("vercel")
    factories.live(factories.service("web"))
    retry = timezone.now() + timedelta(seconds=40)
    ProviderStatus.objects.filter(provider="render").update(
        synced_at=factories.ago(minutes=7), error="Render did not answer within 5 s.", retry_at=retry
    )
    page = text(responder.get("/"))
    assert "Faster checkout totals" in page
    assert "Render did not answer within 5 s." in page
    assert "7 min ago" in page
    assert f"The portal tries again at {retry:%H:%M:%S} UTC" in page
    assert "Vercel is not affected" in page


def test_a_provider_that_was_never_read_is_unknown_and_not_fresh(responder: Client) -> None:
    factories.service("api", synced_at=None)
    page = text(responder.get("/"))
    assert "Render has never been read" in page
    assert "RENDER never read" in page


def test_a_pin_says_who_since_when_why_and_what_automatic_deploys_were(
    responder: Client, confirmed_api: Service
) -> None:
    bad = factories.deployment(confirmed_api, "Faulty")
    change(confirmed_api, auto_deploy="off", pinned=True)
    factories.pin(
        confirmed_api,
        rolled_back_from=bad,
        pinned_by="Bo Lind",
        reason="checkout button dead",
        auto_deploy_before="checksPass",
    )
    page = text(responder.get("/"))
    assert "PINNED API stays on" in page
    assert "by Bo Lind, outside the portal: checkout button dead, INC-412" in page
    assert "before, they were after checks pass" in page
    assert 'href="/services/shop-api/leave/"' in responder.get("/").content.decode()
    assert "API pinned" in page


def test_a_pin_that_was_left_is_no_bar(responder: Client, confirmed_api: Service) -> None:
    factories.pin(confirmed_api, released_at=timezone.now(), released_by="Ana Ruiz")
    assert "PINNED" not in text(responder.get("/"))


def test_a_pin_that_only_the_provider_knows_has_a_bar(responder: Client, confirmed_api: Service) -> None:
    change(confirmed_api, pinned=True)
    page = text(responder.get("/"))
    assert "PINNED OUTSIDE THE PORTAL Render says that API is pinned, but nobody pinned it here" in page


def test_an_unknown_pin_is_not_taken_for_one(responder: Client, confirmed_api: Service) -> None:
    change(confirmed_api, pinned=None)
    assert "PINNED" not in text(responder.get("/"))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("queued", "step 0 of 4: waiting for a worker"),
        ("pinning", "step 1 of 4: Switch automatic deploys off"),
        ("unclear", "step 2 of 4: the provider's answer was lost"),
        ("accepted", "step 3 of 4: Wait until Render has released it"),
        ("restoring", "step 4 of 4: putting the settings back"),
    ],
)
def test_a_running_operation_says_which_step_and_who_started_it(
    responder: Client, confirmed_api: Service, status: str, words: str
) -> None:
    running = factories.change(confirmed_api, factories.deployment(confirmed_api), status=status)
    page = responder.get("/")
    assert f"Fix price rounding”, {words}" in text(page)
    assert "Started by Ana Ruiz" in text(page)
    assert f'href="{running.operation.get_absolute_url()}"' in page.content.decode()
    assert "icons/busy" in page.content.decode()


def test_no_second_operation_is_offered_while_one_runs(responder: Client, confirmed_api: Service) -> None:
    factories.change(confirmed_api, factories.deployment(confirmed_api), status="sending")
    page = responder.get("/")
    assert "roll-back" not in page.content.decode()
    assert "Ana Ruiz has an operation under way on API" in text(page)


def test_an_ended_operation_is_no_bar(responder: Client, confirmed_api: Service) -> None:
    factories.change(confirmed_api, factories.deployment(confirmed_api), status="succeeded")
    assert Change.objects.count() == 1
    assert "UNDER WAY" not in text(responder.get("/"))


def test_bars_of_every_group_stand_on_every_tab(responder: Client, confirmed_api: Service) -> None:
    other = factories.service("api", name="search-api", group="search")
    factories.live(other)
    factories.pin(other)
    assert "PINNED search-api stays on" in text(responder.get("/", {"group": "shop"}))


@pytest.mark.parametrize(
    ("setting", "words"), [("commit", "on every commit"), ("off", "off"), ("", "unknown"), ("odd", "“odd”")]
)
def test_the_card_says_what_automatic_deploys_do(
    responder: Client, confirmed_api: Service, setting: str, words: str
) -> None:
    change(confirmed_api, auto_deploy=setting)
    assert f"Automatic deploys {words}" in text(responder.get("/"))


def test_a_service_that_could_not_be_read_says_why(responder: Client, confirmed_api: Service) -> None:
    change(confirmed_api, error="Render answered 503.")
    assert "Render answered 503. This is what was last read." in text(responder.get("/"))
