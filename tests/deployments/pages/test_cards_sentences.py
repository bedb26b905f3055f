"""The sentences on a live card and in the footer."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.models import Deployment, Pin, Service
from deployments.pages.bars.footer import footer_notes
from deployments.pages.cards import Card
from deployments.pages.current_state import CurrentState, Freshness
from deployments.pages.sentence import as_text
from rollback_portal.jobs.process.heartbeats import ProcessStatus, RoleStatus


def ago(**length: float) -> datetime:
    return timezone.now() - timedelta(**length)


def freshness(**fields: Any) -> Freshness:
    defaults = {
        "provider": "render",
        "name": "Render",
        "tone": "good",
        "read_at": ago(minutes=3),
        "error": "",
    }
    return Freshness(**{**defaults, "retry_at": None, "services": ("API",), **fields})


def card(live: dict[str, Any] | None = None, pin: Pin | None = None, **fields: Any) -> Card:
    service = Service(name="shop-api", provider="render", synced_at=timezone.now(), **fields)
    service.live = Deployment(pk=1, service=service, **(live or {}))
    return Card(service, freshness(), pin, None)


def test_the_live_facts_name_author_pull_request_and_what_was_rolled_back_from() -> None:
    pin = Pin(rolled_back_from=Deployment(pk=2, commit_sha="9c1f2aa"))
    facts = as_text(card({"author": "Bo Lind", "pull_request": "412"}, pin).live_facts)
    assert facts == "since an unknown time · Bo Lind · #412 · rolled back from 9c1f2aa"


def test_the_live_facts_say_since_when() -> None:
    facts = as_text(card({"live_since": ago(minutes=4)}).live_facts)
    assert facts.startswith("since ")
    assert facts.endswith(", 4 min")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"version_check_total": 5, "version_check_agree": 4, "version_check_sha": "77ab0e1ff"},
            "77ab0e1, 4 of 5",
        ),
        ({"version_check_total": 5}, "unknown after 5 requests"),
        ({"addresses": ["https://shop.example.com"]}, "not checked yet"),
        ({}, "no address known"),
    ],
)
def test_the_version_check_says_what_is_served_or_why_that_is_unknown(
    fields: dict[str, Any], text: str
) -> None:
    assert as_text(card(**fields).version_check) == text


def test_a_message_of_the_version_check_is_shown_only_where_the_answers_disagree() -> None:
    fields: dict[str, Any] = {"version_check_message": "Two commits.", "version_check_total": 5}
    assert card(**fields, version_check_agree=4).version_check_problem == "Two commits."
    assert card(**fields, version_check_agree=5).version_check_problem == ""


def test_live_is_green_only_where_it_is_beyond_doubt() -> None:
    assert (card().live_badge.tone, card().live_badge.detail) == ("good", "")
    doubtful = card(live_conflict="Render calls two deployments live.")
    assert (doubtful.live_badge.tone, doubtful.live_badge.detail) == ("", "not certain")
    service = Service(provider="render", synced_at=ago(days=1))
    service.live = Deployment(service=service)
    assert Card(service, freshness(), None, None).live_badge.detail == "when last read"


def test_the_footer_has_a_note_for_each_provider_and_each_kind_of_process() -> None:
    processes = ProcessStatus(
        RoleStatus("worker", 2, timezone.now()),
        RoleStatus("dispatcher", 0, ago(minutes=5)),
        RoleStatus("queue", 0, None),
    )
    fresh = (
        freshness(),
        freshness(tone="warn", error="500"),
        freshness(name="Vercel", provider="vercel", tone="bad", read_at=None),
    )
    notes = footer_notes(CurrentState((), {}, {}, fresh, processes))
    assert [(badge.word, badge.tone, badge.shape, as_text(note)) for badge, note in notes] == [
        ("RENDER", "good", "dot", "3 min old"),
        ("RENDER", "warn", "diamond", "3 min old, last attempt failed"),
        ("VERCEL", "bad", "square", "never read"),
        ("WORKERS", "good", "dot", "2 alive"),
        ("DISPATCHERS", "bad", "square", "no heartbeat for 5 min"),
    ]


def test_a_process_that_was_never_seen_has_no_age_in_the_footer() -> None:
    processes = ProcessStatus(
        RoleStatus("worker", 0, None), RoleStatus("dispatcher", 1, None), RoleStatus("queue", 0, None)
    )
    notes = footer_notes(CurrentState((), {}, {}, (), processes))
    assert [as_text(note) for _, note in notes] == ["no heartbeat yet", "1 alive"]


@pytest.mark.parametrize(
    ("fields", "age", "lacks_address"),
    [
        ({}, "", True),
        ({"addresses": ["https://api.example.com"]}, "", False),
        ({"version_check_total": 5, "version_checked_at": {"seconds": 40}}, "40 s ago", False),
        (
            {"version_check_total": 5, "version_checked_at": {"minutes": 9}},
            "9 min ago, too old to count",
            False,
        ),
    ],
)
def test_a_check_has_an_age_or_asks_for_an_address(
    fields: dict[str, Any], age: str, lacks_address: bool
) -> None:
    if "version_checked_at" in fields:
        fields = {**fields, "version_checked_at": ago(**fields["version_checked_at"])}
    one = card(**fields)
    said = re.sub(r"^4\d s", "40 s", as_text(one.version_check_age))  # a second may pass meanwhile
    assert (said, one.lacks_address) == (age, lacks_address)


@pytest.mark.parametrize(
    ("pinned", "setting", "note"),
    [
        (True, "off", "until somebody leaves the rollback"),
        (True, "commit", ""),
        (False, "off", ""),
    ],
)
def test_automatic_deploys_that_a_pin_holds_off_say_until_when(pinned: bool, setting: str, note: str) -> None:
    assert card(pin=Pin() if pinned else None, auto_deploy=setting).auto_deploy_note == note
