"""Drafts for each kind of migration are proven on PostgreSQL and compared once more by their text."""

from __future__ import annotations

import pytest

from dbtools.down_draft import MigrationReplay
from dbtools.sql import check
from tests.bench.down.judge import loses_data, verdict
from tests.dbtools.down_draft.kinds import Kind, kinds


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_a_draft_leads_back_or_is_refused_with_the_reason(replay: MigrationReplay, kind: Kind) -> None:
    replay.apply(kind.before)
    before = replay.state()
    replay.apply(kind.up)
    draft = replay.draft([kind.up], before, replay.state())
    assert (draft.verdict, loses_data(draft)) == (kind.verdict, kind.loses), f"{draft.message}\n{draft.text}"
    assert kind.contains in draft.text
    if draft.verdict == "refused":
        assert draft.statements == ()
    else:
        assert verdict(before.dump, replay.reached) == kind.verdict
        schemas = ("public", "audit", "extensions")
        assert check(draft.text, schemas=schemas, allow_opaque=True).problems == () or not draft.statements
