"""A process and its forked children learn that they were asked to stop."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rollback_portal import env

CHILD = """
import os
from rollback_portal.jobs.process import shutdown
ready, say_ready = os.pipe()
if os.fork() == 0:
    shutdown.only_listen()
    before = shutdown.requested()
    os.write(say_ready, b".")
    print(before, shutdown.requested(within=60), flush=True)
    os._exit(0)
os.read(ready, 1)
"""


def printed(code: str) -> str:
    """What the process and its children print until the last of them has ended."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=env.ROOT, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nobody_is_asked_to_stop_at_first_and_a_second_request_does_no_harm() -> None:
    code = "from rollback_portal.jobs.process.shutdown import request, requested\n"
    code += "print(requested(), request(), requested(within=60), request(), requested())"
    assert printed(code) == "False None True None True"


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("shutdown.request(); os.wait()", id="asks"),
        pytest.param("os._exit(0)", id="is gone"),
    ],
)
def test_a_child_stops_when_its_parent(end: str) -> None:
    assert printed(f"{CHILD}\n{end}") == "False True"


def test_a_child_that_ends_does_not_stop_its_parent() -> None:
    code = CHILD.replace("shutdown.requested(within=60)", "None")
    assert printed(f"{code}\nos.wait(); print(shutdown.requested())") == "False None\nFalse"
