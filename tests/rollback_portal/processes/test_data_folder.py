"""The data folder: one run at a time, secrets that stay, sockets that fit."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rollback_portal.processes.data_folder import LONGEST_SOCKET_PATH, Folder, write_private
from rollback_portal.processes.supervised import Problem


def test_one_run_at_a_time(folder: Path) -> None:
    first, second = Folder(folder), Folder(folder)
    first.take()
    with pytest.raises(Problem, match="already runs on the data folder"):
        second.take()
    first.leave()
    second.take()
    second.leave()


def test_what_a_killed_run_left_behind_is_forgotten(folder: Path) -> None:
    first = Folder(folder)
    first.take()
    first.tell({"DATABASE_URL": "postgresql://gone"})
    assert first.lock is not None
    first.lock.close()  # what the kernel does when a process is gone
    second = Folder(folder)
    second.take()
    assert not second.running.exists()
    second.leave()


def test_a_secret_stays_and_is_for_its_owner_only(folder: Path) -> None:
    secret = Folder(folder).secret("secret_key")
    assert len(secret) > 50
    assert Folder(folder).secret("secret_key") == secret
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600


def test_a_file_is_replaced_whole(folder: Path) -> None:
    Folder(folder)
    write_private(folder / "one.json", "first")
    write_private(folder / "one.json", "second")
    assert (folder / "one.json").read_text() == "second"
    assert sorted(path.name for path in folder.iterdir()) == ["log", "one.json"]


def test_a_path_too_long_for_a_socket_gives_way_to_a_temporary_one(folder: Path) -> None:
    deep = Folder(folder / ("x" * LONGEST_SOCKET_PATH))
    deep.take()
    sockets = deep.sockets()
    assert not sockets.is_relative_to(deep.path)
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert len(os.fsencode(sockets / ".s.PGSQL.5432.lock")) < LONGEST_SOCKET_PATH
    deep.leave()
    assert not sockets.exists()


def test_a_folder_that_cannot_be_is_said_in_a_sentence(folder: Path) -> None:
    folder.write_text("a file, not a folder")
    with pytest.raises(Problem, match=f"The data folder {folder} cannot be used: "):
        Folder(folder)
