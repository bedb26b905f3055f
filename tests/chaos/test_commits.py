"""The PostgreSQL proxy: what counts as a commit, and that it is transparent and no pooler."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from rollback_portal.local.parts import any_free_port, takes_connections
from rollback_portal.processes.supervised import Process, wait_until
from tests.chaos import commits
from tests.chaos.setting import environment

Open = Callable[[], psycopg.Connection]


@pytest.mark.parametrize(
    ("kind", "body", "status", "expected"),
    [
        (b"Q", b"COMMIT\0", b"T", True),
        (b"P", b"\0commit\0\0\0", b"T", True),
        (b"P", b"name\0UPDATE a SET b = $1\0\0\0", b"I", True),
        (b"Q", b"INSERT INTO a VALUES (1)\0", b"I", True),
        (b"Q", b"INSERT INTO a VALUES (1)\0", b"T", False),
        (b"Q", b"SELECT pg_try_advisory_lock(1)\0", b"I", False),
        (b"Q", b"ROLLBACK\0", b"T", False),
        (b"B", b"COMMIT\0", b"T", False),
    ],
)
def test_a_commit_is_what_makes_something_permanent(
    kind: bytes, body: bytes, status: bytes, expected: bool
) -> None:
    assert commits.is_commit(commits.statement(kind, body), status) is expected


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[Process, int, Path]]:
    """A proxy that cuts every commit once it has received SIGUSR1."""
    port, written = any_free_port(), tmp_path / "cuts"
    server = Path(str(settings.DATABASES["default"]["HOST"])) / ".s.PGSQL.5432"
    if not server.exists():
        pytest.skip("PostgreSQL is not on a socket of this machine")
    command = [sys.executable, "-m", "tests.chaos.commits", "--port", str(port), "--server", str(server)]
    command += ["--share", "1", "--written-to", str(written)]
    process = Process("proxy", command, environment(tmp_path), tmp_path / "proxy.log")
    process.start()
    try:
        assert wait_until(lambda: takes_connections(port), 20), process.log_tail()
        yield process, port, written
    finally:
        process.kill()


def through(port: int) -> psycopg.Connection:
    given = settings.DATABASES["default"]
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user=str(given["USER"]),
        password=str(given["PASSWORD"]),
        dbname="postgres",
    )


def test_a_session_lock_stays_with_its_session(proxy: tuple[Process, int, Path]) -> None:
    _, port, written = proxy
    take = "SELECT pg_try_advisory_lock(70777)"
    with through(port) as first, through(port) as second:
        assert first.execute(take).fetchone() == (True,)
        first.commit()
        assert second.execute(take).fetchone() == (False,)
        first.close()
        assert wait_until(lambda: second.execute(take).fetchone() == (True,), 5)
    assert written.read_text() == ""


def test_a_commit_that_was_cut_is_an_error_and_has_happened_or_not_as_is_written_down(
    proxy: tuple[Process, int, Path],
) -> None:
    process, port, written = proxy
    with through(port) as outside:
        outside.autocommit = True
        outside.execute("CREATE UNLOGGED TABLE IF NOT EXISTS cut_here (number int)")
        outside.execute("TRUNCATE cut_here")
        begin_to_cut(process, port)
        before = written.read_text().splitlines()
        for number in range(16):
            inside = through(port)
            inside.execute("INSERT INTO cut_here VALUES (%s)", [number])
            with pytest.raises(psycopg.OperationalError):
                inside.commit()

        kinds = written.read_text().splitlines()[len(before) :]
        done = sum(kind in (commits.AFTER, commits.AFTER_RESET) for kind in kinds)
        assert len(kinds) == 16
        assert 0 < done < 16
        count = "SELECT count(*) FROM cut_here"
        assert wait_until(lambda: outside.execute(count).fetchone() == (done,), 5)


def begin_to_cut(process: Process, port: int) -> None:
    """Return once the proxy has received the signal and cut an empty commit."""
    assert process.popen is not None
    process.popen.send_signal(signal.SIGUSR1)
    empty = through(port)

    def cut() -> bool:
        try:
            empty.execute("SELECT 1")
            empty.commit()
        except psycopg.OperationalError:
            return True
        return False

    assert wait_until(cut, 5)
