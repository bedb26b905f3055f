"""SQL is read in a process of its own: in time or not at all, and whatever happens to it happens there."""

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
from dbtools.postgres.programs import Stopped
from dbtools.sql import LIMITS, NotSql, isolated
from dbtools.sql.isolated import NotRead
from rollback_portal.env import ROOT
from rollback_portal.processes.supervised import wait_until
from tests.dbtools.sql.evil import EVIL
from tests.dbtools.sql.honest import HONEST

NOTHING_WAS_RUN = r"Nothing was run\. Write it shorter"
LARGE = "INSERT INTO t VALUES " + ",".join(f"({n},'abc def',-1,'{{}}'::jsonb)" for n in range(30_600))  # noqa: S608
# Beyond the depth that the check lets pass: the parser recurses in C until its stack is at its end.
FALL = (
    "import pglast, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0));"
    "pglast.parse_sql('SELECT 1' + '+1' * 500_000)"
)
HANG = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
SPIN = "from dbtools.sql import isolated_child; isolated_child.bound()\nwhile True: pass"
SWELL = (
    "from dbtools.sql import isolated_child; isolated_child.json.load = lambda _: bytearray(isolated_child.LIMITS.memory);"
    "isolated_child.main()"
)


def checked(text: str, **named: Any) -> dict[str, Any]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return isolated.check(text, **{"sha256": digest, "schemas": ["public"], "allow_opaque": False, **named})


@pytest.fixture
def instead(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have the process do something else, and give it less time on the clock."""

    def have(code: str, seconds: int = 30) -> None:
        start = f"import sys; sys.path.insert(0, sys.argv[1])\n{code}"
        monkeypatch.setattr(isolated, "COMMAND", (sys.executable, "-I", "-c", start, str(ROOT)))
        monkeypatch.setattr(isolated, "LIMITS", replace(LIMITS, seconds=seconds))

    return have


def children() -> set[int]:
    """Every process that a thread of ours started and that is still there, ended ones too."""
    found = (path.read_text().split() for path in Path("/proc/self/task").glob("*/children"))
    return {int(pid) for pids in found for pid in pids}


@pytest.fixture(autouse=True)
def nothing_stays() -> Any:
    before = children()
    yield
    assert children() <= before


@pytest.mark.parametrize("text", [*list(HONEST.values())[:5], EVIL["too many"].text, "SELEC 1", ""])
def test_what_is_read_apart_is_what_is_read_here(text: str) -> None:
    script = sql.check(text)
    stored = checked(text)
    assert stored["path"] == script.path
    assert stored["sha256"] == script.sha256
    assert [each["text"] for each in stored["statements"]] == [each.text for each in script.statements]
    assert stored["problems"] == [asdict(each) for each in script.problems]
    assert stored["note"] == script.note


def test_1_MB_is_answered_within_10_seconds_or_refused_with_a_sentence() -> None:
    assert 990_000 < len(LARGE) <= LIMITS.bytes
    began = time.monotonic()
    with suppress_only("was not understood within 10 s"):  # where this machine is too busy
        (statement,) = checked(LARGE)["statements"]
        assert statement["text"] == LARGE
    assert time.monotonic() - began < 10 + 5  # until the kernel has given the memory back


@contextmanager
def suppress_only(words: str) -> Iterator[None]:
    try:
        yield
    except NotRead as error:
        if words not in str(error):
            raise


def test_1_MB_needs_less_than_10_seconds_of_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is given more time, the processor is not: the process still bounds itself to 10 s of it."""
    monkeypatch.setattr(isolated, "LIMITS", replace(LIMITS, seconds=120))
    (statement,) = checked(LARGE)["statements"]
    assert statement["text"] == LARGE


def test_a_process_that_hangs_is_killed_and_the_sentence_appears(instead: Callable[..., None]) -> None:
    instead(HANG, seconds=1)
    began = time.monotonic()
    with pytest.raises(NotRead, match=f"was not understood within 1 s: .*{NOTHING_WAS_RUN}"):
        checked("SELECT 1")
    assert 1 <= time.monotonic() - began < 10


def test_a_process_that_only_computes_is_ended_by_the_kernel(instead: Callable[..., None]) -> None:
    instead("from dbtools.sql import script; script.LIMITS = script.Limits(seconds=1)\n" + SPIN, seconds=60)
    began = time.monotonic()
    with pytest.raises(NotRead, match="was not understood within 60 s"):
        checked("SELECT 1")
    assert time.monotonic() - began < 50


def test_a_process_that_wants_too_much_memory_is_refused_it(instead: Callable[..., None]) -> None:
    instead(SWELL)
    with pytest.raises(NotRead, match=f"more than 1,024 MB of memory .*{NOTHING_WAS_RUN}"):
        checked("SELECT 1")


def test_a_parser_that_falls_over_its_own_recursion_takes_nobody_along(instead: Callable[..., None]) -> None:
    instead(FALL)
    with pytest.raises(
        NotRead, match=rf"broke down over the SQL \(signal {signal.SIGSEGV}\).*{NOTHING_WAS_RUN}"
    ):
        checked("SELECT 1")


def test_a_process_that_somebody_kills_is_told_from_one_that_answered(instead: Callable[..., None]) -> None:
    instead("import os; print('{}', flush=True); os.kill(os.getpid(), 9)")
    with pytest.raises(NotRead, match=rf"broke down over the SQL \(signal 9\).*{NOTHING_WAS_RUN}"):
        checked("SELECT 1")


def test_whoever_wants_it_stopped_does_not_wait_for_it(instead: Callable[..., None]) -> None:
    instead(HANG)
    began = time.monotonic()
    with pytest.raises(Stopped):
        checked("SELECT 1", stop=lambda: time.monotonic() > began + 0.5)
    assert time.monotonic() - began < 10


def test_it_ends_with_the_worker_that_started_it(tmp_path: Path) -> None:
    word = tmp_path / "started"
    hang = f"import os, pathlib; pathlib.Path({str(word)!r}).write_text(str(os.getpid()));{HANG}"
    worker = (
        "from dbtools import reader; import sys\n"
        f"reader.COMMAND = (sys.executable, '-I', '-c', {hang!r})\n"
        "reader.check('SELECT 1', sha256='', schemas=[], allow_opaque=False)"
    )
    with subprocess.Popen([sys.executable, "-c", worker], cwd=ROOT) as killed:
        assert wait_until(lambda: word.exists() and bool(word.read_text()), 60)
        killed.kill()
    assert wait_until(lambda: not is_alive(int(word.read_text())), 10)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_an_answer_about_another_text_is_not_believed() -> None:
    with pytest.raises(NotRead, match="not the text that was written"):
        checked("SELECT 1", sha256=hashlib.sha256(b"SELECT 2").hexdigest())


def test_a_process_that_ends_without_an_answer_is_no_answer(instead: Callable[..., None]) -> None:
    instead("print('{')")
    with pytest.raises(NotRead, match=r"broke down over the SQL \(no answer came\)"):
        checked("SELECT 1")


def test_it_is_given_none_of_our_secrets(
    monkeypatch: pytest.MonkeyPatch, instead: Callable[..., None]
) -> None:
    monkeypatch.setenv("SHOP_DATABASE_URL", "postgresql://not-for-everybody@db.invalid/shop")
    instead("import os, sys; sys.exit(7 if 'SHOP_DATABASE_URL' in os.environ else 8)")
    with pytest.raises(NotRead, match=r"\(code 8\)"):
        checked("SELECT 1")


@pytest.mark.parametrize("size", [1, LIMITS.in_request], ids=["here", "apart"])
def test_a_migration_is_told_the_same_wherever_it_is_read(size: int) -> None:
    text = f"BEGIN;\nUPDATE t SET a = 1; -- {'x' * size}\nCOMMIT"
    assert isolated.ends_transactions(text)
    assert [change.what for change in isolated.row_changes(text)] == ["UPDATE t"]
    assert [part.kind for part in isolated.split(text, most=3)] == [
        "TransactionStmt", "UpdateStmt", "TransactionStmt",
    ]  # fmt: skip
    with pytest.raises(NotSql, match="more than 2 statements"):
        isolated.split(text, most=2)


def test_a_migration_that_cannot_be_read_in_time_may_have_done_anything(instead: Callable[..., None]) -> None:
    instead(HANG, seconds=1)
    text = "SELECT 1;" + " " * LIMITS.in_request
    assert isolated.ends_transactions(text)
    assert [change.why for change in isolated.row_changes(text)] == ["the text is too large to be read."]
    with pytest.raises(NotSql, match="was not understood"):
        isolated.split(text, most=5)
