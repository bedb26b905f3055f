"""A browser session: opens the confirm dialog, presses its button, and retries without an answer."""

from __future__ import annotations

import re
import threading

import httpx

from rollback_portal.processes.supervised import CannotRun
from tests.bench.person import Person, hidden_fields

PATIENCE = 15.0  # seconds for a page
TRIES = 12
PAUSE = 0.5  # seconds until the button is pressed again
OPERATION = re.compile(r"/operations/([0-9a-f-]{36})/")
HTMX = {"HX-Request": "true"}


class NoAnswer(Exception):
    """The portal did not answer that an operation exists."""


class Visitor(Person):
    """One signed-in session; both clicks of a double click go through it."""

    def __init__(self, address: str, username: str, password: str) -> None:
        super().__init__(address)
        self.http.timeout = httpx.Timeout(PATIENCE)
        self.sign_in(username, password)

    def open(self, confirm: str) -> dict[str, str]:
        """Return the filled-in form of the confirm dialog.

        Raises:
            Nothing: the dialog cannot be shown now, or has no button.
        """
        try:
            answer = self.http.get(confirm, headers=HTMX)
        except httpx.HTTPError as error:
            raise NoAnswer(str(error)) from error
        hidden = hidden_fields(answer.text) if answer.status_code == 200 else {}
        if "token" not in hidden:
            raise NoAnswer(f"{confirm} answered {answer.status_code}")
        return {**hidden, "reason": "errors", "words": "chaos", "cancel_builds_first": "on", "again": "on"}

    def press(self, confirm: str, form: dict[str, str], stopped: threading.Event) -> str:
        """Press the button, and retry with the same form if there is no answer.

        Returns:
            The operation that the answer names; "" if it was refused.

        Raises:
            Nothing: there was no answer, or only errors.
        """
        for _ in range(TRIES):
            try:
                answer = self.http.post(confirm, data=form, headers=HTMX)
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code < 500:
                return self._operation(confirm, answer)
            if stopped.wait(PAUSE):
                break
        raise NoAnswer(f"{confirm} was pressed and did not answer")

    def _operation(self, confirm: str, answer: httpx.Response) -> str:
        where = answer.headers.get("HX-Redirect") or answer.headers.get("Location", "")
        named = OPERATION.fullmatch(where)
        if named is None and answer.status_code not in (409, 422):
            raise CannotRun(f"{confirm} answered {answer.status_code} to a press, with {where or 'a page'}")
        return named[1] if named else ""

    def cancel(self, operation: str) -> None:
        """Ask to cancel; whether that was heard, the row says."""
        token = {"X-CSRFToken": self.http.cookies["csrftoken"]}
        try:
            self.http.post(f"/operations/{operation}/cancel/", headers=token)
        except httpx.HTTPError as error:
            raise NoAnswer(str(error)) from error
