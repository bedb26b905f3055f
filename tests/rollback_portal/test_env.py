"""The sources of settings in their order: the environment, a file for a secret, `.env`, the local run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rollback_portal.env import ROOT


def evaluate(tmp_path: Path, expression: str, **variables: str) -> str:
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
    expression = 'env.text("REDIS_URL")'
    assert evaluate(tmp_path, expression, PORTAL_ENV_FILE=str(file), REDIS_URL="redis://set") == "redis://set"
    assert evaluate(tmp_path, expression, PORTAL_ENV_FILE=str(file)) == "redis://file"
    assert evaluate(tmp_path, expression, PORTAL_ENV_FILE=os.devnull) == "redis://local"
    both = '(env.is_set("DATABASE_URL"), env.secret("DATABASE_URL"), env.text("EMPTY", "default"))'
    assert evaluate(tmp_path, both, PORTAL_ENV_FILE=str(file)) == "(False, 'postgresql://local', 'default')"


def test_a_secret_can_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("rnd_1\n")
    path = str(tmp_path / "key")
    expression = '(env.secret("RENDER_API_KEY"), env.is_set("RENDER_API_KEY"))'
    assert (
        evaluate(tmp_path, expression, RENDER_API_KEY_FILE=path, PORTAL_ENV_FILE=os.devnull)
        == "('rnd_1', True)"
    )


@pytest.mark.parametrize("noted", ["", "[]", '{"DATABASE_URL": "x"}', '{"PORTAL_PID": "999999999"}'])
def test_the_note_of_a_killed_run_is_ignored(tmp_path: Path, noted: str) -> None:
    (tmp_path / "running.json").write_text(noted)
    assert evaluate(tmp_path, "env.started_by_local_run()", PORTAL_ENV_FILE=os.devnull) == "{}"


def test_a_wrong_value_is_reported_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="PORT is 'soon'; it has to be a whole number"):
        evaluate(tmp_path, 'env.number("PORT", 8000)', PORT="soon", PORTAL_ENV_FILE=os.devnull)
    with pytest.raises(AssertionError, match="PORTAL_LOCAL is 'maybe'; it has to be one of"):
        evaluate(tmp_path, 'env.flag("PORTAL_LOCAL")', PORTAL_LOCAL="maybe", PORTAL_ENV_FILE=os.devnull)


def test_a_command_without_a_database_fails_with_one_sentence(tmp_path: Path) -> None:
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
        assert (
            f"DATABASE_URL is not set, and no `make run` is running on {tmp_path}"
            in done.stdout + done.stderr
        )
        assert "Traceback" not in done.stderr
