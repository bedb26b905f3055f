"""The SQL editor in a real Chromium, under the strict content security policy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from playwright.sync_api import BrowserContext, Dialog, Locator, Page, expect, sync_playwright

from dbtools.models import DatabaseRollback
from rollback_portal.accounts.models import User
from rollback_portal.env import ROOT
from tests.dbtools.views import wizard_states
from tests.support.chromium import chromium

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
MOST_BYTES = 350_000  # of the editor as it is vendored; a third of it is sent, packed
OWN = 'ALTER TABLE "Order" DROP COLUMN "priceCents"; -- mine'

# Selects and types in one go, so that the editor has not been notified of the selection yet.
TYPED_OVER = """text => {
  const content = document.querySelector(".editor").shadowRoot.querySelector(".cm-content");
  content.focus();
  document.getSelection().selectAllChildren(content);
  const typed = { inputType: "insertText", data: text, bubbles: true, cancelable: true };
  return content.dispatchEvent(new InputEvent("beforeinput", typed));
}"""


@pytest.fixture
def row(dana: User) -> DatabaseRollback:
    return wizard_states.STATES["writing-problems"](dana, dana)


@pytest.fixture
def context(live_server: Any, dana: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[BrowserContext]:
    """Dana's browser; an error or warning on its console fails the test."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread
    client = Client()
    client.force_login(dana)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        opened = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
        opened.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        opened.on("console", lambda line: complaints.append(line.text) if line.type != "log" else None)
        opened.on("weberror", lambda error: complaints.append(str(error.error)))
        yield opened
        browser.close()
        connection.close()  # while the loop runs, Django keeps another connection for this thread
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext, row: DatabaseRollback) -> Page:
    opened = context.new_page()
    opened.goto(row.get_absolute_url())
    return opened


def editor(page: Page) -> Locator:
    return page.get_by_role("textbox", name="SQL, in one transaction, statement by statement")


def sent(row: DatabaseRollback) -> str:
    return DatabaseRollback.objects.get(pk=row.pk).sql


def test_lines_are_numbered_highlighted_and_marked_under_the_strict_policy(page: Page) -> None:
    expect(page.locator(".cm-lineNumbers .cm-gutterElement").last).to_have_text("3")
    expect(page.locator(".tok-keyword").first).to_have_text("COMMIT")
    expect(page.locator(".cm-problem")).to_have_count(2)
    assert page.locator("style").count() == 0  # styles are adopted, never inserted
    keyword = "getComputedStyle(document.querySelector('.editor').shadowRoot.querySelector('.tok-keyword'))"
    light = page.evaluate(f"{keyword}.color")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(f"{keyword}.color") != light


def test_what_is_typed_is_what_is_sent(page: Page, row: DatabaseRollback) -> None:
    editor(page).fill("SELECT 1;\nSELECT 2;")
    page.get_by_role("button", name="Check it and go on").click()
    expect(page.get_by_text("CHECKING THE SQL")).to_be_visible()
    assert sent(row) == "SELECT 1;\nSELECT 2;"


def test_typing_over_a_selection_is_handled_by_the_editor(page: Page) -> None:
    """The browser would keep the replaced style in an attribute that the policy forbids."""
    assert page.evaluate(TYPED_OVER, OWN) is False
    expect(editor(page)).to_have_text(OWN)
    assert page.locator("textarea#sql").input_value() == OWN


def test_the_label_focuses_the_editor_and_tab_leaves_it(page: Page) -> None:
    page.get_by_text("SQL, in one transaction, statement by statement").click()
    expect(editor(page)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Check it and go on")).to_be_focused()


def answered(questions: list[str], answer: str, asked: Dialog) -> None:
    questions.append(asked.message)
    asked.accept() if answer == "accept" else asked.dismiss()


@pytest.mark.parametrize("enhanced", [True, False])
def test_the_draft_replaces_sql_only_after_a_question(
    context: BrowserContext, row: DatabaseRollback, enhanced: bool
) -> None:
    page = context.new_page()
    if not enhanced:
        page.add_init_script("Object.defineProperty(globalThis, 'CodeMirror', {value: undefined})")
    page.goto(row.get_absolute_url())
    field = editor(page) if enhanced else page.locator("textarea#sql")
    field.fill(OWN)
    questions: list[str] = []
    for answer in ("dismiss", "accept"):
        page.once("dialog", partial(answered, questions, answer))
        page.get_by_role("button", name="Put the draft into the editor").click()
        now = page.locator("textarea#sql").input_value()
        assert now == (OWN if answer == "dismiss" else wizard_states.DRAFT["text"])
    assert questions == ["Replace the SQL in the editor with the draft?"] * 2
    if enhanced:
        page.keyboard.press("Control+z")
        assert page.locator("textarea#sql").input_value() == OWN


def test_unsent_sql_can_be_restored_in_the_same_tab(page: Page) -> None:
    editor(page).fill(OWN)
    page.goto("/databases/")
    page.go_back()
    page.reload()
    page.get_by_role("button", name="Put it into the editor").click()
    expect(editor(page)).to_have_text(OWN)


def test_without_scripts_the_textarea_and_the_draft_work(
    live_server: Any, context: BrowserContext, row: DatabaseRollback
) -> None:
    browser = context.browser
    assert browser is not None
    plain = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, storage_state=context.storage_state()
    )
    page = plain.new_page()
    page.goto(row.get_absolute_url())
    page.get_by_role("button", name="Put the draft into the editor").click()
    expect(page.locator("textarea#sql")).to_have_value(str(wizard_states.DRAFT["text"]))
    page.locator("textarea#sql").fill(OWN)
    page.get_by_role("button", name="Check it and go on").click()
    expect(page.get_by_text("CHECKING THE SQL")).to_be_visible()
    assert sent(row) == OWN
    plain.close()


def test_on_a_phone_the_page_fits_and_every_button_is_large_enough(page: Page, dana: User) -> None:
    for width in (360, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    heights = page.eval_on_selector_all(
        "#wizard .button", "all => all.filter(one => one.offsetParent).map(one => one.offsetHeight)"
    )
    assert heights
    assert min(heights) >= 44


def test_the_vendored_editor_has_its_licence_and_stays_small() -> None:
    path: Path = ROOT / "static/js/vendor/codemirror.js"
    text = path.read_text()
    assert "MIT License" in text
    assert "Marijn Haverbeke" in text
    assert "esbuild entry.js --bundle" in text
    assert path.stat().st_size <= MOST_BYTES
