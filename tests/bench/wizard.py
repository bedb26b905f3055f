"""`make bench-wizard`: a database of about 1 GB through the wizard, beside plain pg_dump, with pages open.

A whole portal of its own is started as `make run` does it; its practice database is made as large as asked.
The verbs are called as the pages call them, the wizard's own worker does the work, and somebody keeps looking
at two pages meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING

import psutil

from dbtools.postgres import client, programs
from dbtools.postgres.client import Target
from rollback_portal import env
from rollback_portal.local.company import ADDRESS
from rollback_portal.local.throwaway import temporary_folder
from rollback_portal.processes.supervised import Problem, Process, stop_together, wait_until
from tests.bench.person import Person
from tests.bench.portal import ALONE
from tests.bench.table import milliseconds, say, share, table

if TYPE_CHECKING:  # Django is set up only once the portal runs
    from dbtools.models import DatabaseRollback

MEGABYTE = 1_000_000
GROW = """
INSERT INTO "WebhookDelivery" ("webhookId", "payload", "status")
SELECT 1, jsonb_build_object('order', n, 'id', gen_random_uuid(), 'note', repeat(md5(n::text), 8)), 200
FROM generate_series(1, 20000) n
"""
DOWN = """ALTER TABLE "Order" ADD COLUMN "legacyPrice" integer;
UPDATE "Order" SET "legacyPrice" = "priceCents";
ALTER TABLE "Order" DROP COLUMN "priceCents";
"""
LONGEST = 1800  # seconds for one step


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    given = parser.parse_args()
    with portal() as (folder, address):
        shop = client.parse((folder / "data" / ADDRESS).read_text())
        size = grow(shop, given.megabytes * MEGABYTE)
        load = os.getloadavg()[0]
        say(f"The database has {size / MEGABYTE:,.0f} MB. {os.cpu_count()} cores, load {load:.1f}.\n")
        plain = [plain_dump(shop, level) for level in ("", "3")]
        walk = Walk(folder, address)
        walk.go()
        report(walk, plain)
    return 0


@contextmanager
def portal() -> Iterator[tuple[Path, str]]:
    folder = temporary_folder()
    environment = env.for_child(**ALONE, PORTAL_DATA=str(folder / "data"), SANDBOX_URL="")
    command = [sys.executable, "-m", "rollback_portal.local"]
    process = Process("portal", command, environment, folder / "portal.log", SIGINT)
    process.start()
    try:
        wait_until(lambda: not process.is_up or "Ctrl-C stops" in process.log.read_text(), 180, pause=0.1)
        if not process.is_up:
            raise Problem(f"The portal did not start.\n{process.last_words()}")
        told = json.loads((folder / "data" / "running.json").read_text())
        os.environ.update({**told, "PORTAL_DATA": str(folder / "data"), "PORTAL_ENV_FILE": os.devnull})
        yield folder, told["PORTAL_ADDRESS"]
    finally:
        stop_together([process], 60)


def grow(shop: Target, wanted: int) -> int:
    """Add rows until the database has so many bytes."""
    with client.connect(shop, "bench", autocommit=True) as connection:
        connection.execute('INSERT INTO "Webhook" ("url", "secret") VALUES (\'https://example.com\', \'x\')')
        while (size := measured(connection)) < wanted:
            connection.execute(GROW.encode())
        connection.execute("ANALYZE")
    return size


def measured(connection: client.Connection) -> int:
    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def plain_dump(shop: Target, level: str) -> float:
    """Plain `pg_dump -Fc` with its usual compression, or with ours: the baselines, in the same run."""
    found = programs.find(18, wants_tls=False)
    with tempfile.TemporaryDirectory() as place:
        command = [found.pg_dump, "--format=custom", f"--file={place}/plain.dump"]
        command += [f"--compress={level}"] if level else []
        began = time.monotonic()
        subprocess.run(command, env=env.for_child(**shop.environment()), check=True)
        os.sync()
        return time.monotonic() - began


class Walk:
    """One database rollback from its first step to its last, with what it took."""

    def __init__(self, folder: Path, address: str) -> None:
        import django

        os.environ["DJANGO_SETTINGS_MODULE"] = "rollback_portal.settings"
        django.setup()
        self.looking = Looking(folder, address)
        self.memory = Memory()

    def go(self) -> None:
        from dbtools.models import Database
        from dbtools.wizard import actions, approval
        from rollback_portal.accounts.models import User
        from rollback_portal.audit.record import Actor

        dana, efe = (Actor.of(User.objects.get(username=name)) for name in ("dana", "efe"))
        row = actions.start(dana, Database.objects.get())
        self.pk = row.pk
        actions.decide(dana, row, reason="A measurement of the wizard", source={"kind": "live"})
        row = self.wait("choosing")
        actions.choose(dana, row, row.migrations[-1]["name"])
        row = self.wait("writing")
        actions.write(dana, row, DOWN)
        row = self.wait("ready")
        with self.looking.at(row.get_absolute_url()), self.memory:
            actions.back_up(dana, row)
            row = self.wait("rehearsed")
            approval.ask(dana, row)
            approval.approve(efe, row, seen=row.approval_digest, acknowledged_losses=approval.losing(row))
            approval.run(dana, row, typed=row.phrase)
            self.row = self.wait("done")

    def wait(self, status: str) -> DatabaseRollback:
        from dbtools.models import DatabaseRollback

        deadline = time.monotonic() + LONGEST
        while time.monotonic() < deadline:
            row = DatabaseRollback.objects.shown().get(pk=self.pk)
            if row.status == status:
                return row
            if not row.waits_for_worker:
                raise Problem(f"The wizard is at “{row.status}”, not at “{status}”: {row.message}")
            time.sleep(0.2)
        raise Problem(f"The wizard was not at “{status}” within {LONGEST} s.")


class Looking:
    """Somebody who looks at two pages again and again, and notes how long each took."""

    def __init__(self, folder: Path, address: str) -> None:
        passwords = json.loads((folder / "data" / "people.json").read_text())
        self.person = Person(address)
        self.person.sign_in("vera", passwords["vera"])
        self.times: list[float] = []

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        over = threading.Event()

        def look() -> None:
            while not over.wait(0.1):
                for each in (path, "/"):
                    began = time.monotonic()
                    self.person.page(each)
                    self.times.append(time.monotonic() - began)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=30)


class Memory:
    """The most memory that the wizard's worker and its programs have held."""

    def __init__(self) -> None:
        self.most = 0
        self._over = threading.Event()

    def __enter__(self) -> None:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=10)

    def _watch(self) -> None:
        worker = next(
            each for each in psutil.process_iter(["cmdline"]) if "wizard@%h" in (each.info["cmdline"] or [])
        )
        while not self._over.wait(0.25):
            held = 0
            for each in (worker, *worker.children(recursive=True)):
                try:
                    held += 0 if "postgres" in each.name() else each.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.most = max(self.most, held)


def report(walk: Walk, plain: list[float]) -> None:
    row, backup = walk.row, walk.row.backup
    if backup is None:
        raise Problem("The wizard ended without a backup.")
    usual, ours = plain
    table(
        ["backup", "seconds", "beside plain"],
        [
            ["plain pg_dump -Fc, usual compression", f"{usual:.1f}", ""],
            ["plain pg_dump -Fc --compress=3, as the wizard's", f"{ours:.1f}", ""],
            ["the wizard's, read back whole", f"{backup.seconds:.1f}", f"{backup.seconds / usual - 1:+.0%}"],
        ],
    )
    told = row.rehearsal
    table(
        ["step", "seconds"],
        [
            ["rehearsal, all of it", f"{told['total_seconds']:.1f}"],
            ["… of it the restore", f"{told['restore_seconds']:.1f}"],
            ["… of it the SQL", f"{told['seconds']:.1f}"],
            ["the run", f"{row.run_log['seconds']:.1f}"],
        ],
    )
    times = walk.looking.times
    table(
        ["pages meanwhile", "p50", "p95", "most"],
        [[f"{len(times)} views", *(milliseconds(share(times, part)) for part in (0.5, 0.95, 1.0))]],
    )
    say(f"  Most memory of the worker and its programs: {walk.memory.most / MEGABYTE:,.0f} MB.\n")


if __name__ == "__main__":
    sys.exit(main())
