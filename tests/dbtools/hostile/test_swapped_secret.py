"""A secret that leads elsewhere after the approval moves nothing, there or here, and judges nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from dbtools.execution.run_spec import Blocked
from dbtools.execution.runner import run
from dbtools.models import DatabaseRollback
from dbtools.postgres import client
from dbtools.postgres.client import SQL, DatabaseAddress, Identifier
from dbtools.postgres.scratch import ScratchServer
from dbtools.wizard.worker.approved_run import run_spec_of
from rollback_portal.local import company
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.execution.small_database import CONCURRENTLY, RecordingObserver, fill, state
from tests.dbtools.hostile.test_after_approval import force
from tests.dbtools.wizard.worker.full_runs import run_worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other(make_database: MakeDatabase) -> DatabaseAddress:
    """Another database of the same server, row by row the same, down to the ids of its history."""
    address = make_database()
    fill(address)
    return address


@contextmanager
def exchanged(server: DatabaseAddress, one: str, other: str) -> Iterator[None]:
    """Each database has the other's name meanwhile, so that the address stays the same to the letter."""

    def exchange() -> None:
        with client.connect(server, "tests", autocommit=True) as connection:
            for before, after in ((one, "between"), (other, one), ("between", other)):
                rename = SQL("ALTER DATABASE {} RENAME TO {}")
                connection.execute(rename.format(Identifier(before), Identifier(after)))

    exchange()
    try:
        yield
    finally:
        exchange()


def test_the_same_address_of_another_database_runs_nothing(
    approved_row: DatabaseRollback,
    target_shop: DatabaseAddress,
    other: DatabaseAddress,
    server: DatabaseAddress,
) -> None:
    before = state(target_shop), state(other)
    with exchanged(server, target_shop.database, other.database):
        row = force(approved_row)
    assert (row.status, "leads to another database" in row.message) == ("approved", True), row.message
    assert (state(target_shop), state(other)) == before


def test_the_same_is_true_of_statements_outside_a_transaction(
    approved_row: DatabaseRollback, target_shop: DatabaseAddress, other: DatabaseAddress
) -> None:
    spec = replace(run_spec_of(approved_row), statements=CONCURRENTLY, outside_transaction=True)
    before = state(target_shop), state(other)
    with pytest.raises(Blocked, match="leads to another database"):
        run(other, spec, RecordingObserver())
    assert (state(target_shop), state(other)) == before


def test_another_database_of_the_server_runs_nothing(
    approved_row: DatabaseRollback,
    target_shop: DatabaseAddress,
    other: DatabaseAddress,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = state(target_shop), state(other)
    monkeypatch.setenv("SHOP_DATABASE_URL", company.address(other))
    row = force(approved_row)
    assert (row.status, "is not the one that was backed up" in row.message) == ("approved", True)
    assert (state(target_shop), state(other)) == before


def test_another_server_runs_nothing(
    approved_row: DatabaseRollback,
    target_shop: DatabaseAddress,
    embedded_scratch: ScratchServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with embedded_scratch.database() as elsewhere:
        fill(elsewhere)
        before = state(target_shop), state(elsewhere)
        monkeypatch.setenv("SHOP_DATABASE_URL", company.address(elsewhere))
        assert force(approved_row).status == "approved"
        with pytest.raises(Blocked, match="leads to another database"):
            run(elsewhere, run_spec_of(approved_row), RecordingObserver())
        assert (state(target_shop), state(elsewhere)) == before


@pytest.mark.parametrize("part", ["schema", "user", "host"])
def test_another_address_of_the_same_database_runs_nothing(
    part: str, approved_row: DatabaseRollback, target_shop: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(target_shop)
    changed: dict[str, Any] = {"schema": "other", "user": "somebody", "host": "localhost"}
    monkeypatch.setenv("SHOP_DATABASE_URL", company.address(replace(target_shop, **{part: changed[part]})))
    assert force(approved_row).status == "approved"
    assert state(target_shop) == before


@pytest.mark.parametrize("status", ["resolving", "verifying"])
def test_what_became_of_a_run_is_never_read_from_another_database(
    status: str,
    approved_row: DatabaseRollback,
    other: DatabaseAddress,
    target_shop: DatabaseAddress,
    server: DatabaseAddress,
) -> None:
    for step in ("running", "committing", "resolving", status):
        DatabaseRollback.objects.filter(pk=approved_row.pk).update(status=step)
    with exchanged(server, target_shop.database, other.database):
        row = run_worker(approved_row)
    assert (row.status, "leads to another database" in row.message) == (status, True), row.message
