"""Graceful shutdown: whether this process was asked to stop. Jobs are then handed over between two steps.

The flag is a pipe, because forked children inherit it. Nothing is ever written to it: they see it close when
their parent requests a shutdown, or is gone.
"""

from __future__ import annotations

import os
import select

_read_end, _write_end = os.pipe()
_write_end_is_closed = False


def request() -> None:
    """Request the shutdown of this process and its children. Safe in a signal handler."""
    only_listen()


def only_listen() -> None:
    """Close the write end in this process. A forked child calls it, so that only its parent's copy counts."""
    global _write_end_is_closed
    if not _write_end_is_closed:
        _write_end_is_closed = True
        os.close(_write_end)


def requested(within: float = 0.0) -> bool:
    """Wait up to `within` seconds for a request; True as soon as there is one."""
    poll = select.poll()
    poll.register(_read_end, select.POLLIN)
    return bool(poll.poll(within * 1000))
