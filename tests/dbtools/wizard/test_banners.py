"""What every page shows about databases."""

from __future__ import annotations

import pytest

from dbtools.models import DatabaseRollback
from dbtools.wizard.banners import banners_for_every_page
from rollback_portal.accounts.models import User
from tests.dbtools import rollback_rows

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("rehearsed", []),
        ("approved", []),
        ("running", ["DATABASE ROLLBACK"]),
        ("verifying", ["DATABASE ROLLBACK"]),
        ("needs_attention", ["DATABASE NEEDS ATTENTION"]),
        ("done", []),
    ],
)
def test_a_run_is_shown_from_its_start_until_its_outcome_is_known(
    status: str, words: list[str], dana: User
) -> None:
    rollback_rows.rollback(dana, status)
    assert [banner["word"] for banner in banners_for_every_page()] == words


def test_a_break_glass_approval_is_shown_beside_its_run(dana: User) -> None:
    row = rollback_rows.rollback(
        dana, "running", broke_glass="Nobody answers the phone.", approved_by=dana, approved_by_name="Dana"
    )
    assert [banner["word"] for banner in banners_for_every_page()] == ["DATABASE ROLLBACK", "BREAK-GLASS"]
    assert {banner["url"] for banner in banners_for_every_page()} == {row.get_absolute_url()}


def test_a_row_that_cannot_be_read_is_a_banner_and_no_broken_page(dana: User) -> None:
    row = rollback_rows.rollback(dana, "running")
    DatabaseRollback.objects.filter(pk=row.pk).update(selected=[7])
    [banner] = banners_for_every_page()
    assert "selected[0] is 7, where str belongs" in banner["message"]
