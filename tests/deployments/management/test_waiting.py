"""How a command ends whose target fails, and how a person stops waiting for one that takes too long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deployments import prometheus
from deployments.management.waiting import ProgressLines
from deployments.models import Change
from deployments.operations import worker
from deployments.sandbox.server.faults import Fault
from tests.deployments.conftest import BOTH, Portal
from tests.deployments.management.command_line import command
from tests.deployments.operations.test_overdue import stuck

LONGER = timedelta(seconds=60)  # than twice the usual time
ARGUMENTS = ("--to", "previous", "--reason", "500s", "--kind", "errors")


@BOTH
def test_a_target_that_serves_and_fails_ends_with_3(portal: Portal, name: str) -> None:
    portal.settings.SERVE_SECONDS = 1
    portal.sandbox.faults.add(Fault("public.page", "error", times=None, detail="503"))

    code, output = command("rollback", portal.service(name).slug, *ARGUMENTS)

    assert (code, output["outcome"]) == (3, "serves_and_fails")
    assert "Users get errors" in output["message"]
    exposition = prometheus.exposition()[0].decode()
    assert 'portal_operations_total{kind="roll_back",outcome="serves_and_fails"} 1.0' in exposition
    assert 'portal_operations_total{kind="roll_back",outcome="succeeded"} 0.0' in exposition


def test_the_command_says_once_that_it_takes_too_long_and_how_to_stop(portal: Portal) -> None:
    change, said = stuck(portal, "vercel"), list[str]()
    progress = ProgressLines(lambda line: None, said.append)

    progress.show(change)
    progress.show(change)

    assert len(said) == 1
    assert "that usually takes 2–5 s" in said[0]
    assert change.operation.get_absolute_url() in said[0]


def test_ctrl_c_stops_waiting_for_what_takes_too_long(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(pk: int, **options: Any) -> bool:
        begin(pk, **{**options, "seconds": 2, "longest_wait": 0.3})
        sent = Change.objects.get(pk=pk)
        overdue = sent.order_intent_at - LONGER  # type: ignore[operator]
        Change.objects.filter(pk=pk).update(order_intent_at=overdue)
        raise KeyboardInterrupt

    begin = worker.run
    monkeypatch.setattr(worker, "run", interrupted)
    portal.sandbox.faults.add(Fault("vercel.rollback", "stuck"))

    code, output = command("rollback", "shop-web", *ARGUMENTS)

    assert (code, output["outcome"]) == (4, "needs_attention")
    assert "stopped waiting" in output["message"]
