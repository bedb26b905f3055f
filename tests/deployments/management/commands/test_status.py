"""`manage.py status`: what is live, pinned and under way."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.utils import timezone

from deployments.models import ProviderStatus, Service
from deployments.sandbox.server.faults import Fault
from tests.deployments.conftest import Portal
from tests.deployments.management.command_line import command, printed


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


def test_a_key_that_is_refused_makes_fresh_fail_loudly(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault(on="render.*", do="unauthorized", times=100))

    code, text = printed("status", "--fresh")

    assert code == 6
    assert "NOT READ: " in text
    assert "Render does not accept our key" in text
    assert "Render  FAILS" in text
    assert "Vercel  read " in text


def test_a_service_that_is_left_alone_after_failures_is_not_fresh(portal: Portal) -> None:
    Service.objects.filter(pk=portal.api.pk).update(
        error="Render answered 500.", read_failures=1, read_retry_at=timezone.now() + timedelta(minutes=4)
    )

    code, text = printed("status", "--fresh")

    assert code == 6
    assert "Render answered 500." in text


def test_errors_and_ages_are_in_the_json(portal: Portal) -> None:
    ProviderStatus.objects.filter(provider="render").update(error="Render does not answer.")

    _, rows = command("status")

    api, web = (next(row for row in rows if row["service"] == name) for name in ("shop-api", "shop-web"))
    assert (api["provider_error"], web["provider_error"]) == ("Render does not answer.", "")
    assert web["provider_read_at"] is not None
