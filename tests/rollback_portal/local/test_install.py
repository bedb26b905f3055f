"""Installing requirements: once, again when a pin changes, and silently otherwise."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rollback_portal.env import ROOT

SCRIPT = Path("rollback_portal/local/install.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout that pins nothing, so that nothing is fetched."""
    (tmp_path / SCRIPT.parent).mkdir(parents=True)
    shutil.copy(ROOT / SCRIPT, tmp_path / SCRIPT)
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    (tmp_path / "requirements-local.txt").write_text("-r requirements.txt\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements-local.txt\n")
    return tmp_path


def install(project: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), name]
    return subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def output(running: subprocess.Popen[str]) -> str:
    return running.communicate(timeout=120)[0]


def test_it_installs_once_and_again_when_an_included_file_changes(project: Path) -> None:
    both = [install(project, "requirements-dev.txt") for _ in range(2)]  # `make test` twice at the same time
    assert sorted(bool(output(one)) for one in both) == [False, True]
    assert [one.returncode for one in both] == [0, 0]
    assert (project / ".venv" / "bin" / "python").exists()
    assert output(install(project, "requirements-dev.txt")) == ""
    assert output(install(project, "requirements-local.txt")) == ""

    (project / "requirements.txt").write_text("# something else\n")
    assert "Installed in" in output(install(project, "requirements-local.txt"))
    assert output(install(project, "requirements-local.txt")) == ""


def test_a_failed_installation_is_reported_and_tried_again(project: Path) -> None:
    (project / "requirements.txt").write_text(
        "no-such-thing @ file:///nowhere/no_such_thing-1-py3-none-any.whl\n"
    )
    for _ in range(2):
        running = install(project, "requirements-local.txt")
        assert "Installing requirements-local.txt failed; the reason is above." in output(running)
        assert running.returncode == 1
