"""`manage.py leave`: leave a rollback from a shell."""

from __future__ import annotations

import pytest

from deployments.models import Operation, OperationKind, Pin
from tests.deployments.conftest import Portal
from tests.deployments.management.command_line import WHY, command, printed


@pytest.mark.parametrize(("name", "setting"), [("shop-api", "commit"), ("shop-web", "on")])
def test_leaving_brings_automatic_deploys_back_and_moves_no_traffic(
    portal: Portal, name: str, setting: str
) -> None:
    before = portal.api.auto_deploy if name == "shop-api" else setting
    command("rollback", name, "--to", "previous", *WHY)
    served = portal.world.serving(name).commit

    code, output = command("leave", name)

    service = portal.api if name == "shop-api" else portal.web
    assert (code, output["outcome"], output["to"]) == (0, "succeeded", None)
    assert (portal.world.serving(name).commit, service.auto_deploy) == (served, before)
    assert not Pin.objects.standing().exists()


def test_what_was_rolled_back_from_comes_back(portal: Portal) -> None:
    left = portal.web.live
    assert left is not None
    command("rollback", "shop-web", "--to", "previous", *WHY)

    code, output = command("leave", "shop-web", "--to", "left", "--reason", "fixed")

    assert (code, output["to"]) == (0, left.provider_id)
    assert portal.world.serving("shop-web").commit == left.commit_sha


def test_automatic_deploys_can_stay_off(portal: Portal) -> None:
    command("rollback", "shop-api", "--to", "previous", *WHY)

    assert command("leave", "shop-api", "--keep-auto-deploy-off")[0] == 0

    assert portal.api.auto_deploy == "off"
    assert not Pin.objects.standing().exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("leave", "shop-api"), "is not pinned: there is no rollback to leave"),
        (("leave", "shop-api", "--to", "left"), "does not know what"),
        (("leave", "shop-api", "--to", "left", "--keep-auto-deploy-off"), "is for leaving without --to"),
    ],
)
def test_what_cannot_be_left_is_refused_with_2(
    portal: Portal, arguments: tuple[str, ...], message: str
) -> None:
    code, output = command(*arguments)

    assert code == 2
    assert message in output["message"]
    assert not Operation.objects.filter(kind=OperationKind.LEAVE).exists()


def test_a_dry_run_of_leaving_says_what_comes_back(portal: Portal) -> None:
    command("rollback", "shop-api", "--to", "previous", *WHY)

    code, text = printed("leave", "shop-api", "--dry-run")

    assert code == 0
    assert "Switch automatic deploys back to" in text
    assert Pin.objects.standing().exists()
