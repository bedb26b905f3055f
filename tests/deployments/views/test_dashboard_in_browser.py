"""The dashboard in a real browser: polling must not disturb what a person is doing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from deployments.models import Change, Pin, ProviderStatus, Service
from tests import factories
from tests.deployments.views.browser import signed_in

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    with signed_in(live_server.url, monkeypatch) as opened:
        yield opened


@pytest.fixture
def live_pair(transactional_db: None) -> Service:
    factories.provider_status("render")
    factories.provider_status("vercel")
    web = factories.service("web", display_name="Web")
    factories.deployment(web, "Fix price rounding", created_at=factories.ago(days=2))
    factories.live(web, "Faster checkout totals", created_at=factories.ago(minutes=16))
    service = factories.service("api", display_name="API")
    factories.deployment(service, "Fix price rounding", created_at=factories.ago(days=2))
    factories.deployment(service, "Fix login rate limit", created_at=factories.ago(hours=3))
    factories.live(service, "Faster checkout totals")
    return service


def refresh(page: Page) -> int:
    """Let the page ask for news at once; the answer's status."""
    with page.expect_response(lambda answer: "hx-request" in answer.request.headers) as asked:
        page.evaluate("htmx.trigger(document.body, 'wake')")
    return int(asked.value.status)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_news_arrives_without_taking_away_what_is_being_typed(page: Page, live_pair: Service) -> None:
    page.goto("/")
    page.locator("#filter-box > summary").click()
    page.locator("#filter-author").press_sequentially("Ch", delay=0)
    factories.pin(live_pair)
    refresh(page)
    expect(page.get_by_text("PINNED", exact=True).first).to_be_visible()
    expect(page.locator("#filter-author")).to_have_value("Ch")
    assert focused(page) == "filter-author"
    expect(page).to_have_title("API pinned · Rollback portal")
    expect(page.locator("#announcement")).to_have_text("API pinned")
    assert "warn" in str(page.locator("#icon").get_attribute("href"))


def test_while_nothing_moves_the_answer_is_empty_and_ages_go_on(page: Page, live_pair: Service) -> None:
    page.goto("/")
    before = page.locator(".foot time").first.get_attribute("datetime")
    ProviderStatus.objects.update(synced_at=factories.ago())
    assert refresh(page) == 204
    expect(page.locator(".foot time").first).not_to_have_attribute("datetime", str(before))


def test_the_dialog_opens_over_the_page_stays_open_and_gives_the_focus_back(
    page: Page, live_pair: Service
) -> None:
    page.goto("/")
    button = page.locator('[data-side="api"] [data-operate]').first
    button.click()
    expect(page.locator("#dialog h1")).to_contain_text("Roll back API to")
    page.locator("#dialog textarea").fill("500s on checkout")
    factories.pin(Service.objects.get(slug="shop-web"))
    refresh(page)
    expect(page.locator("#state")).to_contain_text("PINNED")
    expect(page.locator("#dialog textarea")).to_have_value("500s on checkout")
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).not_to_be_visible()
    expect(button).to_be_focused()


def test_enter_in_a_field_of_the_dialog_starts_nothing(page: Page, live_pair: Service) -> None:
    page.goto("/")
    page.locator('[data-side="api"] [data-operate]').first.click()
    page.get_by_label("Error rate up").check()
    page.locator("#dialog input[name=incident]").fill("INC-412")
    page.keyboard.press("Enter")
    assert not Change.objects.exists()
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/operations/*/")
    assert Change.objects.count() == 1


def test_the_keys_walk_through_the_lists_and_open_without_starting(page: Page, live_pair: Service) -> None:
    page.goto("/")
    page.keyboard.press("a")
    assert page.evaluate("document.activeElement.textContent") == "Faster checkout totals"
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "Fix login rate limit"
    page.keyboard.press("d")
    expect(page.locator(".between:not(:empty)")).to_contain_text("1 commit goes")
    page.keyboard.press("w")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.closest('.deploy').dataset.side") == "web"
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.locator("#dialog h1")).to_contain_text("Roll back Web to")
    assert not Change.objects.exists()


def test_what_lies_between_stays_open_when_news_arrives(page: Page, live_pair: Service) -> None:
    page.goto("/")
    page.locator('[data-side="api"] [data-between]').first.click()
    expect(page.locator(".between:not(:empty)")).to_have_count(1)
    Pin.objects.all().delete()
    factories.pin(live_pair)
    refresh(page)
    expect(page.locator("#state")).to_contain_text("PINNED")
    expect(page.locator(".between:not(:empty)")).to_have_count(1)


def test_the_keys_can_be_switched_off_for_good(page: Page, live_pair: Service) -> None:
    page.goto("/")
    page.keyboard.press("?")
    page.get_by_label("Single keys work on this device").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("a")
    assert focused(page) == ""


def test_a_filter_is_in_the_address_and_going_back_shows_the_whole_page(
    page: Page, live_pair: Service
) -> None:
    page.goto("/")
    page.locator("#filter-box > summary").click()
    page.locator("#filter-text").fill("login")
    page.wait_for_url("**/?text=login")
    expect(page.locator(".deploy")).to_have_count(1)
    page.go_back()
    expect(page.locator(".deploy")).to_have_count(5)
    expect(page.locator("header.top")).to_have_count(1)


@pytest.mark.parametrize("width", [360, 500, 768, 1280])
def test_nothing_is_wider_than_the_screen(page: Page, live_pair: Service, width: int) -> None:
    word = "supercalifragilistic" * 8
    factories.live(live_pair, word, author=word[:120], branch=word)
    factories.pin(live_pair, reason=word, pinned_by=word)
    page.set_viewport_size({"width": width, "height": 800})
    for address in ("/", "/services/", "/services/shop-api/", "/services/shop-api/edit/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_a_thumb_hits_every_button(page: Page, live_pair: Service) -> None:
    factories.pin(live_pair)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/")
    heights = page.eval_on_selector_all(
        ".button, .top nav a, summary",
        "all => all.filter(one => one.offsetParent).map(one => one.offsetHeight)",
    )
    assert heights
    assert min(heights) >= 44
