"""The bars and the live cards: what holds right now, how old it is, and never green without proof."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Change, Reading, Service
from tests import make
from tests.reading import text

pytestmark = pytest.mark.django_db
GOOD = 'data-tone="good"'


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(make.person("responder", "Ana Ruiz"))
    return client


@pytest.fixture
def api() -> Service:
    """A service whose live commit was confirmed from outside a moment ago."""
    make.reading("render")
    service = make.service("api", display_name="API")
    live = make.live(service, "Faster checkout totals")
    change(service, served_sha=live.commit_sha, served_agree=5, served_of=5, served_at=make.ago(seconds=8))
    return service


def change(service: Service, **fields: object) -> None:
    Service.objects.filter(pk=service.pk).update(**fields)


def card(browser: Client) -> str:
    html = browser.get("/").content.decode()
    start = html.index('<article class="card"')
    return html[start : html.index("</article>", start)]


def test_a_confirmed_card_says_what_was_served_and_how_long_ago(browser: Client, api: Service) -> None:
    page = text(browser.get("/"))
    assert "SERVED AS LIVE" in page
    assert f"{make.sha('Faster checkout totals')[:7]}, 5 of 5 8 s ago" in page
    assert GOOD in card(browser)


def test_a_disagreement_is_red_and_nothing_on_the_card_or_in_its_rows_is_green(
    browser: Client, api: Service
) -> None:
    other = make.deployment(api, "Fix price rounding")
    change(api, served_sha=other.commit_sha)
    live = make.sha("Faster checkout totals")[:7]
    html = " ".join(browser.get("/").content.decode().split())
    assert f"SERVED {other.short_sha}, RENDER SAYS {live}" in html
    assert 'class="card" data-tone="bad"' in html
    cards_and_rows = html[html.index('<article class="card"') : html.index('<footer class="foot"')]
    assert GOOD not in cards_and_rows
    assert "serves something else" in html[html.index("<title>") : html.index("</title>")]
    assert "icons/bad" in html


def test_a_providers_contradiction_is_a_sentence_and_not_green(browser: Client, api: Service) -> None:
    change(api, live_doubt="Render calls two deployments live.")
    assert "Render calls two deployments live." in card(browser)
    assert GOOD not in card(browser)


@pytest.mark.parametrize(
    "fields",
    [
        {"served_of": 0, "served_agree": 0, "served_sha": "", "served_at": None},
        {"served_agree": 3},
        {"served_sha": ""},
        {"served_at": make.ago(minutes=10)},
    ],
)
def test_what_was_not_confirmed_is_not_called_confirmed(
    browser: Client, api: Service, fields: dict[str, object]
) -> None:
    change(api, **fields)
    assert "NOT CONFIRMED" in card(browser)
    assert "SERVED AS LIVE" not in card(browser)


def test_without_an_address_the_card_says_that_nothing_is_checked(browser: Client, api: Service) -> None:
    change(api, addresses=[], served_of=0, served_sha="", served_at=None)
    assert "no address known" in card(browser)


def test_live_that_nobody_knows_is_called_unknown(browser: Client, api: Service) -> None:
    change(api, live=None)
    assert "LIVE UNKNOWN" in card(browser)
    assert GOOD not in card(browser)


def test_old_rows_are_a_snapshot_and_not_green(browser: Client, api: Service) -> None:
    change(api, read_at=make.ago(minutes=6))
    assert "SNAPSHOT" in card(browser)
    assert GOOD not in card(browser)


@pytest.mark.parametrize(
    ("seconds", "tone"), [(5, "good"), (59, "good"), (61, "warn"), (299, "warn"), (301, "bad")]
)
def test_the_footer_says_how_old_a_providers_data_is(
    browser: Client, api: Service, seconds: int, tone: str
) -> None:
    Reading.objects.update(read_at=make.ago(seconds=seconds))
    html = browser.get("/").content.decode()
    footer = html[html.index('<footer class="foot"') :]
    assert f'data-tone="{tone}"' in footer[: footer.index("RENDER")]


def test_a_provider_that_is_down_leaves_its_snapshot_with_its_age_and_a_banner(
    browser: Client, api: Service
) -> None:
    make.reading("vercel")
    make.live(make.service("web"))
    retry = timezone.now() + timedelta(seconds=40)
    Reading.objects.filter(provider="render").update(
        read_at=make.ago(minutes=7), error="Render did not answer within 5 s.", retry_at=retry
    )
    page = text(browser.get("/"))
    assert "Faster checkout totals" in page
    assert "Render did not answer within 5 s." in page
    assert "7 min ago" in page
    assert f"The portal asks again at {retry:%H:%M:%S} UTC" in page
    assert "Vercel is not concerned" in page


def test_a_provider_that_was_never_read_is_unknown_and_not_fresh(browser: Client) -> None:
    make.service("api", read_at=None)
    page = text(browser.get("/"))
    assert "Render was never read" in page
    assert "RENDER never read" in page


def test_a_pin_says_who_since_when_why_and_what_automatic_deploys_were(browser: Client, api: Service) -> None:
    bad = make.deployment(api, "Faulty")
    change(api, automatic="off", pinned=True)
    make.pin(api, left_from=bad, by="Bo Lind", reason="checkout button dead", settings_before="checksPass")
    page = text(browser.get("/"))
    assert "PINNED API stays on" in page
    assert "by Bo Lind, outside the portal: checkout button dead, INC-412" in page
    assert "before, they were after checks pass" in page
    assert 'href="/services/shop-api/leave/"' in browser.get("/").content.decode()
    assert "API pinned" in page


def test_a_pin_that_was_left_is_no_bar(browser: Client, api: Service) -> None:
    make.pin(api, left_at=timezone.now(), left_by="Ana Ruiz")
    assert "PINNED" not in text(browser.get("/"))


def test_a_pin_that_only_the_provider_knows_is_said(browser: Client, api: Service) -> None:
    change(api, pinned=True)
    page = text(browser.get("/"))
    assert "PINNED OUTSIDE THE PORTAL Render says that API is pinned, but nobody pinned it here" in page


def test_an_unknown_pin_is_not_taken_for_one(browser: Client, api: Service) -> None:
    change(api, pinned=None)
    assert "PINNED" not in text(browser.get("/"))


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
    browser: Client, api: Service, status: str, words: str
) -> None:
    running = make.change(api, make.deployment(api), status=status)
    page = browser.get("/")
    assert f"Fix price rounding”, {words}" in text(page)
    assert "Started by Ana Ruiz" in text(page)
    assert f'href="{running.operation.get_absolute_url()}"' in page.content.decode()
    assert "icons/busy" in page.content.decode()


def test_no_second_operation_is_offered_while_one_runs(browser: Client, api: Service) -> None:
    make.change(api, make.deployment(api), status="sending")
    page = browser.get("/")
    assert "roll-back" not in page.content.decode()
    assert "Ana Ruiz has an operation under way on API" in text(page)


def test_an_ended_operation_is_no_bar(browser: Client, api: Service) -> None:
    make.change(api, make.deployment(api), status="succeeded")
    assert Change.objects.count() == 1
    assert "UNDER WAY" not in text(browser.get("/"))


def test_bars_of_every_group_stand_on_every_tab(browser: Client, api: Service) -> None:
    other = make.service("api", name="search-api", group="search")
    make.live(other)
    make.pin(other)
    assert "PINNED search-api stays on" in text(browser.get("/", {"group": "shop"}))


@pytest.mark.parametrize(
    ("setting", "words"), [("commit", "on every commit"), ("off", "off"), ("", "unknown"), ("odd", "“odd”")]
)
def test_the_card_says_what_automatic_deploys_do(
    browser: Client, api: Service, setting: str, words: str
) -> None:
    change(api, automatic=setting)
    assert f"Automatic deploys {words}" in text(browser.get("/"))


def test_a_service_that_could_not_be_read_says_why(browser: Client, api: Service) -> None:
    change(api, error="Render answered 503.")
    assert "Render answered 503. What stands here is the last that was read." in text(browser.get("/"))
