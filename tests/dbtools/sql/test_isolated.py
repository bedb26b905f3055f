"""SQL is parsed in a child process with limits; whatever happens to that process, the portal goes on."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from dbtools import sql
from dbtools.postgres.programs import ProgramStopped
from dbtools.sql import LIMITS, InvalidSql, isolated
from dbtools.sql.isolated import AnalysisFailed
from rollback_portal.env import ROOT
from rollback_portal.processes.supervised import wait_until
from tests.dbtools.sql.allowed_scripts import ALLOWED
from tests.dbtools.sql.refused_scripts import REFUSED

NOTHING_WAS_RUN = r"Nothing was run\. Write it shorter"
LARGE = "INSERT INTO t VALUES " + ",".join(f"({n},'abc def',-1,'{{}}'::jsonb)" for n in range(30_600))  # noqa: S608
# Deeper than the check allows: the parser recurses in C until its stack overflows.
FALL = (
    "import pglast, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0));"
    "pglast.parse_sql('SELECT 1' + '+1' * 500_000)"
)
HANGS = 600  # seconds; longer than any test may take
HANG = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep({HANGS})"
SPIN = "from dbtools.sql import isolated_child; isolated_child.limit_resources()\nwhile True: pass"
SWELL = (
    "from dbtools.sql import isolated_child as child;"
    "child.json.load = lambda _: bytearray(child.LIMITS.memory); child.main()"
)


def checked(text: str, **named: Any) -> dict[str, Any]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return isolated.check(text, **{"sha256": digest, "schemas": ["public"], "allow_opaque": False, **named})


@pytest.fixture
def instead(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace what the child process does, and its time limit."""

    def have(code: str, seconds: int = 30) -> None:
        start = f"import sys; sys.path.insert(0, sys.argv[1])\n{code}"
        monkeypatch.setattr(isolated, "COMMAND", (sys.executable, "-I", "-c", start, str(ROOT)))
        monkeypatch.setattr(isolated, "LIMITS", replace(LIMITS, seconds=seconds))

    return have


def children() -> set[int]:
    """All child processes of this one, zombies included."""
    lines = (path.read_text().split() for path in Path("/proc/self/task").glob("*/children"))
    return {int(pid) for pids in lines for pid in pids}


@pytest.fixture(autouse=True)
def no_child_is_left() -> Any:
    before = children()
    yield
    assert children() <= before


@pytest.mark.parametrize("text", [*list(ALLOWED.values())[:5], REFUSED["too many"].text, "SELEC 1", ""])
def test_the_child_process_returns_the_same_result(text: str) -> None:
    script = sql.check(text)
    stored = checked(text)
    assert stored["path"] == script.path
    assert stored["sha256"] == script.sha256
    assert [statement["text"] for statement in stored["statements"]] == [
        statement.text for statement in script.statements
    ]
    assert stored["problems"] == [asdict(problem) for problem in script.problems]
    assert stored["note"] == script.note


def test_1_MB_is_analyzed_within_10_seconds_or_refused() -> None:
    assert 990_000 < len(LARGE) <= LIMITS.bytes
    with suppress_only("was not understood within 10 s"):  # if this machine is too busy
        (statement,) = checked(LARGE)["statements"]
        assert statement["text"] == LARGE


@contextmanager
def suppress_only(words: str) -> Iterator[None]:
    try:
        yield
    except AnalysisFailed as error:
        if words not in str(error):
            raise


def test_1_MB_needs_less_than_10_seconds_of_CPU(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the limit in seconds is raised; the child process still limits itself to 10 s of CPU."""
    monkeypatch.setattr(isolated, "LIMITS", replace(LIMITS, seconds=120))
    (statement,) = checked(LARGE)["statements"]
    assert statement["text"] == LARGE


def test_a_process_that_hangs_is_killed_at_the_time_limit(instead: Callable[..., None]) -> None:
    instead(HANG, seconds=1)
    began = time.monotonic()
    with pytest.raises(AnalysisFailed, match=f"was not understood within 1 s: .*{NOTHING_WAS_RUN}"):
        checked("SELECT 1")
    assert 1 <= time.monotonic() - began < HANGS


def test_the_kernel_ends_a_process_that_uses_too_much_CPU(instead: Callable[..., None]) -> None:
    limit = "from dbtools.sql import result; result.LIMITS = result.ParserLimits(seconds=1)\n"
    instead(limit + SPIN, seconds=3600)
    with pytest.raises(AnalysisFailed, match="was not understood within 3600 s"):
        checked("SELECT 1")


def test_a_process_cannot_use_too_much_memory(instead: Callable[..., None]) -> None:
    instead(SWELL)
    with pytest.raises(AnalysisFailed, match=f"more than 1,024 MB of memory .*{NOTHING_WAS_RUN}"):
        checked("SELECT 1")


def test_a_parser_that_crashes_is_reported(instead: Callable[..., None]) -> None:
    instead(FALL)
    with pytest.raises(
        AnalysisFailed, match=rf"broke down over the SQL \(signal {signal.SIGSEGV}\).*{NOTHING_WAS_RUN}"
    ):
        checked("SELECT 1")


def test_a_killed_process_is_reported_even_after_it_wrote_output(instead: Callable[..., None]) -> None:
    instead("import os; print('{}', flush=True); os.kill(os.getpid(), 9)")
    with pytest.raises(AnalysisFailed, match=rf"broke down over the SQL \(signal 9\).*{NOTHING_WAS_RUN}"):
        checked("SELECT 1")


def test_an_analysis_can_be_canceled(instead: Callable[..., None]) -> None:
    instead(HANG, seconds=3600)
    calls = iter(range(100))
    with pytest.raises(ProgramStopped):
        checked("SELECT 1", stop=lambda: next(calls) >= 5)


def test_it_ends_with_the_worker_that_started_it(tmp_path: Path) -> None:
    started = tmp_path / "started"
    hang = f"import os, pathlib; pathlib.Path({str(started)!r}).write_text(str(os.getpid()));{HANG}"
    worker = (
        "from dbtools.sql import isolated; import sys\n"
        f"isolated.COMMAND = (sys.executable, '-I', '-c', {hang!r})\n"
        "isolated.check('SELECT 1', sha256='', schemas=[], allow_opaque=False)"
    )
    with subprocess.Popen([sys.executable, "-c", worker], cwd=ROOT) as killed:
        assert wait_until(lambda: started.exists() and bool(started.read_text()), 60)
        killed.kill()
    assert wait_until(lambda: not is_alive(int(started.read_text())), 60)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_result_for_another_text_is_refused() -> None:
    with pytest.raises(AnalysisFailed, match="not the text that was written"):
        checked("SELECT 1", sha256=hashlib.sha256(b"SELECT 2").hexdigest())


def test_a_process_without_complete_output_is_reported(instead: Callable[..., None]) -> None:
    instead("print('{')")
    with pytest.raises(AnalysisFailed, match=r"broke down over the SQL \(no answer came\)"):
        checked("SELECT 1")


def test_the_child_process_gets_no_secrets(
    monkeypatch: pytest.MonkeyPatch, instead: Callable[..., None]
) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql://not-for-everybody@db.invalid/shop")
    instead("import os, sys; sys.exit(7 if 'SHOP_DATABASE_URL' in os.environ else 8)")
    with pytest.raises(AnalysisFailed, match=r"\(code 8\)"):
        checked("SELECT 1")


@pytest.mark.parametrize("size", [1, LIMITS.in_request], ids=["in this process", "in a child process"])
def test_a_migration_is_analyzed_the_same_in_either_process(size: int) -> None:
    text = f"BEGIN;\nUPDATE t SET a = 1; -- {'x' * size}\nCOMMIT"
    assert isolated.ends_transactions(text)
    assert [change.what for change in isolated.row_changes(text)] == ["UPDATE t"]
    assert [part.kind for part in isolated.split(text, limit=3)] == [
        "TransactionStmt", "UpdateStmt", "TransactionStmt",
    ]  # fmt: skip
    with pytest.raises(InvalidSql, match="more than 2 statements"):
        isolated.split(text, limit=2)


def test_a_migration_that_cannot_be_analyzed_may_have_done_anything(instead: Callable[..., None]) -> None:
    instead(HANG, seconds=1)
    text = "SELECT 1;" + " " * LIMITS.in_request
    assert isolated.ends_transactions(text)
    assert [change.why for change in isolated.row_changes(text)] == ["the text is too large to be read."]
    with pytest.raises(InvalidSql, match="was not understood"):
        isolated.split(text, limit=5)
