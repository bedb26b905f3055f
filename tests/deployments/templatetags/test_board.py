"""One deployment in its cell: equal content is written once, and any other content anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.template import Engine
from django.utils import timezone

from deployments.models import Deployment
from deployments.pages.board.item import BoardItem, Rebuild
from deployments.pages.sentence import code, sentence
from deployments.templatetags import board
from deployments.templatetags.board import cell
from rollback_portal.web.badges import Badge

BUILT = datetime(2026, 11, 29, 13, 51, tzinfo=UTC)
ITEM = BoardItem(
    deployment=Deployment(),
    pk=7,
    subject="Fix price rounding",
    page_url="/services/shop-api/deployments/dep-7/",
    rebuilds=(Rebuild(6, "/services/shop-api/deployments/dep-6/", BUILT, "live"),),
    badges=(Badge("BUILD FAILED", "bad"),),
    live=False,
    suggested=False,
    comparable=True,
    button="Roll back to this",
    url="/services/shop-api/deployments/dep-7/roll-back/",
    ineligible_reason="",
    facts=sentence(code("77ab0e1"), " · Bo Lind"),
)
OTHERS: dict[str, Any] = {
    "pk": 8,
    "subject": "Fix rounding",
    "page_url": "/services/shop-api/deployments/dep-8/",
    "rebuilds": (),
    "badges": (Badge("BUILD FAILED", "bad", detail="at 13:51"),),
    "comparable": False,
    "button": "Promote to production",
    "url": "",
    "facts": sentence(code("77ab0e2"), " · Bo Lind"),
}


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    board._written.cache_clear()


def test_equal_content_is_written_once() -> None:
    first = cell(ITEM, "api", quiet=False)
    assert cell(replace(ITEM, deployment=Deployment(pk=9)), "api", quiet=False) is first


@pytest.mark.parametrize("name", OTHERS)
def test_other_content_is_written_anew(name: str) -> None:
    before = cell(ITEM, "api", quiet=False)
    assert cell(replace(ITEM, **{name: OTHERS[name]}), "api", quiet=False) != before


def test_a_button_that_steps_back_and_another_column_are_written_anew() -> None:
    before = cell(ITEM, "api", quiet=False)
    assert cell(ITEM, "api", quiet=True) != before
    assert cell(ITEM, "web", quiet=False) != before


def test_on_the_next_day_it_is_written_anew_because_times_carry_their_day_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for day in (29, 29, 30):
        monkeypatch.setattr(timezone, "now", lambda day=day: BUILT.replace(day=day))
        cell(ITEM, "api", quiet=False)
    assert board._written.cache_info().misses == 2


def test_untrusted_text_is_escaped() -> None:
    hostile = replace(ITEM, subject="Fix price <rounding>")
    assert "Fix price &lt;rounding&gt;" in cell(hostile, "api", quiet=False)


def test_the_template_uses_only_what_is_compared() -> None:
    source = Engine.get_default().get_template(board.TEMPLATE).source
    assert "item.deployment" not in source
