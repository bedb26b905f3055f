"""Graceful shutdown: whether this process was asked to stop. Work is then handed over between two steps.

It is a pipe, because a pipe reaches across a fork: nothing is ever written to it, and the children of a pool
see it close when their parent was asked to stop, or is gone.
"""

from __future__ import annotations

import os
import select

_read_end, _write_end = os.pipe()
_write_end_is_closed = False


def request() -> None:
    """Let this process and its children know. Safe in a signal handler."""
    only_listen()


def only_listen() -> None:
    """Close this process's copy of the write end; a child does it first, so that only its parent's counts."""
    global _write_end_is_closed
    if not _write_end_is_closed:
        _write_end_is_closed = True
        os.close(_write_end)


def requested(within: float = 0.0) -> bool:
    """Wait so many seconds; True, and at once, where this process was asked to stop."""
    poll = select.poll()
    poll.register(_read_end, select.POLLIN)
    return bool(poll.poll(within * 1000))
