"""No clock changes what happens: the portal's, the `Date` header's and the record's may each be wrong.

The answer to an order is lost, and its work is still pending after the settle time, as is normal at Render.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.sandbox.clock import Pace, utcnow
from deployments.sandbox.server.faults import Fault
from tests.chaos import mutants
from tests.deployments.conftest import BOTH, Portal

HOUR = timedelta(hours=1)
NONE = timedelta()
# The portal's, the header's and the records' clock; the model draws other mixtures for each commit.
CLOCKS = [
    (NONE, HOUR, NONE),
    (NONE, -HOUR, NONE),
    (NONE, NONE, -HOUR),
    (HOUR, None, NONE),
    (HOUR, None, -HOUR),
    (-HOUR, None, HOUR),
    (HOUR, -HOUR, HOUR),
    (-HOUR, HOUR, -HOUR),
]
Clocks = tuple[timedelta, timedelta | None, timedelta]


def set_clocks(portal: Portal, monkeypatch: pytest.MonkeyPatch, clocks: Clocks) -> None:
    of_the_portal, of_the_header, of_the_records = clocks
    monkeypatch.setattr(timezone, "now", lambda: utcnow() + of_the_portal)
    portal.world.clock = lambda: utcnow() + of_the_records
    portal.sandbox.date = lambda: None if of_the_header is None else utcnow() + of_the_header


def lose_the_answer(portal: Portal, name: str) -> None:
    """The order is applied, its answer is lost, and it is pending when it is looked up."""
    portal.world.pace = Pace(queue=0.5, build=1, pre_deploy=0, release=0.3, aliases=1, rolling=1)
    portal.sandbox.faults.add(Fault(f"{name}.rollback", "drop_after"))


@BOTH
@pytest.mark.parametrize("clocks", CLOCKS)
def test_an_order_whose_answer_is_lost_is_found_and_not_sent_again(
    portal: Portal, name: str, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clocks(portal, monkeypatch, clocks)
    portal.read()
    lose_the_answer(portal, name)

    change = portal.roll_back(name)

    assert (change.status, len(portal.posts())) == ("succeeded", 1), change.message


@BOTH
def test_a_rule_that_compares_times_sends_it_twice(
    portal: Portal, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutants, "replace_parts", lambda target, **parts: [
        monkeypatch.setattr(target, attribute, part) for attribute, part in parts.items()
    ])  # fmt: skip
    mutants.take_out("identity")
    set_clocks(portal, monkeypatch, (NONE, HOUR, NONE))
    portal.read()
    lose_the_answer(portal, name)

    portal.roll_back(name)

    assert len(portal.posts()) == 2
