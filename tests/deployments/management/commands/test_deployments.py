"""`manage.py deployments`: the list of one service with its marks."""

from __future__ import annotations

import pytest

from tests.deployments.conftest import Portal
from tests.deployments.management.command_line import WHY, command, printed


def test_each_deployment_has_its_marks_and_what_can_be_done_or_why_not(portal: Portal) -> None:
    bad, good = portal.web.live, portal.candidate(portal.web)
    assert bad is not None
    command("rollback", "shop-web", "--to", "previous", *WHY)
    further = portal.candidate(portal.web)

    code, rows = command("deployments", "shop-web", "--limit", "100")

    listed = {row["deployment"]: row for row in rows}
    assert code == 0
    assert [listed[good.provider_id]["marks"][0].split()[0], listed[good.provider_id]["reason"]] == [
        "LIVE",
        "live now",
    ]
    assert listed[bad.provider_id]["marks"][0].startswith("BAD at ")
    assert listed[bad.provider_id]["marks"][1].startswith("ROLLED BACK FROM at ")
    assert all("Error rate up: 500s" in mark for mark in listed[bad.provider_id]["marks"][:2])
    assert (listed[bad.provider_id]["can"], "leave the rollback" in listed[bad.provider_id]["reason"]) == (
        "",
        True,
    )
    assert (listed[further.provider_id]["marks"], listed[further.provider_id]["can"]) == (
        ["PREVIOUS"],
        "rollback",
    )


def test_in_words_it_is_a_line_for_each(portal: Portal) -> None:
    code, text = printed("deployments", "shop-api", "--limit", "3")

    header, *lines = text.splitlines()
    assert (code, len(lines)) == (0, 3)
    assert header.startswith(f"shop-api, Render {portal.api.provider_id}, read ")


def test_a_service_that_nobody_knows_is_refused_with_2(portal: Portal) -> None:
    code, text = printed("deployments", "nope")

    assert code == 2
    assert "No single service is called “nope”. Known: shop-api, shop-web" in text


@pytest.mark.parametrize("limit", ["0", "-3", "1001", str(10**30)])
def test_a_limit_that_makes_no_sense_is_refused_with_2(portal: Portal, limit: str) -> None:
    code, output = command("deployments", "shop-api", f"--limit={limit}")

    assert (code, output["outcome"]) == (2, "refused")
    assert "--limit is a number from 1 to 1000." in output["message"]
