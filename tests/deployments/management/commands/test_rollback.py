"""`manage.py rollback`: roll back from a shell, without a browser, Redis or a worker."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from deployments.models import Change, Operation
from deployments.sandbox.server.faults import Fault
from rollback_portal.audit.models import AuditEntry
from tests import factories
from tests.deployments.conftest import BOTH, Portal
from tests.deployments.management.command_line import WHY, command, printed


def test_rolling_back_to_previous_ends_with_0(portal: Portal) -> None:
    target = portal.candidate(portal.api)

    code, output = command("rollback", "shop-api", "--to", "previous", *WHY, "--incident", "INC-1")

    assert (code, output["outcome"], output["to"]) == (0, "succeeded", target.provider_id)
    assert portal.world.serving("shop-api").commit == target.commit_sha


@pytest.mark.parametrize("name", ["shop-api", "shop-web"])
def test_previous_goes_further_back_each_time_and_never_to_what_was_left(portal: Portal, name: str) -> None:
    served = [portal.world.serving(name).commit]
    for _ in range(3):
        assert command("rollback", name, "--to", "previous", "--again", *WHY)[0] == 0
        served.append(portal.world.serving(name).commit)
    assert len(set(served)) == 4


@pytest.mark.parametrize("by", ["provider_id", "commit_sha", "short_sha"])
def test_a_deployment_is_named_by_its_id_or_its_commit(portal: Portal, by: str) -> None:
    target = portal.candidate(portal.web)

    code, output = command("rollback", "shop-web", "--to", getattr(target, by), *WHY)

    assert (code, output["outcome"]) == (0, "succeeded")
    assert portal.world.serving("shop-web").commit == target.commit_sha


def test_a_service_is_found_by_the_providers_id_too(portal: Portal) -> None:
    code, _ = command("rollback", portal.web.provider_id, "--to", "previous", *WHY)

    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("shop-nothing", "--to", "previous", "--reason", "x", "--kind", "errors"), "No single service"),
        (("shop-api", "--to", "0000000", "--reason", "x", "--kind", "errors"), "no deployment or commit"),
        (("shop-api", "--to", "previous", "--reason", " "), "1 to 2,000 characters"),
        (("shop-api", "--to", "previous", "--reason", "x" * 100_000), "1 to 2,000 characters"),
        (
            ("shop-api", "--to", "previous", "--reason", "x", "--kind", "errors", "--as", "nobody"),
            "no active person",
        ),
        (
            ("shop-api", "--to", "previous", "--reason", "x", "--kind", "errors", "--as", "vera"),
            "may not roll back",
        ),
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

    assert command("rollback", "shop-api", "--to", "previous", *WHY)[0] == 3


def test_what_stays_unclear_ends_with_4(portal: Portal, settings: Any) -> None:
    settings.FOLLOW_SECONDS = 1
    portal.sandbox.faults.add(Fault(on="render.rollback", do="stuck"))

    assert command("rollback", "shop-api", "--to", "previous", *WHY)[0] == 4


def test_who_used_the_command_is_in_the_audit_log(portal: Portal) -> None:
    factories.person("responder", "Bo Lind", username="bo")

    command("rollback", "shop-api", "--to", "previous", *WHY, "--as", "bo")
    command("rollback", "shop-web", "--to", "previous", *WHY)

    asked = AuditEntry.objects.filter(action="rollback requested").order_by("id")
    assert asked[0].actor_name == "Bo Lind"
    assert (asked[1].role, "at the command line" in asked[1].actor_name) == ("break-glass", True)


def test_a_dry_run_prints_the_plan_and_sends_nothing(portal: Portal) -> None:
    target = portal.candidate(portal.api)

    code, text = printed("rollback", "shop-api", "--to", "previous", "--dry-run")

    assert code == 0
    assert f"to    {target.provider_id} {target}" in text
    assert "1 Switch automatic deploys off" in text
    assert "A dry run. Nothing was started." in text
    assert (Change.objects.count(), portal.posts()) == (0, [])


def test_a_dry_run_of_what_cannot_be_done_ends_with_2_and_the_reason(portal: Portal) -> None:
    live = portal.api.live
    assert live is not None

    code, output = command("rollback", "shop-api", "--to", live.provider_id, "--dry-run")

    assert (code, output["outcome"], output["message"]) == (2, "refused", "live now")


def test_the_reason_is_not_assumed_where_nobody_can_be_asked(portal: Portal) -> None:
    code, output = command("rollback", "shop-api", "--to", "previous", "--reason", "500s")

    assert (code, portal.posts()) == (2, [])
    assert "--kind: errors (Error rate up), broken (Major feature broken)" in output["message"]


@pytest.mark.parametrize(("answer", "reason"), [("2", "broken"), ("security", "security")])
def test_at_a_terminal_the_reason_is_asked_for(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, answer: str, reason: str
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))

    code, _ = printed("rollback", "shop-web", "--to", "previous", "--reason", "500s")

    assert (code, Operation.objects.get().reason) == (0, reason)


def test_an_answer_that_is_no_reason_is_refused(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("7\n"))

    code, text = printed("rollback", "shop-web", "--to", "previous", "--reason", "500s")

    assert (code, portal.posts()) == (2, [])
    assert "“7” is not one of the four reasons" in text


class Terminal(StringIO):
    """What somebody types."""

    def isatty(self) -> bool:
        return True


@BOTH
def test_a_redeploy_of_one_commit_for_a_variable_is_rolled_back_and_told(portal: Portal, name: str) -> None:
    before = portal.service(name).live
    assert before is not None
    portal.stop_errors(name)
    portal.redeploy(name)
    code, text = printed("rollback", portal.service(name).slug, "--to", "previous", *WHY)

    assert code == 0
    assert f"to    {before.provider_id}" in text
    assert f"The same commit is live, so the code stays {before.short_sha}. The build differs" in text


def test_whoever_closes_the_pipe_has_read_enough_and_the_rollback_goes_on(portal: Portal) -> None:
    target = portal.candidate(portal.web)
    with pytest.raises(SystemExit) as ended:
        call_command("rollback", "shop-web", "--to", "previous", *WHY, stdout=ClosedPipe())

    assert ended.value.code == 0
    assert portal.world.serving("shop-web").commit == target.commit_sha


class ClosedPipe(StringIO):
    """`| head` that has ended."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


NO_UTF8 = "l\udce4uft"  # Latin-1, as Python keeps it


def test_a_reason_and_a_reference_in_another_encoding_do_not_hinder_a_rollback(portal: Portal) -> None:
    why = ("--reason", NO_UTF8, "--kind", "errors", "--incident", NO_UTF8)
    code, _ = command("rollback", "shop-web", "--to", "previous", *why)

    operation = Operation.objects.get()
    assert (code, operation.reason_detail, operation.incident) == (0, "l?uft", "l?uft")


@pytest.mark.parametrize("named", [("shop-web", NO_UTF8), (NO_UTF8, "previous")])
def test_names_in_another_encoding_are_refused_with_2(portal: Portal, named: tuple[str, str]) -> None:
    service, to = named
    code, output = command("rollback", service, "--to", to, *WHY)

    assert (code, output["outcome"], portal.posts()) == (2, "refused", [])
    assert "l?uft" in output["message"]


def test_an_account_without_a_name_is_recorded_by_its_number(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54_321)

    assert command("rollback", "shop-web", "--to", "previous", *WHY)[0] == 0
    assert Operation.objects.get().requested_by_name == "uid 54321 at the command line"


def test_ctrl_d_at_the_question_for_the_reason_is_refused(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())

    code, text = printed("rollback", "shop-web", "--to", "previous", "--reason", "500s")

    assert (code, portal.posts()) == (2, [])
    assert "is not one of the four reasons. Nothing was started." in text


def test_warnings_that_nobody_reads_end_no_operation(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.management.waiting.waits_too_long", lambda *_: "That takes long.")
    with pytest.raises(SystemExit) as ended:
        call_command(
            "rollback", "shop-web", "--to", "previous", *WHY, stdout=ClosedPipe(), stderr=ClosedPipe()
        )

    assert ended.value.code == 0


@pytest.mark.parametrize("stdin", [None, StringIO()])
def test_where_nobody_can_be_asked_the_reason_has_to_be_given(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, stdin: StringIO | None
) -> None:
    """A closed one (`<&-`) is None."""
    monkeypatch.setattr("sys.stdin", stdin)

    code, text = printed("rollback", "shop-web", "--to", "previous", "--reason", "500s")

    assert (code, portal.posts()) == (2, [])
    assert "Say which reason it is with --kind" in text
