"""The preflight says where foreign SQL would have more rights than where it came from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.scratch import ScratchServer
from dbtools.preflight import CheckInput, rehearsal_server
from tests.dbtools.preflight.checks import assert_only, results_by_name
from tests.support.rehearsal_role import rehearsal_role


def test_the_embedded_server_is_a_user_of_its_own(
    check_input: CheckInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal_server, "can_be_another", lambda: True)
    assert results_by_name(check_input)["Rehearsal server"].tone == "ok"


def test_a_portal_that_cannot_start_it_as_another_user_warns(
    check_input: CheckInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal_server, "can_be_another", lambda: False)
    assert_only(check_input, "Rehearsal server", "warn", "the same user of this machine as the portal")


def test_the_server_of_the_database_itself_stops(check_input: CheckInput, server: DatabaseAddress) -> None:
    same = replace(check_input, scratch=rehearsal_role(server))
    assert_only(same, "Rehearsal server", "stop", "the server of the database itself")


def test_a_superuser_there_stops(check_input: CheckInput, embedded_scratch: ScratchServer) -> None:
    strong = replace(check_input, scratch=embedded_scratch.maintenance)
    assert_only(strong, "Rehearsal server", "stop", "is a superuser")


def test_a_server_that_cannot_be_reached_stops(check_input: CheckInput, server: DatabaseAddress) -> None:
    wrong = replace(check_input, scratch=replace(server, user="nobody_here", password="wrong-word"))
    assert_only(wrong, "Rehearsal server", "stop", "cannot be opened")


def test_another_server_with_a_modest_role_is_in_order(
    check_input: CheckInput, embedded_scratch: ScratchServer
) -> None:
    modest = replace(check_input, scratch=rehearsal_role(embedded_scratch.maintenance))
    assert results_by_name(modest)["Rehearsal server"].tone == "ok"
