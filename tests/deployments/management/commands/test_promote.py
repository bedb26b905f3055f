"""`manage.py promote`: put a staged build in front of users from a shell."""

from __future__ import annotations

from deployments.models import Operation
from tests.deployments.conftest import Portal
from tests.deployments.management.command_line import WHY, command


def test_a_staged_build_is_promoted(portal: Portal) -> None:
    command("rollback", "shop-web", "--to", "previous", *WHY)
    portal.world.somebody_pushes("shop-web", message="Hide the broken button")
    portal.world.settle()
    portal.read()
    staged = portal.web.deployments.get(staged=True)

    code, output = command("promote", "shop-web", "--to", staged.provider_id, *WHY)

    assert (code, output["outcome"], output["to"]) == (0, "succeeded", staged.provider_id)
    assert portal.world.serving("shop-web").commit == staged.commit_sha


def test_what_has_served_is_not_promoted_but_rolled_back_to(portal: Portal) -> None:
    served = portal.candidate(portal.web)

    by_id = command("promote", "shop-web", "--to", served.provider_id, *WHY)
    by_word = command("promote", "shop-web", "--to", "previous", *WHY)

    assert (by_id[0], by_word[0]) == (2, 2)
    assert "this deployment is for “Roll back to this”" in by_id[1]["message"]
    assert "use `rollback`" in by_word[1]["message"]
    assert not Operation.objects.exists()
