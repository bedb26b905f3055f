"""The programs that only `make` starts, and no other test."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from rollback_portal import env

PROGRAM = re.compile(r"python -m (tests\.[\w.]+)")
WITH_SETTINGS = {"tests.bench.cuts"}  # the Makefile names Django's settings for it


def test_each_program_of_the_makefile_can_be_imported_before_django_is_set_up() -> None:
    names = set(PROGRAM.findall((env.ROOT / "Makefile").read_text())) - WITH_SETTINGS
    assert {"tests.chaos", "tests.bench", "tests.journeys.screenshots"} <= names
    variables = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    for name in sorted(names):
        module = f"{name}.__main__" if (env.ROOT / name.replace(".", "/")).is_dir() else name
        done = subprocess.run(
            [sys.executable, "-c", f"import {module}"],
            env=variables, cwd=env.ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{module}: {done.stderr}"
