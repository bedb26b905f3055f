"""One person in one browser, who finds elements by text and role."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SLOW = 30_000.0  # ms: an immediate reaction, on a busy machine
OPERATION = 90_000.0  # ms: from the confirming click to the end


class Visitor:
    """One browser session. `complaints` collects the errors and warnings of its console."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.context = browser.new_context(base_url=address, reduced_motion="reduce", **options)
        self.context.set_default_timeout(SLOW)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._record_message)

    def _record_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def excuse(self, status: int) -> None:
        """Expect and remove one 4xx message: Chromium's console repeats each such answer a moment later."""
        meant = f"status of {status} "
        if not any(meant in line for line in self.complaints):
            self.page.wait_for_event("console", lambda message: meant in message.text)
        self.complaints.remove(next(line for line in self.complaints if meant in line))

    def excuse_all(self, status: int) -> None:
        """Expect and remove all messages of this status, at least one; htmx adds its own for a poll."""
        self.excuse(status)
        meant = (f"status of {status} ", f"Response Status Error Code {status} from ")
        self.complaints = [line for line in self.complaints if not any(words in line for words in meant)]

    # --- signing in and closing ---
    def sign_in(self, username: str, password: str) -> None:
        self.page.goto("/")
        self.fill_in_sign_in(username, password)
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def fill_in_sign_in(self, username: str, password: str) -> None:
        self.page.get_by_label("Login").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def close(self) -> None:
        self.context.close()

    # --- the dashboard ---
    def card(self, name: str) -> Locator:
        return self.page.get_by_role("article", name=name, exact=True)

    def bar(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name)

    def deployment(self, side: str, subject: str) -> Locator:
        """The newest deployment with that subject in a column; `side` is api or web."""
        named = self.page.get_by_role("link", name=subject, exact=True)
        return self.page.locator(f".deploy[data-side={side}]").filter(has=named).first

    def act(self, side: str, subject: str, words: str = "Roll back to this") -> Locator:
        return self.deployment(side, subject).get_by_role("link", name=words)

    # --- the dialog ---
    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("alertdialog")

    def see_dialog(self, title: str | re.Pattern[str]) -> None:
        """The dialog is open and scrolled to its top, where it says what will be done."""
        expect(self.dialog).to_have_accessible_name(title)
        expect(self.dialog.get_by_role("heading", level=1)).to_be_in_viewport(ratio=1)

    def give_reason(
        self,
        words: str = "500s on checkout since 13:51",
        *,
        choice: str = "Error rate up",
        incident: str = "INC-412",
    ) -> None:
        """In the dialog, or on its page where no script runs."""
        self.page.get_by_role("radio", name=choice).check()
        self.page.get_by_role("textbox", name="The reason in your own words").fill(words)
        self.page.get_by_role("textbox", name=re.compile("^Incident")).fill(incident)

    def confirm(self, button: str | re.Pattern[str]) -> None:
        """Press the button; the browser is then on the page of the operation."""
        self.page.get_by_role("button", name=button).click()
        self.page.wait_for_url("**/operations/*/")

    # --- the operation's page ---
    @property
    def headline(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    def step(self, words: str) -> Locator:
        return self.page.locator("#steps").get_by_role("listitem").filter(has_text=words)

    def see_the_end(self, words: str | re.Pattern[str]) -> None:
        expect(self.headline).to_have_text(words, timeout=OPERATION)

    # --- everywhere ---
    def definition(self, term: str, within: Locator) -> Locator:
        """The value of a term in a list of facts."""
        return (
            within.locator("dt")
            .filter(has_text=re.compile(f"^{term}$"))
            .locator("xpath=following-sibling::dd[1]")
        )

    def top_of(self, what: Locator) -> float:
        """Return its distance from the top of the screen in px."""
        box = what.bounding_box()
        assert box is not None
        return float(box["y"])

    def widest(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth"))
