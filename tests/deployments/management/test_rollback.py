"""`manage.py rollback`: roll back from a shell, without a browser, Redis or a worker."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from deployments.models import Change
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.deployments.conftest import Portal


def command(*arguments: str) -> tuple[int, Any]:
    """Run the command with --json; return its exit code and its output."""
    stdout = StringIO()
    code = 0
    try:
        call_command(*arguments, "--json", stdout=stdout)
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, json.loads(stdout.getvalue())


def test_rolling_back_to_previous_ends_with_0(portal: Portal) -> None:
    target = portal.candidate(portal.api)

    code, output = command(
        "rollback", "shop-api", "--to", "previous", "--reason", "500s", "--incident", "INC-1"
    )

    assert (code, output["outcome"], output["to"]) == (0, "succeeded", target.provider_id)
    assert portal.world.serving("shop-api").commit == target.commit_sha


@pytest.mark.parametrize("name", ["shop-api", "shop-web"])
def test_previous_goes_further_back_each_time_and_never_to_what_was_left(portal: Portal, name: str) -> None:
    served = [portal.world.serving(name).commit]
    for _ in range(3):
        assert command("rollback", name, "--to", "previous", "--reason", "500s")[0] == 0
        served.append(portal.world.serving(name).commit)
    assert len(set(served)) == 4


@pytest.mark.parametrize("by", ["provider_id", "commit_sha", "short_sha"])
def test_a_deployment_is_named_by_its_id_or_its_commit(portal: Portal, by: str) -> None:
    target = portal.candidate(portal.web)

    code, output = command("rollback", "shop-web", "--to", getattr(target, by), "--reason", "500s")

    assert (code, output["outcome"]) == (0, "succeeded")
    assert portal.world.serving("shop-web").commit == target.commit_sha


def test_a_service_is_found_by_the_providers_id_too(portal: Portal) -> None:
    code, _ = command("rollback", portal.web.provider_id, "--to", "previous", "--reason", "500s")

    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("shop-nothing", "--to", "previous", "--reason", "x"), "No single service"),
        (("shop-api", "--to", "0000000", "--reason", "x"), "no deployment or commit"),
        (("shop-api", "--to", "previous", "--reason", " "), "1 to 2,000 characters"),
        (("shop-api", "--to", "previous", "--reason", "x" * 100_000), "1 to 2,000 characters"),
        (("shop-api", "--to", "previous", "--reason", "x", "--as", "nobody"), "no active person"),
        (("shop-api", "--to", "previous", "--reason", "x", "--as", "vera"), "may not roll back"),
    ],
)
def test_what_cannot_be_done_is_refused_with_2_and_nothing_is_sent(
    portal: Portal, arguments: tuple[str, ...], message: str
) -> None:
    factories.person("viewer", "Vera Holm", username="vera")

    code, output = command("rollback", *arguments)

    assert (code, output["outcome"]) == (2, "refused")
    assert message in output["message"]
    assert (Change.objects.count(), portal.posts()) == (0, [])


def test_a_failure_ends_with_3(portal: Portal) -> None:
    portal.sandbox.faults.add(Fault(on="render.rollback", do="missing"))

    assert command("rollback", "shop-api", "--to", "previous", "--reason", "500s")[0] == 3


def test_what_stays_unclear_ends_with_4(portal: Portal, settings: Any) -> None:
    settings.FOLLOW_SECONDS = 1
    portal.sandbox.faults.add(Fault(on="render.rollback", do="stuck"))

    assert command("rollback", "shop-api", "--to", "previous", "--reason", "500s")[0] == 4


def test_who_used_the_command_is_in_the_audit_log(portal: Portal) -> None:
    factories.person("responder", "Bo Lind", username="bo")

    command("rollback", "shop-api", "--to", "previous", "--reason", "500s", "--as", "bo")
    command("rollback", "shop-web", "--to", "previous", "--reason", "500s")

    asked = AuditEntry.objects.filter(action="rollback asked for").order_by("id")
    assert asked[0].actor_name == "Bo Lind"
    assert (asked[1].role, "at the command line" in asked[1].actor_name) == ("break-glass", True)
