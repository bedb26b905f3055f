"""What a command that starts an operation prints at its end beside the outcome."""

from __future__ import annotations

from deployments.models import Change
from tests.deployments.conftest import BOTH, Portal
from tests.deployments.management.command_line import WHY, command, printed


@BOTH
def test_a_rollback_ends_with_where_its_verdict_will_be(portal: Portal, name: str) -> None:
    code, output = printed("rollback", portal.service(name).slug, "--to", "previous", *WHY)
    change = Change.objects.latest("pk")
    assert code == 0
    assert "Whether it helped follows within minutes and is watched for 60 min" in output
    assert change.operation.get_absolute_url() in output


def test_as_json_too(portal: Portal) -> None:
    _, output = command("rollback", "shop-api", "--to", "previous", *WHY)
    assert f"/operations/{output['operation']}/" in output["verdict"]


def test_where_no_traffic_moves_no_verdict_is_promised(portal: Portal) -> None:
    portal.roll_back("render")
    _, output = command("leave", "shop-api", "--reason", "fixed")
    assert output["outcome"] == "succeeded"
    assert "verdict" not in output
