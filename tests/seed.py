"""`python -m tests.seed`: the number that decides what chance does in the tests of this commit.

Another commit gets another number, so that the merge runs of a week try different things; the same commit
gets the same one, so that a red run can be repeated. Chaos and the model of a change's life begin with it.
"""

from __future__ import annotations

import secrets
import subprocess
import sys

from rollback_portal import env

SEEDS = 1_000_000


def seed_of(commit: str) -> int:
    """The number of a commit, by its hash."""
    return int(commit, 16) % SEEDS


def seed_of_this_commit() -> int:
    """The number of what is checked out here; a random one where this is no git checkout."""
    commit = checked_out()
    return seed_of(commit) if commit else secrets.randbelow(SEEDS)


def checked_out() -> str:
    """The hash of the commit, or nothing."""
    try:
        asked = ["git", "rev-parse", "--verify", "--quiet", "HEAD"]
        told = subprocess.run(asked, cwd=env.ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return told.stdout.strip()


if __name__ == "__main__":
    sys.stdout.write(f"{seed_of_this_commit()}\n")
