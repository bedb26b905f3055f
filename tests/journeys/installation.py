"""The portal of a journey and the sandbox behind it: received orders, faults, and changes from outside."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import httpx
import psycopg

from deployments.management.exit_codes import NOT_READ
from rollback_portal.command import DONE
from rollback_portal.local.throwaway import temporary_folder
from rollback_portal.processes.supervised import wait_until
from tests.rollback_portal.local.running_portal import Portal

READ_WITHIN = 120.0  # seconds; it only ends a hanging start
LOOK_EVERY = 2.0  # seconds: each check starts a process, which takes a second of processor time
FORGET = """
ALTER TABLE audit_auditentry DISABLE TRIGGER audit_entry_is_not_truncated;
TRUNCATE audit_auditentry, django_session, deployments_commitmark, deployments_service, deployments_operation,
    deployments_outsideact, deployments_providerstatus, dbtools_database CASCADE;
ALTER TABLE audit_auditentry ENABLE ALWAYS TRIGGER audit_entry_is_not_truncated;
"""
LOGS = ("web", "worker-operations", "worker-reading", "beat", "sandbox")


class Installation:
    """One portal with its own ports, data and sandbox."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.used = False
        self.tolerated_errors: tuple[str, ...] = ()  # words of errors that a simulated outage may cause
        self.address = portal.address
        self.passwords: dict[str, str] = json.loads((portal.folder / "people.json").read_text())
        self.http = httpx.Client(
            base_url=f"{portal.running()['SANDBOX_URL']}/_sandbox", trust_env=False, timeout=30
        )

    # --- what the providers saw ---
    def received(self) -> list[tuple[str, str, str]]:
        """Every order that would move traffic: provider, what, and the deployment's id; oldest first."""
        return [(row["provider"], row["kind"], row["deployment"]) for row in self.ask("GET", "/applied")]

    def service(self, name: str) -> dict[str, Any]:
        """The current state of one service in the sandbox."""
        rows = self.ask("GET", "/state")["services"]
        return next(dict(row) for row in rows if row["name"] == name)

    # --- what happens around the portal ---
    def add_fault(self, on: str, do: str, **words: Any) -> None:
        """Add a fault, until `calm` or for a number of `times`."""
        self.ask("POST", "/faults", {"on": on, "do": do, "times": None, **words})

    def provider_event(self, does: str, service: str, **words: Any) -> None:
        """Do something in the provider's own dashboard or by git, without the portal."""
        self.ask("POST", "/outside", {"does": does, "service": service, **words})

    def pace(self, name: str = "fast", **seconds: float) -> None:
        self.ask("POST", "/pace", {"name": name, **seconds})

    def calm(self) -> None:
        """No faults, no delays, and an empty list of received orders."""
        self.ask("DELETE", "/faults")
        self.ask("DELETE", "/applied")
        self.pace()

    def start_anew(self) -> None:
        """Forget all but people, here and in the sandbox, and read the company anew."""
        self.sql(FORGET)
        sandbox = self.portal.named("manage.py sandbox")
        sandbox.suspend()  # so that it writes its state no more
        (self.portal.folder / "sandbox.json").unlink()
        sandbox.kill()  # the local run starts another one
        assert wait_until(lambda: sandbox_answers(self), READ_WITHIN)
        self.read_company()

    def read_company(self) -> None:
        self.calm()
        self.read_now()  # else the next scheduled sync is up to 15 s away
        assert wait_until(lambda: has_read(self), READ_WITHIN, pause=LOOK_EVERY)

    def sql(self, statements: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask the portal's own database; a `manage.py` would take a second of processor time."""
        with psycopg.connect(self.portal.running()["DATABASE_URL"], autocommit=True) as connection:
            cursor = connection.execute(statements, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def read_now(self) -> None:
        """Sync both providers now instead of waiting for the schedule; one of them may not answer."""
        self.portal.command("status", "--fresh", ends_with=(DONE, NOT_READ))

    def ask(self, method: str, path: str, words: Any = None) -> Any:
        answer = self.http.request(method, path, json=words)
        assert answer.status_code == 200, f"{method} {path}: {answer.text}"
        return answer.json()

    # --- errors of the portal itself ---
    def tracebacks(self) -> list[str]:
        """Uncaught errors in the logs of the portal's processes."""
        logs = [self.portal.folder / "log" / f"{name}.log" for name in LOGS]
        written = [log.read_text(errors="replace") for log in logs if log.exists()]
        errors = [part for text in written for part in text.split("Traceback (most recent call last)")[1:]]
        return [part[:3000] for part in errors if not any(word in part for word in self.tolerated_errors)]


@contextmanager
def whole_portal(**variables: str) -> Iterator[Installation]:
    """Start a portal with these variables, and stop it however the journey ends."""
    folder = temporary_folder(in_memory=True)
    portal = Portal(folder / "data", **variables).start()
    try:
        installation = Installation(portal.wait_until_ready())
        installation.read_company()
        yield installation
        installation.http.close()
        assert portal.process.poll() is None, f"The portal ended by itself:\n{portal.output}"
        assert not installation.tracebacks(), "\n".join(installation.tracebacks())
    finally:
        stop(portal)
        shutil.rmtree(folder, ignore_errors=True)


def has_read(installation: Installation) -> bool:
    """Return whether both live deployments are known and the version checks are done."""
    known = json.loads(installation.portal.command("status", "--json"))
    served = [row["live"] and row["served"]["commit"] for row in known]
    return len(served) == 2 and all(served)


def sandbox_answers(installation: Installation) -> bool:
    try:
        return installation.http.get("/state").status_code == 200
    except httpx.TransportError:
        return False


def stop(portal: Portal) -> None:
    try:
        portal.end()
    except subprocess.TimeoutExpired:
        portal.process.kill()  # its child processes end with it
        raise
