"""Whether this process was asked to stop: what it works on is then handed over between two steps.

A pipe, because it reaches across a fork: nothing is ever written to it, and the children of a pool hear it
close when their parent was asked to stop, or is gone.
"""

from __future__ import annotations

import os
import select

_ear, _mouth = os.pipe()
_silent = False


def ask() -> None:
    """Let everybody in this process and its children know. Safe in a signal handler."""
    only_listen()


def only_listen() -> None:
    """What a child does first: only the end of its parent's copy counts."""
    global _silent
    if not _silent:
        _silent = True
        os.close(_mouth)


def asked(within: float = 0.0) -> bool:
    """Wait so many seconds; True, and at once, where this process was asked to stop."""
    poll = select.poll()
    poll.register(_ear, select.POLLIN)
    return bool(poll.poll(within * 1000))
