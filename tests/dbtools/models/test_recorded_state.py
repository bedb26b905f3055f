"""A state is kept under its fingerprint, and read again as it was."""

from __future__ import annotations

import pytest

from dbtools.models import RecordedState
from dbtools.postgres import state
from dbtools.postgres.client import Connection

pytestmark = pytest.mark.django_db


def test_a_state_that_is_kept_twice_is_there_once_and_reads_the_same(opened: Connection) -> None:
    opened.execute("CREATE TABLE t (id int DEFAULT 1)")
    opened.execute("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'")
    read = state.read(opened, ("public",))
    RecordedState.record(read)
    RecordedState.record(read)
    assert RecordedState.objects.get().major == read.major
    parts = RecordedState.parts_of(read.fingerprint)
    assert list(state.differences(read.parts, parts)) == []
    assert parts["owner of table public.t"].about == "table public.t"
    assert RecordedState.unfollowed_in(read.fingerprint) == list(read.unfollowed) != []


def test_a_state_that_was_not_kept_has_no_parts() -> None:
    assert RecordedState.parts_of("0" * 64) == {}
    assert RecordedState.unfollowed_in("0" * 64) == []
