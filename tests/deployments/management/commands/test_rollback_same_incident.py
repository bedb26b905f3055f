"""Two people and one incident: `previous` is a step further back than the first has gone, so it is asked."""

from __future__ import annotations

from deployments.models import Change, Pin
from tests import factories
from tests.deployments.conftest import Portal
from tests.deployments.management.command_line import WHY, command


def test_a_second_person_who_asks_for_previous_is_shown_the_first_rollback_and_asked(portal: Portal) -> None:
    factories.person("responder", "Bo Lind", username="bo")
    bad, target = portal.api.live, portal.candidate(portal.api)
    assert (
        command("rollback", "shop-api", "--to", "previous", *WHY, "--incident", "INC-7", "--as", "bo")[0] == 0
    )
    further = portal.candidate(portal.api)

    code, output = command("rollback", "shop-api", "--to", "previous", *WHY, "--incident", "INC-7")

    assert (code, output["outcome"]) == (2, "refused")
    assert f"Bo Lind rolled shop-api back from {bad} to {target}" in output["message"].replace(
        "API", "shop-api"
    )
    assert "ago (INC-7): Error rate up: 500s" in output["message"]
    assert f"one step further back, to {further}" in output["message"]
    assert "add --again" in output["message"]
    assert len(portal.posts()) == 1
    assert command("rollback", "shop-api", "--to", "previous", *WHY, "--again")[0] == 0
    assert portal.world.serving("shop-api").commit == further.commit_sha


def test_whoever_names_a_deployment_is_not_asked(portal: Portal) -> None:
    command("rollback", "shop-web", "--to", "previous", *WHY)
    further = portal.candidate(portal.web)

    assert command("rollback", "shop-web", "--to", further.provider_id, *WHY)[0] == 0


def test_after_a_while_previous_means_a_new_incident(portal: Portal) -> None:
    command("rollback", "shop-web", "--to", "previous", *WHY)
    Change.objects.update(ended_at=factories.ago(hours=2))
    Pin.objects.update(pinned_at=factories.ago(hours=2))

    assert command("rollback", "shop-web", "--to", "previous", *WHY)[0] == 0


def test_a_rollback_in_the_providers_dashboard_is_the_first_one_as_well(portal: Portal) -> None:
    target = portal.candidate(portal.web)
    portal.world.somebody_rolls_back("shop-web", target.provider_id, actor="chioma")
    portal.wait_until_it_serves("shop-web", target)
    for _ in range(10):  # the domains move one after the other, and meanwhile Vercel names no live one
        portal.read()
        if portal.web.live_id == target.pk:
            break

    code, output = command("rollback", "shop-web", "--to", "previous", *WHY)

    assert code == 2
    assert "one step further back" in output["message"]
