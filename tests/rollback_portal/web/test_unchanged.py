"""A page that polls gets an answer only when its state has changed."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from rollback_portal.web.unchanged import HEADER, fingerprint, is_unchanged, nothing_new


def test_the_same_state_has_the_same_fingerprint() -> None:
    assert fingerprint("running", [1, None]) == fingerprint("running", [1, None])


@pytest.mark.parametrize(
    "other", [("running",), ("running", ""), ("running", "1"), ("done", 1), (1, "running")]
)
def test_another_state_has_another_fingerprint(other: tuple[object, ...]) -> None:
    assert fingerprint("running", 1) != fingerprint(*other)


@pytest.mark.parametrize(("sent", "unchanged"), [("abc", True), ("abd", False), ("", False), (None, False)])
def test_a_page_is_unchanged_if_it_sends_the_current_fingerprint(sent: str | None, unchanged: bool) -> None:
    headers = {} if sent is None else {HEADER: sent}
    assert is_unchanged(RequestFactory().get("/", headers=headers), "abc") is unchanged


def test_the_answer_without_news_is_empty_and_not_cached_for_other_pages() -> None:
    response = nothing_new()
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["Vary"] == "HX-Request, X-Seen"
