"""A person's browser session without a window: signs in, opens pages, confirms and follows an operation."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser

import httpx

from rollback_portal.processes.supervised import CannotRun

LONGEST_OPERATION = 120.0
EVERY = re.compile(r"every ([\d.]+)(ms|s)\b")
UNIT = {"s": 1.0, "ms": 0.001}
CHUNK = 4000  # characters of a page at a time: the polling element is usually near the top

Attributes = dict[str, str]


@dataclass(frozen=True, slots=True)
class Poll:
    """A request that a page repeats."""

    address: str
    every: float  # seconds
    headers: dict[str, str]
    ended: bool = False  # the page asks on for the verdict, as the operation itself has ended


class Tags(HTMLParser):
    """Collects the hidden fields of a page and its first polling element."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.polling: Attributes = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "input" and attributes.get("type") == "hidden" and attributes.get("name"):
            self.hidden[attributes["name"]] = attributes.get("value", "")
        if not self.polling and "hx-get" in attributes and EVERY.search(attributes.get("hx-trigger", "")):
            self.polling = attributes


def hidden_fields(page: str) -> dict[str, str]:
    tags = Tags()
    tags.feed(page)
    return tags.hidden


def poll_of(page: str, asked_from: str) -> Poll | None:
    """Return the polling request of a page or fragment; None if it does not poll."""
    tags = Tags()
    for start in range(0, len(page), CHUNK):
        tags.feed(page[start : start + CHUNK])
        if tags.polling:
            return _poll(tags.polling, asked_from)
    return None


def _poll(polling: Attributes, asked_from: str) -> Poll:
    every = EVERY.search(polling["hx-trigger"])
    assert every is not None
    headers = {"HX-Request": "true", "HX-Current-URL": asked_from, "HX-Target": polling.get("id", "")}
    headers |= json.loads(polling.get("hx-headers") or "{}")
    interval = float(every[1]) * UNIT[every[2]]
    return Poll(polling["hx-get"], interval, headers, ended="data-ended" in polling)


LOOKS = 10


class DialogOutdated(CannotRun):
    """The live deployment has changed since the dialog was shown."""


class Person:
    """One browser session."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.http = httpx.Client(base_url=address, trust_env=False, timeout=30)

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())

    def sign_in(self, username: str, password: str) -> None:
        fields = hidden_fields(self.page("/accounts/login/"))
        answer = self.http.post("/accounts/login/", data={**fields, "login": username, "password": password})
        if answer.status_code != 302:
            raise CannotRun(f"{username} could not sign in: the portal answered {answer.status_code}.")

    def page(self, path: str) -> str:
        answer = self.http.get(path)
        if answer.status_code != 200:
            raise CannotRun(f"{path} answered {answer.status_code}.")
        return answer.text

    def candidates(self, slug: str) -> list[str]:
        """Return the addresses of the buttons "Roll back to this" in the list, newest first."""
        button = re.compile(rf'"(/services/{re.escape(slug)}/deployments/[^/"]+/roll-back/)"')
        _, _, rows = self.page(f"/services/{slug}/").rpartition('<div id="list"')
        return list(dict.fromkeys(button.findall(rows)))

    def send(self, confirm: str, fields: dict[str, str]) -> str:
        """Press the confirm dialog's button as htmx does; return the operation's address."""
        answer = self.http.post(confirm, data=fields, headers={"HX-Request": "true"})
        address = answer.headers.get("HX-Redirect") or answer.headers.get("Location", "")
        if answer.status_code == 409:
            raise DialogOutdated(f"{confirm} was shown before the last sync:\n{text_of(answer.text)}")
        if not address.startswith("/operations/"):
            raise CannotRun(
                f"{confirm} answered {answer.status_code} and started nothing:\n{text_of(answer.text)}"
            )
        return str(address)

    def confirm_form(self, confirm: str) -> dict[str, str]:
        """The filled-in fields of the confirm dialog."""
        hidden = hidden_fields(self.http.get(confirm, headers={"HX-Request": "true"}).text)
        return {**hidden, "reason": "errors", "words": "measured", "incident": "INC-1", "again": "on"}

    def start(self, confirm: str) -> tuple[float, str]:
        """Open the dialog and press its button; return the time and the operation's address.

        A dialog that was drawn in the moment between the end of an operation and the reading after it is
        refused, as it should be; then the person looks again.
        """
        for _ in range(LOOKS):
            fields = self.confirm_form(confirm)
            began = time.time()
            try:
                return began, self.send(confirm, fields)
            except DialogOutdated:
                time.sleep(0.5)
        raise CannotRun(f"{confirm} was drawn {LOOKS} times and the world had changed each time.")

    def follow(self, operation: str) -> float:
        """Poll the page of an operation until that has ended; return the time."""
        deadline = time.monotonic() + LONGEST_OPERATION
        poll = poll_of(self.page(operation), operation)
        while poll is not None and not poll.ended:
            if time.monotonic() > deadline:
                raise CannotRun(f"{operation} has not ended after {LONGEST_OPERATION:.0f} s.")
            time.sleep(poll.every)
            poll = poll_of(self.http.get(poll.address, headers=poll.headers).text, operation)
        return time.time()


def text_of(page: str) -> str:
    """Return the text of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())[:600]
