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
from dbtools.postgres.client import DatabaseAddress
from rollback_portal.local import throwaway
from tests.prisma.cli import VERSIONS
from tests.prisma.moments import met, moments


def main() -> int:
    args = options()
    say(f"{args.moments} moments, seed {args.seed}")
    server = client.parse(
        throwaway.throwaway_postgres(throwaway.temporary_folder(in_memory=True))
    ).with_database("postgres")
    began = time.monotonic()
    outcomes: Counter[str] = Counter()
    share = args.moments // len(VERSIONS)
    for place, major in enumerate(VERSIONS):
        count = args.moments - share * place if place + 1 == len(VERSIONS) else share
        outcomes += meet(server, major, count, args.seed + place, args.locks)
    mixed = sum(number for outcome, number in outcomes.items() if outcome.startswith("MIXED"))
    say(f"{outcomes.total()} moments in {time.monotonic() - began:.0f} s: {mixed} mixed.")
    return 1 if mixed else 0


def meet(server: DatabaseAddress, major: int, count: int, seed: int, locks: bool) -> Counter[str]:
    with met(server, major, locks=locks) as meeting:
        outcomes = Counter(meeting.at(moment) for moment in moments(count, seed))
    say(f"Prisma {major}:")
    for outcome, number in outcomes.most_common():
        say(f"  {number:4}  {outcome}")
    return outcomes


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
