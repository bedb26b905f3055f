"""The audit log as a page: entries, filters and pages."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from rollback_portal.audit.models import AuditEntry, Outcome
from rollback_portal.audit.record import PORTAL, Actor, record
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
OPERATION = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")


def write(message: str, actor: Actor = PORTAL, **fields: Any) -> AuditEntry:
    values = {"action": "rollback requested", "outcome": Outcome.ASKED, "subject": "API shop-api", **fields}
    with transaction.atomic():
        return record(actor, message=message, **values)


def test_an_entry_shows_who_in_which_role_what_why_and_where_from(viewer: Client) -> None:
    ana = Actor("Ana Ruiz", "responder", None, "192.0.2.7")
    write(
        "Ana Ruiz requested: Roll back API to 77ab0e1.", ana, operation=OPERATION,
        reason="Error rate up: 500s", incident="INC-412",
        before={"live": "9c1f2aa"}, after={"live": "77ab0e1"}, provider_request_id="req-1",
    )  # fmt: skip
    response = viewer.get("/audit/")
    read, page = text(response), response.content.decode()
    for words in (
        "Ana Ruiz responder", "REQUESTED", "Ana Ruiz requested: Roll back API to 77ab0e1.",
        "Error rate up: 500s", "INC-412", "live 9c1f2aa 77ab0e1", "req-1", "192.0.2.7", "API shop-api",
    ):  # fmt: skip
        assert words in read
    assert f'href="/operations/{OPERATION}/"' in page
    assert re.search(r'<time datetime="\d{4}-\d\d-\d\dT[^"]+\+00:00">', page)


def test_the_newest_entry_comes_first(viewer: Client) -> None:
    write("First.")
    write("Second.")
    read = text(viewer.get("/audit/"))
    assert read.index("Second.") < read.index("First.")


@pytest.mark.parametrize(
    "query",
    [
        {"who": "ana"},
        {"action": "Rollback"},
        {"subject": "shop-api"},
        {"incident": "inc-412"},
        {"outcome": "refused"},
        {"operation": str(OPERATION)},
        {"text": "wanted"},
        {"text": "checkout"},
        {"who": "Ana", "incident": "INC-412", "outcome": "refused"},
    ],
)
def test_each_filter_finds_its_entry_and_leaves_the_other(viewer: Client, query: dict[str, str]) -> None:
    write(
        "The wanted one.", Actor("Ana Ruiz", "responder"), outcome=Outcome.REFUSED, operation=OPERATION,
        reason="500s on checkout", incident="INC-412",
    )  # fmt: skip
    write(
        "The other one.",
        Actor("Bo Lind", "responder"),
        action="pin found",
        subject="Web shop-web",
        incident="INC-4",
    )
    read = text(viewer.get("/audit/", query))
    assert "The wanted one." in read
    assert "The other one." not in read


def test_the_story_of_an_incident_begins_with_what_went_live_before_it(viewer: Client) -> None:
    now, live = timezone.now(), {"after": {"live": "9c1f2aa"}}
    outside = Actor("a push", "outside the portal")
    for hours, message in ((9, "An older one."), (2, "The bad deployment.")):
        write(message, outside, happened_at=now - timedelta(hours=hours), **live)
    write("A variable was changed.", outside, happened_at=now - timedelta(hours=1))
    write("Elsewhere.", outside, happened_at=now - timedelta(hours=1), subject="Web shop-web", **live)
    write("Rolled back.", incident="INC-412")
    read = text(viewer.get("/audit/", {"incident": "inc-412"}))
    parts = ("Rolled back.", "A variable was changed.", "The bad deployment.")
    assert sorted(parts, key=read.index) == list(parts)
    assert "An older one." not in read
    assert "Elsewhere." not in read


def test_an_act_stands_at_its_own_time_and_says_when_it_was_learned(viewer: Client) -> None:
    happened = timezone.now() - timedelta(hours=3)
    write("Ana Ruiz rolled back.")
    write("Chioma rolled back.", Actor("chioma", "outside the portal"), happened_at=happened)
    read = text(viewer.get("/audit/"))
    entry = AuditEntry.objects.get(message="Chioma rolled back.")
    assert read.index("Ana Ruiz rolled back.") < read.index("Chioma rolled back.")
    assert f"{happened:%Y-%m-%d %H:%M:%S} learned at" in read
    assert f"{entry.at:%H:%M}" in read
    assert read.count("learned at") == 1


def test_pages_follow_the_times_of_the_acts_without_gaps(viewer: Client) -> None:
    ana, now = Actor("Ana Ruiz", "responder"), timezone.now()
    for number in range(120):
        late = {} if number % 3 else {"happened_at": now - timedelta(minutes=number)}
        write(f"Entry {number:03}.", ana, **late)
    where, seen = "/audit/?who=Ana+Ruiz", []
    while where:
        page = viewer.get(where)
        seen += re.findall(r"Entry (\d{3})\.", text(page))
        older = re.search(r'href="(/audit/\?[^"]+)">Older', page.content.decode())
        where = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 120
    assert seen[-1] == "117"


def test_days_are_whole_days_in_utc(viewer: Client) -> None:
    entry = write("Just now.")
    day = entry.at.date().isoformat()
    assert "Just now." in text(viewer.get("/audit/", {"since": day, "until": day}))
    assert "Just now." not in text(viewer.get("/audit/", {"until": "2020-01-01"}))
    assert "Just now." not in text(viewer.get("/audit/", {"since": "2999-01-01"}))


def test_an_empty_result_says_so_and_keeps_the_filter(viewer: Client) -> None:
    write("Something.")
    response = viewer.get("/audit/", {"who": "nobody at all", "outcome": "failed"})
    assert "No actions match." in text(response)
    assert 'value="nobody at all"' in response.content.decode()
    assert '<option value="failed" selected>' in response.content.decode()


def test_an_empty_log_says_so(viewer: Client) -> None:
    assert "Nothing has been done yet." in text(viewer.get("/audit/"))


def test_after_the_last_page_the_log_is_not_called_empty(viewer: Client) -> None:
    entry = write("Something.")
    assert "No older entries." in text(viewer.get("/audit/", {"before": entry.pk}))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("since=yesterday", "“yesterday” is not a date; write it as 2026-11-23."),
        ("until=2026-02-30", "“2026-02-30” is not a date"),
        ("since=23/11/2026", "“23/11/2026” is not a date"),
        ("since=2026-02-02&until=2026-02-01", "The first day, 2026-02-02, is after the last, 2026-02-01."),
        ("outcome=perfect", "“perfect” is not an outcome"),
        ("operation=INC-412", "That is not the number of an operation"),
        ("before=0", "The address of this page is damaged"),
        ("before=99999999999999999999", "The address of this page is damaged"),
        ("who=a%00b", "Null characters are not allowed."),
        ("who=" + "x" * 201, "at most 200 characters"),
    ],
)
def test_a_filter_that_makes_no_sense_is_answered_with_a_sentence(
    viewer: Client, query: str, message: str
) -> None:
    write("Something.")
    response = viewer.get(f"/audit/?{query}")
    assert response.status_code == 400
    assert message in text(response)
    assert "Something." not in text(response)


def test_pages_follow_each_other_without_gaps_and_keep_the_filter(viewer: Client) -> None:
    ana = Actor("Ana Ruiz", "responder")
    for number in range(120):
        write(f"Entry {number:03}.", ana)
        write("Noise.")
    where, seen = "/audit/?who=Ana+Ruiz", []
    while where:
        page = viewer.get(where)
        seen += re.findall(r"Entry (\d{3})\.", text(page))
        older = re.search(r'href="(/audit/\?[^"]+)">Older', page.content.decode())
        where = older[1].replace("&amp;", "&") if older else ""
    assert seen == [f"{number:03}" for number in reversed(range(120))]


def test_an_entry_that_is_written_meanwhile_moves_no_page(viewer: Client) -> None:
    for number in range(60):
        write(f"Entry {number:02}.")
    older = re.search(r'href="(/audit/\?[^"]+)">Older', viewer.get("/audit/").content.decode())
    assert older is not None
    write("Entry 99.")
    assert re.findall(r"Entry (\d\d)\.", text(viewer.get(older[1]))) == [
        f"{n:02}" for n in reversed(range(10))
    ]


def test_the_number_of_queries_does_not_grow_with_the_entries(
    viewer: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(80):
        write(f"Entry {number}.", operation=OPERATION, before={"live": "a"}, after={"live": "b"})
    viewer.get("/audit/")  # once a minute it is noted that somebody is there
    with django_assert_max_num_queries(5):
        viewer.get("/audit/")


def test_markup_in_what_was_recorded_stays_text(viewer: Client) -> None:
    write(
        "<script>alert(1)</script>",
        Actor("<i>Eve</i>", "viewer"),
        reason="<img src=x>",
        before={"<u>": "<s>"},
    )
    page = viewer.get("/audit/").content.decode()
    for tag in ("<script>alert", "<i>", "<img", "<u>", "<s>"):
        assert tag not in page


def test_stored_values_of_any_shape_can_be_read(viewer: Client) -> None:
    write("Odd.", before={"items": ["a", 1], "none": None, "nested": {"é": True}}, after={"number": 0})
    read = text(viewer.get("/audit/"))
    assert 'items ["a", 1] –' in read
    assert 'nested {"é": true} –' in read
    assert "none – –" in read
    assert "number – 0" in read


def test_the_page_is_behind_the_sign_in() -> None:
    response = Client().get("/audit/")
    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/login/?next=/audit/")


def test_the_page_only_shows(viewer: Client) -> None:
    assert viewer.post("/audit/").status_code == 405
