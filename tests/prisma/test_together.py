"""A run and a `migrate deploy` at the same time: one waits for the other or fails. They never mix."""

from __future__ import annotations

import random

import pytest

from dbtools.execution import runner
from dbtools.postgres.client import DatabaseAddress
from tests.prisma.cli import VERSIONS
from tests.prisma.moments import Moment, met, moments

pytestmark = [pytest.mark.long, pytest.mark.real_prisma]
SEED = 20260


@pytest.mark.parametrize("major", VERSIONS)
def test_a_run_and_a_deploy_never_mix(server: DatabaseAddress, major: int) -> None:
    with met(server, major) as meeting:
        outcomes = [meeting.at(moment) for moment in moments(3, SEED + major)]
    assert [outcome for outcome in outcomes if outcome.startswith("MIXED")] == []


def test_a_deploy_that_waits_too_long_gives_up_and_changes_nothing(server: DatabaseAddress) -> None:
    with met(server, 7) as meeting:
        outcomes = meeting.at(Moment(going=1, pending=1, offset=0.4), slow=12)
    assert outcomes == "rolled back, the deploy gave up (P1002)"


def test_without_its_locks_a_run_and_a_deploy_mix(
    server: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This shows that the test would notice: without these locks, the two mix."""
    monkeypatch.setattr(runner, "lock_history", lambda connection, spec: None)
    dice = random.Random(SEED)
    with met(server, 7) as meeting:
        outcomes = (meeting.at(Moment(2, 1, round(dice.uniform(0.0, 0.4), 3))) for _ in range(30))
        assert any(outcome.startswith("MIXED") for outcome in outcomes)
