"""The liveness lock needs a session that keeps its PostgreSQL backend; tested with a real PgBouncer."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rollback_portal import env
from rollback_portal.jobs.process import liveness, shutdown
from tests.deployments.real_processes import address_of_database
from tests.support.pooler import pooler

pytestmark = pytest.mark.django_db(transaction=True)
POOLED = "goes through a transaction pooler, where a session lock proves nothing"
WORKER = ["-m", "celery", "-A", "rollback_portal", "worker", "--queues", "operations"]
WORKER += ["--without-mingle", "--without-gossip", "--pool", "threads"]
BOTH = pytest.mark.parametrize(
    "command", [pytest.param(WORKER, id="worker"), pytest.param(["manage.py", "dispatch"], id="dispatcher")]
)


def started(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """A process of the portal that is expected to end by itself."""
    environment = env.for_child(DJANGO_SETTINGS_MODULE="rollback_portal.settings", **variables)
    return subprocess.run(
        [sys.executable, *command],
        cwd=env.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_direct_connection_is_accepted() -> None:
    liveness.refuse_pooler()


class TestThroughPgBouncer:
    pytestmark = pytest.mark.pooler

    @pytest.mark.parametrize("mode", ["transaction", "statement"])
    def test_a_session_that_changes_its_server_is_refused(self, settings: Any, mode: str) -> None:
        with pooler(mode) as address:
            settings.DIRECT_DATABASE_URL = address_of_database(**address)
            with pytest.raises(
                liveness.PoolerDetected, match=f"{POOLED}.*Set DIRECT_DATABASE_URL to PostgreSQL itself"
            ):
                liveness.refuse_pooler()

    def test_a_pooler_with_a_single_server_is_refused_too(self, settings: Any, monkeypatch: Any) -> None:
        """No setting is lost there, but our second statement waits until the other session ends."""
        monkeypatch.setattr("rollback_portal.postgresql.driver.PortalConnection.patience", 1.0)
        with pooler("transaction", size=1) as address:
            settings.DIRECT_DATABASE_URL = address_of_database(**address)
            with pytest.raises(liveness.PoolerDetected, match="has not answered for 1 s"):
                liveness.refuse_pooler()

    def test_a_pooler_that_keeps_sessions_is_accepted_and_its_lock_works(self, settings: Any) -> None:
        with pooler("session") as address:
            settings.DIRECT_DATABASE_URL = address_of_database(**address)
            liveness.refuse_pooler()
            with liveness.liveness_lock("change:1") as mine:
                settings.DIRECT_DATABASE_URL = ""
                with liveness.liveness_lock("change:1") as theirs:
                    assert (mine, theirs) == (True, False)
            with liveness.liveness_lock("change:1") as again:
                assert again  # the pooler released the lock with our session

    @BOTH
    def test_neither_worker_nor_dispatcher_starts(self, command: list[str]) -> None:
        with pooler("transaction") as address:
            done = started(command, DATABASE_URL=address_of_database(**address))
        assert done.returncode == 1, done.stderr
        assert POOLED in done.stderr
        assert "Nothing was started." in done.stderr

    def test_a_direct_address_bypasses_the_pooler(self, settings: Any) -> None:
        settings.DIRECT_DATABASE_URL = address_of_database()
        with pooler("transaction") as address:
            used = liveness.open_direct().settings_dict
            assert str(address["port"]) != used["PORT"]
            liveness.refuse_pooler()


# --- PostgreSQL is away at the start ------------------------------------------------------------------------


def test_an_unreachable_postgresql_is_not_mistaken_for_a_pooler(
    settings: Any, monkeypatch: Any, caplog: Any
) -> None:
    """A worker waits for PostgreSQL until it is asked to stop."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    settings.DIRECT_DATABASE_URL = f"postgresql://nobody@127.0.0.1:{port}/portal"
    answers = iter([False, False, False])
    monkeypatch.setattr(shutdown, "requested", lambda within=0.0: next(answers, True))

    liveness.wait_until_supported()

    assert caplog.text.count("PostgreSQL is unavailable") == 2
    assert "pooler" not in caplog.text


def test_a_worker_that_waited_for_postgresql_begins_when_it_is_back(
    settings: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    settings.DIRECT_DATABASE_URL = f"postgresql://nobody@/portal?host={tmp_path}"

    def come_back(within: float = 0.0) -> bool:
        if within:
            settings.DIRECT_DATABASE_URL = ""
        return False

    monkeypatch.setattr(shutdown, "requested", come_back)

    liveness.wait_until_supported()
    liveness.refuse_pooler()
