"""The verdict on the pages: the operation's panel, the lists, the card, the dialog, and the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from deployments.models import Change, LivePeriod, MetricPoint, Service, ServiceBlame
from deployments.pages.verdicts.panel import verdict_panel
from deployments.verdicts import blaming
from rollback_portal.jobs import clock
from tests import factories
from tests.deployments.management.command_line import printed
from tests.deployments.verdicts.story import USUAL, Story, minutes, story
from tests.deployments.views.operation_page import look, poll
from tests.support.page_text import text


@pytest.fixture
def fresh(api: Service) -> Story:
    """A rollback of ten minutes ago."""
    return story(api, served=clock.now() - minutes(10))


def steps(page: str) -> str:
    """The tag that polls."""
    return page.partition('id="steps"')[2].partition(">")[0]


def shown(told: Story) -> Change:
    return Change.objects.shown().get(pk=told.change.pk)


def test_recovered_shows_the_word_the_sentence_and_the_numbers_and_until_when_it_watches(
    fresh: Story, responder: Client
) -> None:
    fresh.measured(0, 9.5, USUAL)
    fresh.judged(9.9)
    response = look(responder, fresh.change)
    page, read = response.content.decode(), text(response)
    assert "<title>Recovered: " in page
    assert "icons/done" in page
    assert "RECOVERED" in read
    assert "5xx are back to usual: 0.1% of 360,000 requests before" in read
    assert "watching until" in read
    assert "measured by the provider" in read
    assert "before 8.0%" in read
    assert "after 0.1%" in read
    assert 'aria-label="Share of errors' in page
    assert 'hx-trigger="every 5s' in steps(page)


def test_not_recovered_is_red_everywhere_and_leads_to_the_next_steps(fresh: Story, responder: Client) -> None:
    older = factories.deployment(fresh.service, "Fix price rounding", created_at=factories.ago(days=3))
    fresh.measured(0, 9.5, 0.07)
    fresh.judged(9.9)
    response = look(responder, fresh.change)
    page, read = response.content.decode(), text(response)
    assert "<title>Not recovered: " in page
    assert "icons/bad" in page
    assert "Go to an older candidate" in read
    assert f"/deployments/{older.provider_id}/roll-back/" in page
    assert 'href="/databases/"' in page
    assert "Look elsewhere" in read
    for address in ("/operations/", f"/services/{fresh.service.slug}/"):
        listed = responder.get(address).content.decode()
        assert "NOT RECOVERED" in listed
        assert ">DONE<" not in listed


def test_too_little_traffic_says_how_much_is_missing_and_is_never_green(
    fresh: Story, responder: Client
) -> None:
    fresh.measured(0, 9.5, 0.0, rate=0.1)
    fresh.judged(9.9)
    response = look(responder, fresh.change)
    read = text(response)
    assert "CAN'T TELL YET" in read
    assert "are too few: 300 are needed. None failed, and up to" in read
    assert "of 300. At 0.1/s the rest takes about 40 min." in read
    assert 'data-tone="good"' not in response.content.decode().partition('id="steps"')[0]


def test_a_poll_brings_the_panel_only_when_it_has_changed_and_the_age_always(
    fresh: Story, responder: Client
) -> None:
    fresh.measured(0, 9.5, USUAL)
    fresh.judged(9.9)
    changed = poll(responder, fresh.change).content.decode()
    assert 'id="verdict"' in changed
    version = changed.partition('"X-Seen": "')[2].partition('"')[0]
    same = poll(responder, fresh.change, version).content.decode()
    assert 'id="verdict"' not in same
    assert 'id="verdict-watch"' in same


def test_a_verdict_that_turns_is_in_the_next_poll_with_title_and_turns(
    fresh: Story, responder: Client
) -> None:
    fresh.measured(0, 5, USUAL)
    fresh.judged(5)
    version = poll(responder, fresh.change).content.decode().partition('"X-Seen": "')[2].partition('"')[0]
    fresh.measured(5, 9.5, 0.3)
    fresh.judged(9.9)
    turned = poll(responder, fresh.change, version).content.decode()
    assert "<title>Not recovered: " in turned
    assert "Turned 2 times" in turned


def test_once_the_watching_is_over_the_page_asks_no_more(api: Service, responder: Client) -> None:
    told = story(api)
    told.measured(0, 60, USUAL)
    told.judged(64)
    page = look(responder, told.change).content.decode()
    assert "watched until" in page
    assert 'id="steps"' in page
    assert 'hx-trigger="every' not in steps(page)


def test_where_nobody_judges_the_page_says_so_and_is_not_green(fresh: Story, responder: Client) -> None:
    fresh.measured(0, 5, USUAL)
    fresh.judged(5)
    Change.objects.filter(pk=fresh.change.pk).update(message="")
    read = text(look(responder, fresh.change))
    assert "CAN'T TELL YET" in read
    assert "Nobody has judged it for 5 min: no worker runs, or each try fails." in read


def test_before_the_first_look_the_page_says_when_it_comes(fresh: Story) -> None:
    Change.objects.filter(pk=fresh.change.pk).update(ended_at=clock.now())
    shown_panel = verdict_panel(shown(fresh), clock.now())
    assert shown_panel is not None
    assert shown_panel.sentence == "The target serves. The first look comes within 10 s."
    assert shown_panel.watched
    waits = verdict_panel(shown(fresh), clock.now() + minutes(2))
    assert waits is not None
    assert waits.sentence.startswith("Nobody has judged it for 2 min")


def test_operations_from_before_there_were_verdicts_have_no_panel(api: Service, responder: Client) -> None:
    change = factories.change(
        api, factories.live(api), status="succeeded", ended_at=factories.ago(days=3),
        status_times={"serving": factories.ago(days=3).isoformat()},
    )  # fmt: skip
    assert verdict_panel(Change.objects.shown().get(pk=change.pk), clock.now()) is None
    assert 'hx-trigger="every' not in steps(look(responder, change).content.decode())


def test_lists_need_no_query_for_each_verdict(
    api: Service, responder: Client, django_assert_max_num_queries: Any
) -> None:
    told = story(api, served=clock.now() - minutes(10))
    told.judged(9)
    with django_assert_max_num_queries(8):
        responder.get("/operations/")


# --- The command line ---


def test_status_has_the_verdict_of_the_last_change_in_json_and_in_words(fresh: Story) -> None:
    fresh.measured(0, 9.5, 0.07)
    fresh.judged(9.9)
    _, out = printed("status", "--json")
    (row,) = json.loads(out)
    assert row["verdict"]["word"] == "Not recovered"
    assert row["verdict"]["operation"] == str(fresh.change.operation_id)
    assert row["verdict"]["sentence"] == fresh.row.sentence
    _, words = printed("status")
    assert "  verdict  Not recovered: Roll back. The target serves, and 5xx are as in the incident" in words


# --- When the errors began ---


@pytest.fixture
def failing(api: Service) -> Service:
    told = story(api, served=clock.now() - minutes(1))
    assert LivePeriod.objects.filter(service=told.service).exists()
    told.measured(-1, 0.9, 0.08)
    blaming.look_for_causes()
    assert ServiceBlame.objects.filter(service=api).exists()
    return api


def test_the_card_says_after_which_deployment_errors_began_while_they_are_up(
    failing: Service, responder: Client
) -> None:
    sentence = ServiceBlame.objects.get().sentence
    assert sentence.startswith("Errors began with deployment ")
    assert sentence in text(responder.get("/"))
    ServiceBlame.objects.update(judged_at=clock.now() - timedelta(minutes=3))
    assert sentence not in text(responder.get("/"))


def test_the_dialog_says_it_among_its_facts(failing: Service, client_as: Callable[..., Client]) -> None:
    target = factories.deployment(failing, "Fix price rounding")
    address = f"/services/{failing.slug}/deployments/{target.provider_id}/roll-back/"
    assert ServiceBlame.objects.get().sentence in text(client_as("responder").get(address))


@pytest.mark.parametrize(
    ("share", "said"), [(USUAL, "Nothing is wrong in the numbers: "), (None, "too few numbers")]
)
def test_where_an_incidents_start_is_given_the_dialog_also_says_that_nothing_is_wrong(
    api: Service, client_as: Callable[..., Client], share: float | None, said: str
) -> None:
    told = story(api, served=clock.now())
    if share is not None:
        told.measured(-10, 0, share)
    else:
        MetricPoint.objects.all().delete()
    target = factories.deployment(api, "Fix price rounding")
    address = f"/services/{api.slug}/deployments/{target.provider_id}/roll-back/"
    began = (clock.now() - minutes(20)).strftime("%Y-%m-%dT%H:%MZ")
    assert said in text(client_as("responder").get(address, {"since": began}))
    assert said not in text(client_as("responder").get(address))
