"""Two database admins roll a migration back: all nine steps, in two browsers, on a real database."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.prisma import history
from dbtools.sandbox.shop import ORDERS
from rollback_portal.local import company
from tests.journeys import wizard
from tests.journeys.conftest import Visit
from tests.journeys.installation import Installation
from tests.journeys.visitor import Visitor

pytestmark = [pytest.mark.long, pytest.mark.journey]
PORTAL_SETTINGS = {"SANDBOX_ORDERS": str(ORDERS)}  # and a portal of its own, as it changes the practice data


def test_two_people_roll_a_migration_back_and_find_everything_as_it_was_before(
    installation: Installation, visit: Visit
) -> None:
    dana, efe = visit("dana"), visit("efe")
    shop = practice(installation)
    before = columns(shop)
    where = wizard.begins(dana, unseen)
    wizard.chooses(dana, unseen)
    wizard.writes(dana, unseen)
    wizard.rehearses(dana, unseen)
    assert columns(shop) == before  # so far it was only read
    wizard.approves(dana, efe, installation.passwords["efe"], where, unseen)
    wizard.runs(dana, installation.passwords["dana"], unseen)
    wizard.sees_the_end(dana, unseen)
    assert columns(shop) == before - {"priceCents"} | {"legacyPrice"}
    assert not any(name.endswith("drop_legacy_price") for name in applied(shop))
    takes_the_backup_away(dana, efe, installation)
    restores_it_beside(dana, efe, installation)
    sees_the_record(dana)


def test_who_may_only_look_sees_every_step_and_presses_none(installation: Installation, visit: Visit) -> None:
    ana = visit("ana")
    ana.page.goto("/databases/")
    expect(ana.page.get_by_role("button", name="Roll a migration back…").first).to_be_disabled()
    expect(ana.page.locator("main")).to_contain_text("needs the role database admin")


def unseen(visitor: Visitor, name: str) -> None:
    """Check that nothing is wider than the screen, on a phone either."""
    visitor.page.set_viewport_size({"width": 360, "height": 780})
    assert visitor.widest() <= 360, name
    visitor.page.set_viewport_size({"width": 1280, "height": 800})


def practice(installation: Installation) -> DatabaseAddress:
    return client.parse(Path(installation.portal.folder / company.ADDRESS).read_text().strip())


def columns(shop: DatabaseAddress) -> set[str]:
    with client.connect(shop, "journey") as connection:
        rows = connection.execute(
            "SELECT attname FROM pg_attribute"
            " WHERE attrelid = '\"Order\"'::regclass AND attnum > 0 AND NOT attisdropped"
        ).fetchall()
    return {name for (name,) in rows}


def applied(shop: DatabaseAddress) -> set[str]:
    with client.connect(shop, "journey") as connection:
        return {row.name for row in history.read(connection, shop.schema)}


def takes_the_backup_away(dana: Visitor, efe: Visitor, installation: Installation) -> None:
    """He allows it; the file is the one whose digest the page names."""
    dana.page.get_by_label("What the file is needed for").fill("Support needs the old prices of one customer")
    wizard.press(dana, "Ask to download the backup")
    expect(dana.page.locator("#step")).to_contain_text("you asked for it: somebody else has to approve")
    efe.page.goto(dana.page.url)
    wizard.enters(efe, "Approve the download", installation.passwords["efe"])
    expect(efe.page.locator("#step")).to_contain_text("Efe Brandt approved it")
    with dana.page.expect_download() as coming:
        wizard.enters(dana, "Download the backup", installation.passwords["dana"])
    kept = installation.portal.folder / "backups" / coming.value.suggested_filename
    assert Path(coming.value.path()).read_bytes() == kept.read_bytes()


def restores_it_beside(dana: Visitor, efe: Visitor, installation: Installation) -> None:
    dana.page.reload()  # what was downloaded cannot be downloaded once more
    dana.page.get_by_label("Restore it into a new database named").fill("restored_shop")
    dana.page.get_by_label("What the restored data is needed for").fill("Finance compares the old prices")
    wizard.enters(dana, "Ask to restore it into a new database", installation.passwords["dana"])
    expect(dana.page.locator("#step")).to_contain_text("wants to restore the backup into restored_shop")
    efe.page.reload()
    wizard.enters(efe, "Approve the restore", installation.passwords["efe"])
    expect(dana.page.locator("#step")).to_contain_text(
        re.compile(r"DONE\s+restored_shop"), timeout=wizard.WORK
    )
    expect(dana.page.locator("#step")).to_contain_text(
        "The backup was restored into the new database restored_shop"
    )


def sees_the_record(dana: Visitor) -> None:
    dana.page.get_by_role("link", name="Everything in the audit log").click()
    for words in ("need recorded", "approved", "run started", "rolled back", "backup downloaded"):
        expect(dana.page.locator("main")).to_contain_text(f"database rollback: {words}")
