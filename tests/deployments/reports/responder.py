"""A signed-in person: what they read on the pages, and the forms that they send."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.test import Client

from deployments.models import Change, Deployment, Service
from tests.deployments.conftest import Portal
from tests.deployments.views.confirm.dialog import address, fill
from tests.support.page_text import text


@dataclass(frozen=True, slots=True)
class Responder:
    """Somebody with a browser who may roll back. A worker carries out what they start when a test says so."""

    portal: Portal
    client: Client

    def reads(self, where: str = "/") -> str:
        return text(self.client.get(where))

    def card(self, service: Service, *, markup: bool = False) -> str:
        """The service's live card on the dashboard."""
        page = self.client.get("/").content.decode()
        start = page.index(f'aria-labelledby="card-{service.pk}"')
        card = page[start : page.index("</article>", start)]
        return card if markup else re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", card))

    def opens(self, target: Deployment, act: str = "roll-back") -> str:
        """The confirm dialog."""
        return self.reads(address(target.service, target, act))

    def sends(self, target: Deployment, act: str = "roll-back", **fields: str) -> Any:
        """Fill the dialog in and press its button."""
        where = address(target.service, target, act)
        return self.client.post(where, fill(self.client, where, **fields))

    def starts(self, target: Deployment, act: str = "roll-back", **fields: str) -> Change:
        response = self.sends(target, act, **fields)
        assert response.status_code == 303, text(response)
        operation = response.headers["Location"].strip("/").rpartition("/")[2]
        return Change.objects.shown().get(operation=operation)

    def carries_out(self, target: Deployment, act: str = "roll-back", **fields: str) -> Change:
        """Start it and wait for its end."""
        return self.portal.finish(self.starts(target, act, **fields))

    def reads_of(self, change: Change) -> str:
        """The operation's page."""
        return self.reads(change.operation.get_absolute_url())

    def presses(self, change: Change, button: str, **fields: str) -> Any:
        """A button on the operation's page."""
        return self.client.post(f"{change.operation.get_absolute_url()}{button}/", fields)

    def suggestion(self, service: Service) -> Deployment:
        """What the service's page marks as previous."""
        page = self.client.get(f"/services/{service.slug}/").content.decode()
        rows = [row for row in page.split('class="deploy"')[1:] if ">PREVIOUS<" in row.replace("\n", "")]
        (found,) = {re.findall(r"/deployments/([^/]+)/", row)[0] for row in rows}
        return service.deployments.select_related("service").get(provider_id=found)
