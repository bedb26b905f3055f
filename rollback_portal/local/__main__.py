"""`python -m rollback_portal.local`, the command behind `make run`."""

from __future__ import annotations

import sys

from rollback_portal import env
from rollback_portal.local import terminal
from rollback_portal.local.up import Run, StopRequested
from rollback_portal.processes.data_folder import DataFolder
from rollback_portal.processes.supervised import CannotRun


def main() -> int:
    """Run until asked to stop; the exit code is 1 if the portal could not start or go on."""
    try:
        folder = DataFolder(env.data_folder())
        folder.lock()
        try:
            return run(folder)
        finally:
            folder.release()
    except (CannotRun, ValueError) as problem:
        terminal.say(str(problem))
        return 1


def run(folder: DataFolder) -> int:
    running = Run(folder, env.number("PORT", 8000))
    code = 0
    try:
        running.start()
        running.watch()
    except StopRequested:
        terminal.say("\nStopping.")
    except CannotRun as problem:
        terminal.say(f"\n{problem}\n")
        code = 1
    finally:
        running.stop()
    return code


if __name__ == "__main__":
    sys.exit(main())
