"""Step 3: the proposed SQL."""

from __future__ import annotations

import pytest

from dbtools.postgres.client import DatabaseAddress
from rollback_portal.accounts.models import User
from tests.dbtools.wizard.worker.full_runs import advance_to_writing

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_draft_says_which_data_it_cannot_bring_back(practice: DatabaseAddress, dana: User) -> None:
    row = advance_to_writing(dana)
    assert row.draft["text"], row.draft["message"]
    assert "legacyPrice" in row.draft["text"]
    assert "loses data" in {line["mark"] for line in row.draft["lines"]}
