"""`make prisma-together`: a `migrate deploy` at hundreds of random moments around a run; they never mix.

    python -m tests.prisma.together [--moments 300] [--seed N] [--without-prismas-lock]

Exits 1 where a single one came out mixed. Without Prisma's lock the deploys are as under
PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK=1: what then keeps the two apart is the run's lock on the history table.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections import Counter

from dbtools.postgres import client
from dbtools.postgres.client import Target
from rollback_portal.local import throwaway
from tests.prisma.cli import VERSIONS
from tests.prisma.moments import met, moments


def main() -> int:
    told = options()
    say(f"{told.moments} moments, seed {told.seed}")
    server = client.parse(throwaway.throwaway_postgres(throwaway.temporary_folder())).named("postgres")
    began = time.monotonic()
    found: Counter[str] = Counter()
    share = told.moments // len(VERSIONS)
    for place, major in enumerate(VERSIONS):
        count = told.moments - share * place if place + 1 == len(VERSIONS) else share
        found += meet(server, major, count, told.seed + place, told.locks)
    mixed = sum(number for outcome, number in found.items() if outcome.startswith("MIXED"))
    say(f"{found.total()} moments in {time.monotonic() - began:.0f} s: {mixed} mixed.")
    return 1 if mixed else 0


def meet(server: Target, major: int, count: int, seed: int, locks: bool) -> Counter[str]:
    with met(server, major, locks=locks) as meeting:
        found = Counter(meeting.at(moment) for moment in moments(count, seed))
    say(f"Prisma {major}:")
    for outcome, number in found.most_common():
        say(f"  {number:4}  {outcome}")
    return found


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--moments", type=int, default=300)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--without-prismas-lock", dest="locks", action="store_false")
    return parser.parse_args()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
