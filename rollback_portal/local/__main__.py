"""`python -m rollback_portal.local`, which is what `make run` does."""

from __future__ import annotations

import sys

from rollback_portal import env
from rollback_portal.local import terminal
from rollback_portal.local.up import AskedToStop, Run
from rollback_portal.processes.data_folder import Folder
from rollback_portal.processes.supervised import Problem


def main() -> int:
    """Run until asked to stop. 0: it was asked to; 1: it could not go on, and said why."""
    try:
        folder = Folder(env.data_folder())
        folder.take()
        try:
            return run(folder)
        finally:
            folder.leave()
    except (Problem, ValueError) as problem:
        terminal.say(str(problem))
        return 1


def run(folder: Folder) -> int:
    running = Run(folder, env.number("PORT", 8000))
    code = 0
    try:
        running.start()
        running.watch()
    except AskedToStop:
        terminal.say("\nStopping.")
    except Problem as problem:
        terminal.say(f"\n{problem}\n")
        code = 1
    finally:
        running.stop()
    return code


if __name__ == "__main__":
    sys.exit(main())
