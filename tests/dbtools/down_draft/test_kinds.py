"""Each kind of migration, on a real PostgreSQL: drafted, proven, and compared once more by text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbtools.down_draft import Replay
from dbtools.postgres.client import Target
from dbtools.postgres.scratch import Scratch
from tests.bench.down.judge import verdict
from tests.dbtools.down_draft.kinds import Kind, kinds


@pytest.fixture
def replay(server: Target) -> Iterator[Replay]:
    with Replay(Scratch.on(server)) as made:
        yield made


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_a_draft_leads_back_or_says_why_not(replay: Replay, kind: Kind) -> None:
    replay.apply(kind.before)
    before = replay.state()
    replay.apply(kind.up)
    draft = replay.draft([kind.up], before, replay.state())
    assert (draft.verdict, draft.loses) == (kind.verdict, kind.loses), f"{draft.message}\n{draft.text}"
    assert kind.contains in draft.text
    if draft.verdict == "refused":
        assert draft.statements == ()
    else:
        assert verdict(before.dump, replay.reached) == kind.verdict
