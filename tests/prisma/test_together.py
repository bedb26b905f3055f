"""A run and a `migrate deploy` in the same moment: one waits for the other, or refuses. They never mix."""

from __future__ import annotations

import random

import pytest

from dbtools.execution import runner
from dbtools.postgres.client import Target
from tests.prisma.cli import VERSIONS
from tests.prisma.moments import Moment, met, moments

pytestmark = pytest.mark.real_prisma
SEED = 20260


@pytest.mark.parametrize("major", VERSIONS)
def test_they_never_mix(server: Target, major: int) -> None:
    with met(server, major) as meeting:
        found = [meeting.at(moment) for moment in moments(3, SEED + major)]
    assert [outcome for outcome in found if outcome.startswith("MIXED")] == []


def test_a_deploy_that_waits_too_long_gives_up_and_changes_nothing(server: Target) -> None:
    with met(server, 7) as meeting:
        found = meeting.at(Moment(going=1, pending=1, offset=0.4), slow=12)
    assert found == "rolled back, the deploy gave up (P1002)"


def test_without_the_locks_of_a_run_they_do_mix(server: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness sees it: these locks are what keeps the two apart."""
    monkeypatch.setattr(runner, "hold_history", lambda connection, order: None)
    dice = random.Random(SEED)
    with met(server, 7) as meeting:
        found = (meeting.at(Moment(2, 1, round(dice.uniform(0.0, 0.4), 3))) for _ in range(30))
        assert any(outcome.startswith("MIXED") for outcome in found)
