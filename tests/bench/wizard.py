"""`make bench-wizard`: rolls back a database of about 1 GB with the wizard, compared with plain pg_dump.

A separate portal is started as by `make run`, and its practice database is grown to the requested size. The
actions are called as the pages do, the wizard's worker does the work, and a visitor keeps loading two pages.
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
from dbtools.postgres.client import DatabaseAddress
from rollback_portal import env
from rollback_portal.local.company import ADDRESS
from rollback_portal.local.throwaway import temporary_folder
from rollback_portal.processes.supervised import CannotRun, Process, stop_all, wait_until
from tests.bench.person import Person
from tests.bench.portal import ALONE
from tests.bench.table import milliseconds, say, share, table

if TYPE_CHECKING:  # Django is set up only when the portal runs
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
    args = parser.parse_args()
    with portal() as (folder, address):
        shop = client.parse((folder / "data" / ADDRESS).read_text())
        size = grow(shop, args.megabytes * MEGABYTE)
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
        wait_until(
            lambda: not process.is_running or "Ctrl-C stops" in process.log.read_text(), 180, pause=0.1
        )
        if not process.is_running:
            raise CannotRun(f"The portal did not start.\n{process.log_tail()}")
        settings = json.loads((folder / "data" / "running.json").read_text())
        os.environ.update({**settings, "PORTAL_DATA": str(folder / "data"), "PORTAL_ENV_FILE": os.devnull})
        yield folder, settings["PORTAL_ADDRESS"]
    finally:
        stop_all([process], 60)


def grow(shop: DatabaseAddress, wanted: int) -> int:
    """Add rows until the database has `wanted` bytes."""
    with client.connect(shop, "bench", autocommit=True) as connection:
        connection.execute('INSERT INTO "Webhook" ("url", "secret") VALUES (\'https://example.com\', \'x\')')
        while (size := measured(connection)) < wanted:
            connection.execute(GROW.encode())
        connection.execute("ANALYZE")
    return size


def measured(connection: client.Connection) -> int:
    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def plain_dump(shop: DatabaseAddress, level: str) -> float:
    """Run plain `pg_dump -Fc` with the given compression as a baseline; return the seconds."""
    located = programs.find(18, requires_tls=False)
    with tempfile.TemporaryDirectory() as place:
        command = [located.pg_dump, "--format=custom", f"--file={place}/plain.dump"]
        command += [f"--compress={level}"] if level else []
        began = time.monotonic()
        subprocess.run(command, env=env.for_child(**shop.environment()), check=True)
        os.sync()
        return time.monotonic() - began


class Walk:
    """One database rollback from its first step to its last, with measurements."""

    def __init__(self, folder: Path, address: str) -> None:
        import django

        os.environ["DJANGO_SETTINGS_MODULE"] = "rollback_portal.settings"
        django.setup()
        self.visitor = Visitor(folder, address)
        self.memory = Memory()

    def go(self) -> None:
        from dbtools.models import Database
        from dbtools.wizard import actions, approval
        from rollback_portal.accounts.models import User
        from rollback_portal.audit.record import Actor

        dana, efe = (Actor.of(User.objects.get(username=name)) for name in ("dana", "efe"))
        row = actions.start(dana, Database.objects.get())
        self.pk = row.pk
        actions.justify(dana, row, reason="A measurement of the wizard", source={"kind": "live"})
        row = self.wait("choosing")
        actions.select_migrations(dana, row, name=row.migrations[-1]["name"])
        row = self.wait("writing")
        actions.submit_sql(dana, row, sql=DOWN)
        row = self.wait("ready")
        with self.visitor.at(row.get_absolute_url()), self.memory:
            actions.request_backup(dana, row)
            row = self.wait("rehearsed")
            approval.request_approval(dana, row)
            approval.approve(efe, row, seen=row.approval_digest, acknowledged_losses=row.loss_numbers)
            approval.start_run(dana, row, typed=row.phrase)
            self.row = self.wait("done")

    def wait(self, status: str) -> DatabaseRollback:
        from dbtools.models import DatabaseRollback

        deadline = time.monotonic() + LONGEST
        while time.monotonic() < deadline:
            row = DatabaseRollback.objects.shown().get(pk=self.pk)
            if row.status == status:
                return row
            if not row.waits_for_worker:
                raise CannotRun(f"The wizard is at “{row.status}”, not at “{status}”: {row.message}")
            time.sleep(0.2)
        raise CannotRun(f"The wizard was not at “{status}” within {LONGEST} s.")


class Visitor:
    """A visitor who keeps loading two pages and records how long each took."""

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
                for item in (path, "/"):
                    began = time.monotonic()
                    self.person.page(item)
                    self.times.append(time.monotonic() - began)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=30)


class Memory:
    """The peak memory of the wizard's worker and its programs."""

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
            item for item in psutil.process_iter(["cmdline"]) if "wizard@%h" in (item.info["cmdline"] or [])
        )
        while not self._over.wait(0.25):
            held = 0
            for item in (worker, *worker.children(recursive=True)):
                try:
                    held += 0 if "postgres" in item.name() else item.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.most = max(self.most, held)


def report(walk: Walk, plain: list[float]) -> None:
    row, backup = walk.row, walk.row.backup
    if backup is None:
        raise CannotRun("The wizard ended without a backup.")
    usual, ours = plain
    table(
        ["backup", "seconds", "beside plain"],
        [
            ["plain pg_dump -Fc, usual compression", f"{usual:.1f}", ""],
            ["plain pg_dump -Fc --compress=3, as the wizard's", f"{ours:.1f}", ""],
            ["the wizard's, read back whole", f"{backup.seconds:.1f}", f"{backup.seconds / usual - 1:+.0%}"],
        ],
    )
    rehearsal = row.rehearsal
    table(
        ["step", "seconds"],
        [
            ["rehearsal, all of it", f"{rehearsal['total_seconds']:.1f}"],
            ["… of it the restore", f"{rehearsal['restore_seconds']:.1f}"],
            [
                "… of it the second copy, counting and comparing rows",
                f"{rehearsal['comparison_seconds']:.1f}",
            ],
            ["… of it the SQL", f"{rehearsal['seconds']:.1f}"],
            ["the run", f"{row.run_log['seconds']:.1f}"],
        ],
    )
    times = walk.visitor.times
    table(
        ["pages meanwhile", "p50", "p95", "most"],
        [[f"{len(times)} views", *(milliseconds(share(times, part)) for part in (0.5, 0.95, 1.0))]],
    )
    say(f"  Most memory of the worker and its programs: {walk.memory.most / MEGABYTE:,.0f} MB.\n")


if __name__ == "__main__":
    sys.exit(main())
