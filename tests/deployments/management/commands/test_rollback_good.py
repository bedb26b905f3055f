"""`rollback --to good`: the last known good deployment, from a shell."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.models import Change, Deployment
from tests.deployments.conftest import Portal
from tests.deployments.management.command_line import WHY, command, printed

GOOD = pytest.mark.parametrize("word", ["good", "last-known-good"])


def known_good(portal: Portal, **fields: Any) -> Deployment:
    """Healthy and live for longer than any other, further back than the previous one."""
    previous = portal.candidate(portal.api)
    older = portal.api.deployments.filter(live_until__lt=previous.live_until, restores=None)
    target = older.exclude(commit_sha=previous.commit_sha).latest("live_until")
    numbers = {"live_requests": 10_000, "live_errors": 10, "live_source": "provider"}
    Deployment.objects.filter(pk=target.pk).update(**{**numbers, "live_seconds": 9_000_000, **fields})
    return target


@GOOD
def test_it_goes_back_to_the_last_known_good_one(portal: Portal, word: str) -> None:
    target = known_good(portal)
    assert target != portal.candidate(portal.api)
    code, output = command("rollback", "shop-api", "--to", word, *WHY)
    assert (code, output["outcome"], output["to"]) == (0, "succeeded", target.provider_id)
    assert portal.world.serving("shop-api").commit == target.commit_sha


@GOOD
def test_where_none_is_known_to_be_good_it_never_takes_the_previous_one_instead(
    portal: Portal, word: str
) -> None:
    code, output = command("rollback", "shop-api", "--to", word, *WHY)
    assert (code, output["outcome"]) == (2, "refused")
    assert "is known to be good; `previous` is" in output["message"]
    assert "served before this; no numbers" in output["message"]
    assert (Change.objects.count(), portal.posts()) == (0, [])


@GOOD
def test_right_after_a_rollback_it_asks_before_it_goes_a_step_further(portal: Portal, word: str) -> None:
    command("rollback", "shop-api", "--to", "previous", *WHY)
    known_good(portal)
    code, output = command("rollback", "shop-api", "--to", word, *WHY)
    assert (code, output["outcome"]) == (2, "refused")
    assert "one step further back" in output["message"]
    assert "--again" in output["message"]


@GOOD
def test_promote_does_not_know_it(portal: Portal, word: str) -> None:
    known_good(portal)
    code, output = command("promote", "shop-api", "--to", word, *WHY)
    assert (code, output["outcome"]) == (2, "refused")
    assert "use `rollback`" in output["message"]


def test_the_list_of_deployments_has_the_mark_and_the_numbers(portal: Portal) -> None:
    target = known_good(portal, live_seconds=11_400)
    _, rows = command("deployments", "shop-api", "--limit", "100")
    listed = {row["deployment"]: row for row in rows}
    assert listed[target.provider_id]["live"] == {
        "seconds": 11_400,
        "requests": 10_000.0,
        "errors": 10.0,
        "share": 0.001,
        "measured_by": "provider",
    }
    assert listed[portal.candidate(portal.api).provider_id]["live"]["share"] is None
    assert listed[target.provider_id]["times"].endswith(", was live 3 h 10 min, 5xx 0.1%")
    _, words = printed("deployments", "shop-api", "--limit", "100")
    assert "was live 3 h 10 min, 5xx 0.1%" in words
    assert ", no data" in words
