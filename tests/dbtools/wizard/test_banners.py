"""What every page shows about databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dbtools.models import DatabaseRollback
from dbtools.wizard.banners import banners_for_every_page
from rollback_portal.accounts.models import User
from tests.dbtools import rollback_rows
from tests.support.page_text import text

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
    assert [banner["word"] for banner in banners_for_every_page(dana)] == words


def test_a_break_glass_approval_is_shown_beside_its_run(dana: User) -> None:
    row = rollback_rows.rollback(
        dana, "running", broke_glass="Nobody answers the phone.", approved_by=dana, approved_by_name="Dana"
    )
    assert [banner["word"] for banner in banners_for_every_page(dana)] == ["DATABASE ROLLBACK", "BREAK-GLASS"]
    assert {banner["url"] for banner in banners_for_every_page(dana)} == {row.get_absolute_url()}


def test_a_row_that_cannot_be_read_is_a_banner_and_no_broken_page(dana: User) -> None:
    row = rollback_rows.rollback(dana, "running")
    DatabaseRollback.objects.filter(pk=row.pk).update(selected=[7])
    [banner] = banners_for_every_page(dana)
    assert "selected[0] is 7, where str belongs" in banner["message"]


def test_whoever_may_approve_sees_it_everywhere_with_a_count(dana: User, efe: User) -> None:
    row = rollback_rows.rollback(dana, "awaiting_approval")
    [banner] = banners_for_every_page(efe)
    assert (banner["word"], banner["counted_at"]) == ("APPROVAL WAITS FOR YOU", "databases")
    assert "Dana Okoro asks a second database admin to approve the rollback of" in banner["message"]
    assert banner["url"] == row.get_absolute_url()
    assert banners_for_every_page(dana) == []  # who asked for it cannot approve it
    wrote = rollback_rows.rollback(
        dana, "awaiting_approval", database=rollback_rows.database("billing"), authors=[dana.pk, efe.pk]
    )
    assert wrote.get_absolute_url() not in {banner["url"] for banner in banners_for_every_page(efe)}


def test_the_navigation_of_any_page_counts_what_waits_for_this_person(
    dana: User, efe: User, client_as: Callable[..., Client]
) -> None:
    rollback_rows.rollback(dana, "awaiting_approval")
    for who, shown in ((efe, True), (dana, False), ("viewer", False)):
        page = text(client_as(who).get("/audit/"))
        assert ("APPROVAL WAITS FOR YOU" in page) is shown
        assert ("1 waits for you" in page) is shown
