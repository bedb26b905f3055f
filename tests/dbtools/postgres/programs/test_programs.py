"""Which pg_dump is taken for which server, and how it is run: no secret where others can read it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dbtools.postgres.client import Target
from dbtools.postgres.programs import Child, Failed, NoProgram, Stopped, find, locate
from dbtools.postgres.programs.process import ASIDE, surroundings
from rollback_portal.processes.supervised import wait_until

PASSWORD = "not-for-everybody"
WHERE = Target("db.invalid", 5432, "shop", "shop", password=PASSWORD)


def install(folder: Path, version: str, restore: str = "") -> Path:
    """Programs that say this version of themselves."""
    folder.mkdir(parents=True)
    for name, told in (("pg_dump", version), ("pg_restore", restore or version)):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {told} (Debian {told}-1)"\n')
        program.chmod(0o755)
    return folder


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is installed but what the test puts here, as Debian does."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(locate, "PACKAGED", tmp_path)
    monkeypatch.setattr(locate, "_embedded", lambda: None)
    return tmp_path


def test_the_closest_that_is_not_older_is_taken(packaged: Path) -> None:
    for version in ("15.14", "17.6", "16.9", "16.10", "18.1"):
        install(packaged / version / "bin", version)
    taken = {major: find(major, wants_tls=True).version for major in (13, 15, 16, 17, 18)}
    assert taken == {13: "15.14", 15: "15.14", 16: "16.10", 17: "17.6", 18: "18.1"}
    with pytest.raises(
        NoProgram, match=r"PostgreSQL 19 and needs a pg_dump of 19 or newer; here is only 15\.14"
    ):
        find(19, wants_tls=False)


def test_one_that_is_newer_than_the_server_says_what_its_backup_is_good_for(packaged: Path) -> None:
    install(packaged / "17" / "bin", "17.6")
    assert "only promised to load into 17" in find(15, wants_tls=False).message
    assert "promised" not in find(17, wants_tls=False).message


def test_two_programs_of_different_versions_are_no_pair(packaged: Path) -> None:
    install(packaged / "17" / "bin", "17.6", restore="16.10")
    with pytest.raises(NoProgram, match="here is none"):
        find(15, wants_tls=False)


def test_a_named_folder_is_the_only_one_that_counts(packaged: Path) -> None:
    install(packaged / "18" / "bin", "18.1")
    named = install(packaged / "own", "16.10")
    assert find(16, wants_tls=True, named=str(named)).version == "16.10"
    with pytest.raises(NoProgram, match=r"The configured pg_dump is 16\.10, older than the server"):
        find(17, wants_tls=True, named=str(named))
    with pytest.raises(NoProgram, match="has no working pg_dump"):
        find(17, wants_tls=True, named=str(packaged / "nowhere"))


def test_old_clients_are_noted(packaged: Path) -> None:
    install(packaged / "16" / "bin", "16.9")
    assert "CVE-2025-8714" in find(16, wants_tls=False).message
    install(packaged / "17" / "bin", "17.6")
    assert "CVE" not in find(17, wants_tls=False).message


def test_debians_chooser_is_not_taken_for_a_program(packaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(packaged / "on-path", "18.1")
    (packaged / "on-path" / "pg_dump").rename(packaged / "on-path" / "pg_wrapper")
    (packaged / "on-path" / "pg_dump").symlink_to("pg_wrapper")
    monkeypatch.setenv("PATH", str(packaged / "on-path"))
    with pytest.raises(NoProgram, match="here is none"):
        find(15, wants_tls=False)


def test_the_embedded_ones_are_not_used_where_tls_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(locate, "PACKAGED", tmp_path)
    assert not find(18, wants_tls=False).tls
    with pytest.raises(NoProgram, match=r"asks for TLS, and the embedded pg_dump .* cannot encrypt"):
        find(18, wants_tls=True)


def test_the_password_is_in_the_environment_and_in_no_argument() -> None:
    with Child(["/bin/sleep", "60"], WHERE) as child:
        pid = child.process.pid
        # Until exec has happened, the new process still shows our own command line.
        assert wait_until(lambda: b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes(), 10)
        assert PASSWORD.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert f"PGPASSWORD={PASSWORD}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        assert os.getpgid(pid) == pid
    assert child.process.returncode == -signal.SIGKILL


def test_a_child_gets_none_of_our_secrets_and_no_stray_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICE", "other")
    monkeypatch.setenv("SECRET_KEY", "ours")
    told = surroundings(WHERE)
    assert "PGSERVICE" not in told
    assert "SECRET_KEY" not in told
    assert told["PGDATABASE"] == "shop"


def test_what_a_program_says_never_holds_the_password() -> None:
    command = ["/bin/sh", "-c", f'echo "pg_dump: error: no entry with {PASSWORD}" >&2; exit 3']
    with Child(command, WHERE) as child, pytest.raises(Failed, match="no entry with …"):
        child.wait()


def test_a_child_that_is_stopped_takes_its_own_children_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with Child(["/bin/sh", "-c", f"sleep 600 2>/dev/null & echo $! > {note}; wait"], None) as child:
        assert wait_until(lambda: note.exists() and note.read_text().strip() != "", 10)
        with pytest.raises(Stopped):
            child.wait(stop=lambda: True)
    assert wait_until(lambda: not is_alive(int(note.read_text())), 10)


PARENT = """
import sys
from dbtools.postgres.programs import Child
child = Child(["/bin/sleep", "60"], None)
print(child.process.pid, flush=True)
child.wait()
"""


def test_a_child_dies_with_a_parent_that_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    assert wait_until(lambda: not is_alive(pid), 10)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("aside", "steps"), [(False, 0), (True, ASIDE)])
def test_bulk_work_stands_back_where_pages_want_the_processor(aside: bool, steps: int) -> None:
    show = "cut -d' ' -f19 /proc/self/stat; grep -o '[0-9]*$' /proc/self/autogroup || echo unknown"
    with Child(["/bin/sh", "-c", show], None, output=subprocess.PIPE, aside=aside) as child:
        assert child.process.stdout is not None
        process, session = child.process.stdout.read().decode().split()
        child.wait()
    assert int(process) == steps + os.nice(0)
    if os.geteuid() == 0:  # for others Linux takes no more than ten a second, from all of them
        assert session in {str(steps), "unknown"}


def test_waiting_ticks_while_it_works() -> None:
    ticks: list[float] = []
    with Child(["/bin/sleep", "0.5"], None) as child:
        child.wait(tick=lambda: ticks.append(time.monotonic()))
    assert len(ticks) >= 2
