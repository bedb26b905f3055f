"""The nine steps of the wizard as two people take them, for the journey and for the screenshots."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from playwright.sync_api import Locator, expect

from tests.journeys.visitor import Visitor

WORK = 180_000.0  # ms: from one person's step to the next, with a backup and a rehearsal in between
REASON = "Orders lose their old price; code of before reads it, and a fix forward takes a day"
DOWN = """ALTER TABLE "Order" ADD COLUMN "legacyPrice" integer;
UPDATE "Order" SET "legacyPrice" = "priceCents";
ALTER TABLE "Order" DROP COLUMN "priceCents";"""
PHRASE = re.compile(r"shop/\d{14}_drop_legacy_price")

Look = Callable[[Visitor, str], None]


def walk(dana: Visitor, efe: Visitor, passwords: Mapping[str, str], look: Look) -> None:
    """All nine steps; `look` is called wherever a screenshot is worth taking."""
    where = begins(dana, look)
    chooses(dana, look)
    writes(dana, look)
    rehearses(dana, look)
    approves(dana, efe, passwords["efe"], where, look)
    runs(dana, passwords["dana"], look)
    sees_the_end(dana, look)


def see(visitor: Visitor, step: str) -> Locator:
    """Wait until the page reaches a step without being reloaded."""
    current = visitor.page.locator(".steps [aria-current=step]")
    expect(current).to_contain_text(step, timeout=WORK)
    return visitor.page.locator("#step")


def press(visitor: Visitor, words: str) -> None:
    visitor.page.get_by_role("button", name=words, exact=True).click()


def editor(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("textbox", name="SQL, in one transaction, statement by statement")


def begins(dana: Visitor, look: Look) -> str:
    """Steps 1 and 2; return the address of the other steps."""
    dana.page.goto("/databases/")
    expect(dana.page.get_by_text("40 migrations")).to_be_visible(timeout=WORK)
    look(dana, "wizard-databases")
    dana.page.get_by_label("Incident, if it has a number").fill("INC-412")
    press(dana, "Roll a migration back…")
    expect(see(dana, "Is this needed?")).to_contain_text("Faster checkout totals")
    dana.page.get_by_label("Application code was rolled back already, or cannot help.").check()
    dana.page.get_by_label("Why a forward fix is not enough").fill(REASON)
    look(dana, "wizard-need")
    press(dana, "It is needed: read the migrations")
    expect(dana.page.get_by_role("button", name="Choose", exact=True)).to_be_visible(timeout=WORK)
    return dana.page.url


def chooses(dana: Visitor, look: Look) -> None:
    """The newest migration, or the newest two together, can be rolled back."""
    rows = dana.page.get_by_role("row")
    expect(rows).to_have_count(41)
    expect(rows.nth(1)).to_contain_text("drop_legacy_price")
    expect(rows.nth(2)).to_contain_text("this and 1 later")
    rows.nth(1).get_by_role("radio").check()
    look(dana, "wizard-choice")
    press(dana, "Choose")


def writes(dana: Visitor, look: Look) -> None:
    """The draft is only taken over by a click; what cannot run is named with its line."""
    expect(editor(dana)).to_be_visible(timeout=WORK)
    step = see(dana, "Down-SQL")
    expect(step).to_contain_text("loses data")
    expect(editor(dana)).to_have_text("")
    editor(dana).fill(f"{DOWN}\nCOMMIT;")
    press(dana, "Check it and go on")
    expect(dana.page.get_by_role("alert")).to_contain_text("Line 4:", timeout=WORK)
    expect(dana.page.locator(".cm-problem")).to_have_count(1)
    expect(editor(dana)).to_contain_text("COMMIT;")
    look(dana, "wizard-sql")
    dana.page.once("dialog", lambda prompt: prompt.accept())
    press(dana, "Put the draft into the editor")
    expect(editor(dana)).to_contain_text("-- loses data")
    editor(dana).fill(DOWN)
    press(dana, "Check it and go on")


def rehearses(dana: Visitor, look: Look) -> None:
    """The preflight checks agree; the backup is taken, and the SQL is run on it first."""
    expect(dana.page.get_by_role("button", name="Take the backup and rehearse")).to_be_enabled(timeout=WORK)
    expect(see(dana, "Preflight")).to_contain_text("184,201")
    look(dana, "wizard-preflight")
    press(dana, "Take the backup and rehearse")
    asks = dana.page.get_by_role("button", name="Ask a second admin to approve")
    expect(asks).to_be_enabled(timeout=WORK)
    step = see(dana, "Rehearsal")
    expect(step).to_contain_text("YOU LOSE 184,201 values of Order.priceCents")
    expect(step).to_contain_text("PASSED")
    look(dana, "wizard-rehearsal")
    asks.click()


def approves(dana: Visitor, efe: Visitor, password: str, where: str, look: Look) -> None:
    """Another person ticks each loss and approves with their password."""
    own = see(dana, "Approval").get_by_role("button", name="Approve for 15 minutes")
    expect(own).to_be_disabled()
    expect(dana.page.locator("#step")).to_contain_text("somebody else has to approve")
    efe.page.goto(where)
    for tick in efe.page.get_by_role("checkbox", name=re.compile("^I accept what statement")).all():
        tick.check()
    look(efe, "wizard-approval")
    enters(efe, "Approve for 15 minutes", password)
    see(efe, "Run")


def enters(visitor: Visitor, words: str, password: str) -> None:
    """Press a button whose form asks for the password."""
    form = visitor.page.locator("form").filter(has=visitor.page.get_by_role("button", name=words, exact=True))
    form.get_by_label("Your password").fill(password)
    press(visitor, words)


def runs(dana: Visitor, password: str, look: Look) -> None:
    """Her page shows the approval without a reload. A mistyped name starts nothing."""
    step = see(dana, "Run")
    expect(step).to_contain_text("Approved by Efe Brandt")
    phrase = PHRASE.search(step.inner_text())
    assert phrase
    look(dana, "wizard-run")
    dana.page.get_by_label("Type shop/").fill(phrase[0][:-1])
    enters(dana, "Roll the migration back now", password)
    expect(dana.page.get_by_role("alert")).to_contain_text("What was typed is not shop/")
    dana.excuse(409)
    dana.page.get_by_label("Type shop/").fill(phrase[0])
    enters(dana, "Roll the migration back now", password)


def sees_the_end(dana: Visitor, look: Look) -> None:
    expect(dana.page.get_by_text("ROLLED BACK", exact=True)).to_be_visible(timeout=WORK)
    step = see(dana, "Afterwards")
    expect(step).to_contain_text("1 row of _prisma_migrations is gone")
    expect(step).to_contain_text("The schema is the one that the run left")
    expect(step).to_contain_text("applies it again")
    look(dana, "wizard-afterwards")
