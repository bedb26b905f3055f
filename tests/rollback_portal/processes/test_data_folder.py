"""The data folder: its lock, its secrets, and socket paths that are short enough."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rollback_portal.processes.data_folder import LONGEST_SOCKET_PATH, DataFolder, write_private
from rollback_portal.processes.supervised import CannotRun


def test_one_run_at_a_time(folder: Path) -> None:
    first, second = DataFolder(folder), DataFolder(folder)
    first.lock()
    with pytest.raises(CannotRun, match="already runs on the data folder"):
        second.lock()
    first.release()
    second.lock()
    second.release()


def test_the_note_of_a_killed_run_is_removed(folder: Path) -> None:
    first = DataFolder(folder)
    first.lock()
    first.write_running({"DATABASE_URL": "postgresql://gone"})
    assert first._lock is not None
    first._lock.close()  # what the kernel does when a process is gone
    second = DataFolder(folder)
    second.lock()
    assert not second.running.exists()
    second.release()


def test_a_secret_is_kept_and_readable_by_its_owner_only(folder: Path) -> None:
    secret = DataFolder(folder).secret("secret_key")
    assert len(secret) > 50
    assert DataFolder(folder).secret("secret_key") == secret
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600


def test_a_file_is_replaced_whole(folder: Path) -> None:
    DataFolder(folder)
    write_private(folder / "one.json", "first")
    write_private(folder / "one.json", "second")
    assert (folder / "one.json").read_text() == "second"
    assert sorted(path.name for path in folder.iterdir()) == ["log", "one.json"]


def test_a_path_too_long_for_a_socket_is_replaced_by_a_temporary_one(folder: Path) -> None:
    deep = DataFolder(folder / ("x" * LONGEST_SOCKET_PATH))
    deep.lock()
    sockets = deep.sockets()
    assert not sockets.is_relative_to(deep.path)
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert len(os.fsencode(sockets / ".s.PGSQL.5432.lock")) < LONGEST_SOCKET_PATH
    deep.release()
    assert not sockets.exists()


def test_an_unusable_folder_is_reported_in_a_sentence(folder: Path) -> None:
    folder.write_text("a file, not a folder")
    with pytest.raises(CannotRun, match=f"The data folder {folder} cannot be used: "):
        DataFolder(folder)
