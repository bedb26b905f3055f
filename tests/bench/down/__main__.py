"""`python -m tests.bench.down FOLDER`, which is what `make bench-down CORPUS=FOLDER` does."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from dbtools.down_draft import MigrationReplay
from dbtools.postgres import client
from dbtools.postgres.scratch import ScratchServer, ScratchUnavailable, embedded
from dbtools.prisma.names import UnknownOrder
from rollback_portal.local.throwaway import temporary_folder
from tests.bench.down import corpus, prisma_baseline, standins
from tests.bench.down.corpus import FAILED, NOT_APPLICABLE, REFUSED, Result, Wish
from tests.bench.down.judge import EXACT, ORDER, WRONG
from tests.bench.table import say, share, table

VERDICTS = (EXACT, ORDER, REFUSED, WRONG, FAILED)
WANTED = 0.95  # exact or column order, of those that lose nothing
SHOWN = 12


def main() -> int:
    """Return 0 if nothing was wrong and enough led back, 1 if not, 2 if it could not be measured."""
    args = arguments()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: sys.exit(2))
    try:
        texts = corpus.migrations(args.folder, args.order) if args.folder.is_dir() else {}
    except (UnknownOrder, UnicodeDecodeError) as error:
        say(str(error))
        return 2
    if not texts:
        say(f"{args.folder} holds no migrations: no directory in it has a migration.sql.")
        return 2
    began = time.monotonic()
    try:
        with ExitStack() as stack:
            replay = stack.enter_context(MigrationReplay(scratch(args.server, texts, stack)))
            wish = Wish(args.newest, args.prisma if prisma_baseline.is_here() else 0, args.twice)
            results = list(watched(corpus.results(replay, texts, wish), len(texts)))
    except (ScratchUnavailable, client.DatabaseUnreachable, client.InvalidAddress) as error:
        say(str(error))
        return 2
    return report(results, time.monotonic() - began, len(texts))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-down", description=__doc__)
    parser.add_argument("folder", type=Path, help="a project's prisma/migrations")
    parser.add_argument("--server", default="", help="address of a server to replay on; else one of its own")
    parser.add_argument(
        "--order", default="7.0", help="Prisma's version: before 6.6 odd names stood otherwise"
    )
    parser.add_argument("--newest", type=int, default=0, help="draft only so many of the newest")
    parser.add_argument("--prisma", type=int, default=40, help="ask Prisma about so many of the newest")
    parser.add_argument("--twice", action="store_true", help="run each draft once more, on a copy of its own")
    return parser.parse_args()


def scratch(server: str, texts: dict[str, str], stack: ExitStack) -> ScratchServer:
    if server:
        return ScratchServer.on(client.parse(server))
    folder = temporary_folder(in_memory=True)
    made = stack.enter_context(embedded(folder / "servers"))
    for name in standins.provide(made.maintenance, folder, texts.values()):
        say(f"The extension {name} is not part of this PostgreSQL: an empty one stands in for it.")
    return made


def watched(results: Iterator[Result], total: int) -> Iterator[Result]:
    for number, result in enumerate(results, 1):
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number} of {total} ")
        yield result


def report(results: Sequence[Result], seconds: float, total: int) -> int:
    drafted = [result for result in results if result.verdict != NOT_APPLICABLE]
    say(
        f"\n{total} migrations, {len(drafted)} drafted, {len(results) - len(drafted)} not applicable, "
        f"{seconds:.0f} s"
    )
    lossless = [result for result in drafted if not result.loses]
    lossy = [result for result in drafted if result.loses]
    rows = [counted("lose nothing", lossless), counted("lose information, and it was said", lossy)]
    rows.append(counted("all", drafted))
    asked = [result for result in drafted if result.prisma]
    if asked:
        rows.append(counted(f"our drafts, newest {len(asked)}", asked))
        rows.append(counted(f"prisma migrate diff, newest {len(asked)}", asked, prisma=True))
    table(["", *VERDICTS, "no script"], rows)
    if not asked:
        why = "it was not asked" if prisma_baseline.is_here() else "no Prisma here (make prisma-install)"
        say(f"prisma migrate diff: not measured, {why}.")
    if drafted:
        took = [result.seconds for result in drafted]
        say(f"A draft with its proof: median {share(took, 0.5):.2f} s, longest {max(took):.2f} s.")
    for result in results:
        if result.verdict in {REFUSED, WRONG, FAILED, NOT_APPLICABLE}:
            say(f"{result.verdict}: {result.name}: {result.message}")
            for line in result.more[:SHOWN]:
                say(f"    {line}")
    back = sum(result.verdict in {EXACT, ORDER} for result in lossless)
    good = not any(result.verdict in {WRONG, FAILED} for result in drafted)
    if lossless:
        say(f"Of those that lose nothing, {back / len(lossless):.1%} lead back.")
    return 0 if good and back >= WANTED * len(lossless) else 1


def counted(name: str, results: Sequence[Result], *, prisma: bool = False) -> list[str]:
    verdicts = Counter(result.prisma if prisma else result.verdict for result in results)
    return [name, *(str(verdicts[verdict]) for verdict in VERDICTS), str(verdicts[prisma_baseline.GAVE_UP])]


if __name__ == "__main__":
    sys.exit(main())
