"""What every child process has in common: it ends with its parent, and can be killed with all it started."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: Linux sends `stop_signal` to the child when the thread that started it is gone."""
    parent = os.getpid()

    def ask_kernel() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
            if os.getppid() != parent:  # it was gone before we asked
                os._exit(1)

    return ask_kernel


def kill_group(child: subprocess.Popen[Any]) -> None:
    """Kill a child that leads a session of its own, with everything that it started, and wait for it."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
