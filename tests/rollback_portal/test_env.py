"""Where settings come from, in their order: the environment, a file for a secret, `.env`, the local run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rollback_portal.env import ROOT


def asked(tmp_path: Path, expression: str, **variables: str) -> str:
    """The value of an expression over `env`, in a process of its own with only these variables."""
    done = subprocess.run(
        [sys.executable, "-c", f"from rollback_portal import env; print({expression})"],
        env={"PATH": os.environ["PATH"], "PORTAL_DATA": str(tmp_path), **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_environment_wins_over_the_file_and_the_file_over_the_local_run(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("# REDIS_URL=commented out\nREDIS_URL = 'redis://file'\nEMPTY=\n\nno equals sign\n")
    running = {"REDIS_URL": "redis://local", "DATABASE_URL": "postgresql://local", "PORTAL_PID": os.getpid()}
    (tmp_path / "running.json").write_text(json.dumps(running))
    say = 'env.text("REDIS_URL")'
    assert asked(tmp_path, say, PORTAL_ENV_FILE=str(file), REDIS_URL="redis://set") == "redis://set"
    assert asked(tmp_path, say, PORTAL_ENV_FILE=str(file)) == "redis://file"
    assert asked(tmp_path, say, PORTAL_ENV_FILE=os.devnull) == "redis://local"
    both = '(env.is_set("DATABASE_URL"), env.secret("DATABASE_URL"), env.text("EMPTY", "default"))'
    assert asked(tmp_path, both, PORTAL_ENV_FILE=str(file)) == "(False, 'postgresql://local', 'default')"


def test_a_secret_can_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("rnd_1\n")
    path = str(tmp_path / "key")
    say = '(env.secret("RENDER_API_KEY"), env.is_set("RENDER_API_KEY"))'
    assert asked(tmp_path, say, RENDER_API_KEY_FILE=path, PORTAL_ENV_FILE=os.devnull) == "('rnd_1', True)"


@pytest.mark.parametrize("left", ["", "[]", '{"DATABASE_URL": "x"}', '{"PORTAL_PID": "999999999"}'])
def test_what_a_dead_run_left_behind_counts_for_nothing(tmp_path: Path, left: str) -> None:
    (tmp_path / "running.json").write_text(left)
    assert asked(tmp_path, "env.started_by_local_run()", PORTAL_ENV_FILE=os.devnull) == "{}"


def test_a_value_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="PORT is 'soon'; it has to be a whole number"):
        asked(tmp_path, 'env.number("PORT", 8000)', PORT="soon", PORTAL_ENV_FILE=os.devnull)
    with pytest.raises(AssertionError, match="PORTAL_LOCAL is 'maybe'; it has to be one of"):
        asked(tmp_path, 'env.flag("PORTAL_LOCAL")', PORTAL_LOCAL="maybe", PORTAL_ENV_FILE=os.devnull)


def test_a_command_without_a_database_says_so_in_one_sentence(tmp_path: Path) -> None:
    for command in (["person", "ana", "--role", "viewer"], ["status"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            env={"PATH": os.environ["PATH"], "PORTAL_DATA": str(tmp_path), "PORTAL_ENV_FILE": os.devnull},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert f"DATABASE_URL is not set, and no `make run` is running on {tmp_path}" in done.stderr
        assert "Traceback" not in done.stderr
