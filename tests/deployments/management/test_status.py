"""`manage.py status`: what is live, pinned and under way."""

from __future__ import annotations

import json
from io import StringIO

from django.core.management import call_command

from tests.deployments.conftest import Portal


def test_status_prints_live_pin_and_running(portal: Portal) -> None:
    portal.roll_back("render")
    running = portal.ask(portal.web, portal.candidate(portal.web))

    output = StringIO()
    call_command("status", "--json", stdout=output)

    api, web = (
        next(row for row in json.loads(output.getvalue()) if row["service"] == name)
        for name in ("shop-api", "shop-web")
    )
    assert api["live"]["commit"] == portal.api.live.commit_sha  # type: ignore[union-attr]
    assert api["pin"]["by"] == "Ana Ruiz"
    assert web["running"]["operation"] == str(running.operation_id)


def test_status_in_words_names_the_providers_own_names(portal: Portal) -> None:
    output = StringIO()

    call_command("status", "--fresh", stdout=output)

    assert portal.api.provider_id in output.getvalue()
    assert "shop-web" in output.getvalue()
