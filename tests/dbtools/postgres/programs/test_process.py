"""A child program: its environment, its messages, its end and its priority."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dbtools.postgres.client import DatabaseAddress
from dbtools.postgres.programs import Child, ProgramFailed, ProgramStopped
from dbtools.postgres.programs.process import NICENESS, child_environment
from rollback_portal.processes.supervised import wait_until

PASSWORD = "not-for-everybody"
ADDRESS = DatabaseAddress("db.invalid", 5432, "shop", "shop", password=PASSWORD)


def test_the_password_is_in_the_environment_and_in_no_argument() -> None:
    with Child(["/bin/sleep", "60"], ADDRESS) as child:
        pid = child.process.pid
        # Until exec has happened, the new process still shows our own command line.
        assert wait_until(lambda: b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes(), 30)
        assert PASSWORD.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert f"PGPASSWORD={PASSWORD}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        assert os.getpgid(pid) == pid
    assert child.process.returncode == -signal.SIGKILL


def test_a_child_gets_no_secrets_and_no_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICE", "other")
    monkeypatch.setenv("SECRET_KEY", "ours")
    environment = child_environment(ADDRESS)
    assert "PGSERVICE" not in environment
    assert "SECRET_KEY" not in environment
    assert environment["PGDATABASE"] == "shop"


def test_the_message_of_a_program_never_contains_the_password() -> None:
    command = ["/bin/sh", "-c", f'echo "pg_dump: error: no entry with {PASSWORD}" >&2; exit 3']
    with Child(command, ADDRESS) as child, pytest.raises(ProgramFailed, match="no entry with …"):
        child.wait()


def test_all_output_is_returned_when_the_program_has_ended() -> None:
    command = [sys.executable, "-c", "print('x' * 200_000)"]
    with Child(command, None, output=subprocess.PIPE) as child:
        assert len(child.read_output()) == 200_001


def test_output_that_cannot_be_read_is_an_error_and_not_an_empty_output() -> None:
    """Two empty schema dumps would compare as the same schema."""
    with Child(["/bin/true"], None, output=subprocess.PIPE) as child:
        assert child.process.stdout is not None
        child.process.stdout.close()
        with pytest.raises(ProgramFailed, match="its output could not be read"):
            child.read_output()


def test_stopping_a_child_also_ends_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with Child(["/bin/sh", "-c", f"sleep 600 2>/dev/null & echo $! > {note}; wait"], None) as child:
        assert wait_until(lambda: note.exists() and note.read_text().strip() != "", 30)
        with pytest.raises(ProgramStopped):
            child.wait(stop=lambda: True)
    assert wait_until(lambda: not is_alive(int(note.read_text())), 30)


PARENT = """
import sys
from dbtools.postgres.programs import Child
child = Child(["/bin/sleep", "60"], None)
print(child.process.pid, flush=True)
child.wait()
"""


def test_a_child_ends_with_a_killed_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    assert wait_until(lambda: not is_alive(pid), 30)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("low_priority", "steps"), [(False, 0), (True, NICENESS)])
def test_work_that_may_wait_has_a_low_priority(low_priority: bool, steps: int) -> None:
    show = "cut -d' ' -f19 /proc/self/stat; grep -o '[0-9]*$' /proc/self/autogroup || echo unknown"
    with Child(["/bin/sh", "-c", show], None, output=subprocess.PIPE, low_priority=low_priority) as child:
        assert child.process.stdout is not None
        process, session = child.process.stdout.read().decode().split()
        child.wait()
    assert int(process) == steps + os.nice(0)
    if os.geteuid() == 0:  # for other users Linux limits the writes to ten a second
        assert session in {str(steps), "unknown"}


def test_waiting_calls_tick_while_the_program_runs() -> None:
    ticks: list[None] = []
    with Child(["/bin/cat"], None, with_stdin=True) as child:

        def tick() -> None:
            ticks.append(None)
            if len(ticks) == 2 and child.process.stdin is not None:
                child.process.stdin.close()  # which ends it

        child.wait(tick=tick)
    assert len(ticks) >= 2
