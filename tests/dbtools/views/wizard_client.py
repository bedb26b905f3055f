"""What the tests of the wizard's pages share: pressing buttons, and reading pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.test import Client

from dbtools.models import DatabaseRollback
from rollback_portal.accounts.models import User
from tests.support.rehearsal_role import PASSWORD

ClientAs = Callable[..., Client]


def press(client: Client, row: DatabaseRollback, action: str, /, **form: Any) -> Any:
    """Send the form of an action."""
    return client.post(f"{row.get_absolute_url()}{action}/", form)


def confirm(client: Client, row: DatabaseRollback, action: str, /, **form: Any) -> Any:
    """Send the form of an action with the password that it asks for."""
    return press(client, row, action, **{"password": PASSWORD, **form})


def reloaded(row: DatabaseRollback) -> DatabaseRollback:
    return DatabaseRollback.objects.shown().get(pk=row.pk)


def page_for(client_as: ClientAs, user: User, row: DatabaseRollback) -> Any:
    """The rollback's page as this person sees it."""
    response = client_as(user).get(row.get_absolute_url())
    assert response.status_code == 200
    return response


def buttons(response: Any, *, disabled: bool) -> list[str]:
    """The words on every button of the step that can, or cannot, be pressed."""
    html = response.content.decode()
    step = html[html.index('id="step"') : html.index("</main>")]
    found = re.findall(r"<button([^>]*)>(.*?)</button>", step, re.DOTALL)
    return [" ".join(words.split()) for attributes, words in found if ("disabled" in attributes) is disabled]


def version_on(html: str) -> str:
    """The fingerprint that a page sends back when it polls."""
    match = re.search(r'"X-Seen": "(\w+)"', html)
    assert match
    return match[1]
