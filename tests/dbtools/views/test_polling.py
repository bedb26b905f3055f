"""Pages poll while it is not the person's turn, and get nothing while nothing has changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from dbtools.views import polling
from rollback_portal.accounts.models import User
from tests import factories
from tests.dbtools import rollback_rows
from tests.dbtools.views import wizard_states
from tests.dbtools.views.wizard_client import ClientAs, page_for, version_on
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def test_an_unchanged_page_is_not_sent_again(dana: User, efe: User) -> None:
    row = wizard_states.STATES["running"](dana, efe)
    client = Client(headers={"HX-Request": "true"})
    client.force_login(dana)
    drawn = client.get(row.get_absolute_url()).content.decode()
    shown = {"X-Seen": version_on(drawn)}
    assert client.get(row.get_absolute_url(), headers=shown).status_code == 204
    wizard_states.changed(row, progress={"ran": [], "attempt": 1, "blockers": [wizard_states.BLOCKER]})
    assert "Process 4711" in text(client.get(row.get_absolute_url(), headers=shown))


def test_a_polling_page_notices_a_missing_worker(dana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes in the row, only the time."""
    row = rollback_rows.rollback(
        dana, "reading", status_times={"reading": factories.ago(seconds=30).isoformat()}
    )
    client = Client(headers={"HX-Request": "true"})
    client.force_login(dana)
    monkeypatch.setattr(polling, "STALLED_AFTER", timedelta(minutes=1))
    shown = {"X-Seen": version_on(client.get(row.get_absolute_url()).content.decode())}
    assert client.get(row.get_absolute_url(), headers=shown).status_code == 204
    monkeypatch.setattr(polling, "STALLED_AFTER", timedelta(seconds=10))
    assert "NO WORKER" in text(client.get(row.get_absolute_url(), headers=shown))


def test_a_dead_worker_is_noticed_after_its_lease(dana: User, client_as: ClientAs) -> None:
    row = wizard_states.held(rollback_rows.rollback(dana, "reading"))
    assert "NO WORKER" not in text(page_for(client_as, dana, row))
    long_ago = {"reading": factories.ago(minutes=5).isoformat()}
    wizard_states.changed(row, lease_until=factories.ago(seconds=12), status_times=long_ago)
    assert "NO WORKER" in text(page_for(client_as, dana, row))


def test_a_rollback_without_a_worker_does_not_look_busy(dana: User, efe: User, client_as: ClientAs) -> None:
    response = page_for(client_as, dana, wizard_states.STATES["reading-stalled"](dana, efe))
    assert 'data-shape="turn"' not in response.content.decode()
    assert "Nothing is being done at this moment." in text(response)


@pytest.mark.parametrize("name", list(wizard_states.STATES))
def test_a_page_polls_only_while_it_is_not_the_persons_turn(
    name: str, dana: User, efe: User, client_as: ClientAs
) -> None:
    row = wizard_states.STATES[name](dana, efe)
    waits = row.waits_for_worker or name in ("awaiting-approval", "done-restoring", "done-asked")
    assert ("hx-get=" in page_for(client_as, dana, row).content.decode()) is waits
    if name == "awaiting-approval":
        assert "hx-get=" not in page_for(client_as, efe, row).content.decode()  # it is efe's turn
