"""Links from alerts: what monitors write is understood, and what is not is named and left out."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.forms.alert_link import AlertLink, time_of
from deployments.models import Reason

NOW = datetime(2026, 11, 29, 6, 35, tzinfo=UTC)
BEGAN = datetime(2026, 11, 29, 6, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29T06:21Z",
        "2026-11-29T06:21:00.000Z",
        "2026-11-29T07:21+01:00",
        "2026-11-29T07:21 01:00",
        "2026-11-29 06:21:00+00:00",
        "1795933260",
        "1795933260000",
    ],
)
def test_the_start_is_read_as_monitors_write_it(text: str) -> None:
    assert time_of(text) == BEGAN
    assert AlertLink({"since": text}, NOW).since == BEGAN


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-11-29T06:21", "2026-13-40T06:21Z", "1970-01-01T00:00Z", "2027-01-01T00:00Z"]
)
def test_a_start_that_cannot_be_is_left_out_and_named(text: str) -> None:
    link = AlertLink({"since": text, "incident": "INC-412"}, NOW)
    assert (link.since, link.incident) == (None, "INC-412")
    assert f"since={text}" in link.complaints[0]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("errors", Reason.ERRORS),
        ("5xx", Reason.ERRORS),
        ("CVE", Reason.SECURITY),
        (" Down ", Reason.UNSTABLE),
    ],
)
def test_a_reason_has_several_words(word: str, reason: Reason) -> None:
    assert AlertLink({"reason": word}, NOW).reason == reason


def test_an_unknown_reason_is_left_for_the_person() -> None:
    link = AlertLink({"reason": "gremlins"}, NOW)
    assert link.reason == ""
    assert link.complaints == [
        "reason=gremlins in the link is none of errors, broken, security, unstable; choose one below."
    ]


def test_the_dialog_gets_the_same_values() -> None:
    link = AlertLink({"since": "1795933260", "incident": "INC-412", "reason": "5xx", "words": "500s"}, NOW)
    again = AlertLink({name: value for name, [value] in parse_qs(link.query()).items()}, NOW)
    assert (again.since, again.incident, again.reason, again.words) == (BEGAN, "INC-412", "errors", "500s")


@given(st.dictionaries(st.sampled_from(["service", "incident", "since", "reason", "words"]), st.text()))
def test_no_link_is_an_exception(values: dict[str, str]) -> None:
    AlertLink(values, NOW).query()
