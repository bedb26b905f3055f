"""The measured slowdown reflects other work on the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.busy import Busy


def test_a_machine_with_nothing_else_to_do_is_never_called_faster_than_it_is() -> None:
    with Busy() as busy:
        pass
    assert busy.times >= 1.0


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="only Linux lets a test choose its processor"
)
def test_sharing_a_processor_with_three_others_takes_at_least_twice_as_long() -> None:
    free = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(free)})  # of this thread and its child processes
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        with Busy() as busy:
            time.sleep(2)
    finally:
        os.sched_setaffinity(0, free)
        for other in others:
            other.kill()
            other.wait()
    assert busy.times > 2
