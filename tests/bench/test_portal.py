"""Which Python runs a checkout, and what the command line takes for one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rollback_portal import env
from tests.bench.__main__ import arguments
from tests.bench.portal import interpreter


def test_another_checkout_runs_with_its_own_packages(tmp_path: Path) -> None:
    assert interpreter(tmp_path) == interpreter(env.ROOT) == sys.executable
    own = tmp_path / ".venv/bin/python"
    own.parent.mkdir(parents=True)
    own.touch()
    assert interpreter(tmp_path) == str(own)


def test_a_folder_without_a_portal_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        arguments(["--against", str(tmp_path)])
    assert f"{tmp_path} is no checkout of the portal: it has no manage.py." in capsys.readouterr().err
    assert arguments(["--against", str(env.ROOT)]).against == env.ROOT
