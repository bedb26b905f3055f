"""The list of operations and its pages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Deployment
from tests import factories
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def ended(target: Deployment, status: str, message: str) -> None:
    factories.change(target.service, target, status=status, message=message, ended_at=timezone.now())


def test_the_list_shows_what_was_asked_for_and_what_came_of_it(viewer: Client, target: Deployment) -> None:
    ended(target, "failed", "Render refused (409).")
    factories.change(target.service, target, status="accepted")
    read = text(viewer.get("/operations/"))
    assert read.index("Rolling API back to") < read.index("API was not rolled back to")
    assert "Render refused (409)." in read
    assert "Ana Ruiz" in read


def test_the_list_can_be_narrowed_to_one_service(viewer: Client, target: Deployment) -> None:
    ended(target, "failed", "Refused.")
    web = factories.service("web", display_name="Web")
    factories.live(web)
    ended(factories.deployment(web), "succeeded", "It serves.")
    read = text(viewer.get("/operations/", {"service": web.slug}))
    assert "Web was rolled back" in read
    assert "API was not rolled back" not in read


def test_the_list_goes_on_page_by_page_without_more_queries(
    viewer: Client, target: Deployment, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        ended(target, "failed", f"Refusal {number:02}.")
    viewer.get("/operations/")  # once a minute it is noted that somebody is there
    with django_assert_max_num_queries(7):
        first = viewer.get("/operations/")
    assert text(first).count("Refusal") == 25
    older = re.search(r'href="(/operations/\?before=\d+)">Older', first.content.decode())
    assert older is not None
    second = viewer.get(older[1])
    assert text(second).count("Refusal") == 5
    assert "Newest" in text(second)
    assert "Older" not in text(second)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("service=nobody", "The portal knows no service called “nobody”."),
        ("service=%3Cb%3E", "That is not the name of a service."),
        ("service=a%00b", "That is not the name of a service."),
        ("before=last", "The address of this page is damaged"),
        ("before=99999999999999999999", "The address of this page is damaged"),
        ("before=-1", "The address of this page is damaged"),
    ],
)
def test_a_filter_that_makes_no_sense_is_answered_with_a_sentence(
    viewer: Client, target: Deployment, query: str, message: str
) -> None:
    response = viewer.get(f"/operations/?{query}")
    assert response.status_code == 400
    assert message in text(response)


def test_an_empty_list_says_so(viewer: Client) -> None:
    assert "Nobody has rolled anything back yet." in text(viewer.get("/operations/"))
