"""`python -m tests.seed`: prints the random seed for the tests of this commit.

Each commit has its own seed, so that merges try different cases, and a failed run can be repeated. Chaos and
the model of a change's life use it.
"""

from __future__ import annotations

import secrets
import subprocess
import sys

from rollback_portal import env

SEEDS = 1_000_000


def seed_of(commit: str) -> int:
    """Return the seed of a commit hash."""
    return int(commit, 16) % SEEDS


def seed_of_this_commit() -> int:
    """Return the seed of the checked-out commit, or a random one outside a git checkout."""
    commit = checked_out()
    return seed_of(commit) if commit else secrets.randbelow(SEEDS)


def checked_out() -> str:
    """Return the hash of the commit, or an empty string."""
    try:
        command = ["git", "rev-parse", "--verify", "--quiet", "HEAD"]
        result = subprocess.run(command, cwd=env.ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return result.stdout.strip()


if __name__ == "__main__":
    sys.stdout.write(f"{seed_of_this_commit()}\n")
