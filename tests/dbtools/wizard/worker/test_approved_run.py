"""The run is taken from the row exactly as it was approved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbtools.config import NotConfigured
from dbtools.execution.run_spec import RowToDelete
from dbtools.wizard.worker.approved_run import run_spec_of
from rollback_portal.accounts.models import User
from tests.dbtools import rollback_rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("configured")]
ADDRESS = "postgresql://shop@db.example.com/shop?schema=app"


@pytest.fixture
def configured(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATABASES_FILE = str(tmp_path / "databases.toml")
    (tmp_path / "databases.toml").write_text('[shop]\nsecret = "SHOP_DATABASE_URL"\nschemas = ["audit"]\n')
    monkeypatch.setenv("SHOP_DATABASE_URL", ADDRESS)


def test_the_run_has_the_approved_statements_rows_and_digests(dana: User, efe: User) -> None:
    row = rollback_rows.approved(dana, efe, selected=[*reversed(rollback_rows.NAMES)])

    run = run_spec_of(row)

    assert ";\n".join(run.statements) + ";" == rollback_rows.SQL
    assert run.rows == tuple(RowToDelete(f"id-{name}", name) for name in reversed(rollback_rows.NAMES))
    assert (run.id, run.fingerprint, run.history) == (str(row.pk), "before", "h" * 64)
    assert (run.schema, set(run.schemas)) == ("app", {"app", "audit"})
    assert not run.outside_transaction


@pytest.mark.parametrize(("rehearsed", "allowed"), [(1.1, 60), (12, 60), (40, 200)])
def test_a_statement_may_take_five_times_the_rehearsed_run_and_at_least_a_minute(
    dana: User, efe: User, rehearsed: float, allowed: float
) -> None:
    row = rollback_rows.approved(dana, efe, rehearsal=rollback_rows.report(seconds=rehearsed))
    assert run_spec_of(row).statement_seconds == allowed


def test_before_the_rehearsal_a_statement_may_take_a_minute(dana: User) -> None:
    assert run_spec_of(rollback_rows.rollback(dana, "rehearsing")).statement_seconds == 60


def test_sql_that_has_to_run_alone_runs_outside_of_a_transaction(dana: User, efe: User) -> None:
    row = rollback_rows.approved(dana, efe, sql_analysis={**rollback_rows.analysis(), "path": "alone"})
    assert run_spec_of(row).outside_transaction


def test_without_the_databases_secret_there_is_no_run(
    dana: User, efe: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_DATABASE_URL")
    with pytest.raises(NotConfigured, match="SHOP_DATABASE_URL"):
        run_spec_of(rollback_rows.approved(dana, efe))


def test_without_the_databases_entry_there_is_no_run(dana: User, efe: User, settings: Any) -> None:
    Path(settings.DATABASES_FILE).write_text("")
    with pytest.raises(NotConfigured, match="shop"):
        run_spec_of(rollback_rows.approved(dana, efe))
