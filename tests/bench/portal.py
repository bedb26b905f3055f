"""A separate portal: `make run` in a temporary folder, with its own sandbox, of any checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGKILL
from typing import Any

import httpx

from rollback_portal import env
from rollback_portal.local.parts import any_free_port, takes_connections
from rollback_portal.local.throwaway import temporary_folder
from rollback_portal.processes.child import end_with_parent
from rollback_portal.processes.supervised import CannotRun, Process, stop_all, wait_until
from tests.bench.person import Person

# Ignore a portal that is configured or running on this machine, and real keys.
ALONE = {
    **dict.fromkeys(("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "STATIC_ROOT", "ALLOWED_HOSTS"), ""),
    **dict.fromkeys(("RENDER_API_KEY", "RENDER_API_URL", "VERCEL_TOKEN", "VERCEL_TEAM_ID"), ""),
    **{f"{name}_FILE": "" for name in ("DATABASE_URL", "REDIS_URL", "RENDER_API_KEY", "VERCEL_TOKEN")},
    "VERCEL_API_URL": "",
    "PORTAL_ENV_FILE": os.devnull,
    "PORT": "0",
}


@dataclass
class Portal:
    """The portal and the sandbox that it talks to, both over HTTP on loopback."""

    folder: Path
    company: str
    checkout: Path = env.ROOT
    processes: list[Process] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    # --- up and down ------------------------------------------------------------------------------------
    def start(self) -> None:
        port = any_free_port()
        self.sandbox_address = f"http://127.0.0.1:{port}"
        self.sandbox = httpx.Client(base_url=self.sandbox_address, trust_env=False, timeout=30)
        self.environment = env.for_child(
            **ALONE, PORTAL_DATA=str(self.data), SANDBOX_URL=self.sandbox_address
        )
        command = ["manage.py", "sandbox", "--port", str(port), "--company", self.company]
        command += ["--keep", str(self.folder / "world.json")] if self.company == "small" else []
        sandbox = self._launch("sandbox", command)
        self._wait(sandbox, 30, lambda: takes_connections(port))
        portal = self._launch("portal", ["-m", "rollback_portal.local"])
        self._wait(portal, 90, lambda: "Ctrl-C stops" in portal.log.read_text())
        self.address = json.loads((self.data / "running.json").read_text())["PORTAL_ADDRESS"]

    def _launch(self, name: str, words: list[str]) -> Process:
        command, log = [interpreter(self.checkout), *words], self.folder / f"{name}.log"
        process = Process(name, command, self.environment, log, SIGINT, folder=self.checkout)
        process.start()
        self.processes.append(process)
        return process

    def _wait(self, process: Process, seconds: float, holds: Any) -> None:
        wait_until(lambda: not process.is_running or holds(), seconds, pause=0.05)
        if not process.is_running or not holds():
            raise CannotRun(f"The {process.name} did not start.\n{process.log_tail()}")

    def stop(self) -> None:
        for process in reversed(self.processes):
            stop_all([process], 60)

    # --- inside -----------------------------------------------------------------------------------------
    def command(self, *words: str) -> str:
        """Run `python …` with the portal's environment; return its output."""
        done = subprocess.run(
            [interpreter(self.checkout), *words],
            cwd=self.checkout,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=90,
            stdin=subprocess.DEVNULL,
            preexec_fn=end_with_parent(SIGKILL),
            check=False,
        )
        if done.returncode:
            raise CannotRun(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr[-1500:]}")
        return done.stdout

    def inside(self, *words: str) -> Any:
        """Run a command of `inside.py`; return its result."""
        return json.loads(self.command("-m", "tests.bench.inside", *words))

    def live(self, slug: str, *, fresh: bool = False) -> str:
        """Return the id of the deployment that the portal shows as live; "" if unknown."""
        status = json.loads(self.command("manage.py", "status", "--json", *(["--fresh"] if fresh else [])))
        deployment = next((row["live"] for row in status if row["service"] == slug), None)
        return str(deployment["deployment"]) if deployment else ""

    def person(self, username: str) -> Person:
        """Return a signed-in person of the sandbox."""
        passwords = json.loads((self.data / "people.json").read_text())
        person = Person(self.address)
        person.sign_in(username, passwords[username])
        return person

    def stranger(self) -> Person:
        return Person(self.address)

    # --- the sandbox ------------------------------------------------------------------------------------
    def pace(self, **seconds: float) -> None:
        self.sandbox.post("/_sandbox/pace", json=seconds).raise_for_status()

    def world(self) -> dict[str, Any]:
        """Return the current state of the sandbox."""
        self.sandbox.get("/_sandbox/state").raise_for_status()  # applies what is due, and saves it
        return dict(json.loads((self.folder / "world.json").read_text()))


def interpreter(checkout: Path) -> str:
    """The Python that has what this checkout needs: its own, if it has one."""
    own = checkout / ".venv/bin/python"
    return str(own) if checkout != env.ROOT and own.exists() else sys.executable


@contextmanager
def portal(company: str, checkout: Path = env.ROOT) -> Iterator[Portal]:
    """Start a portal, and stop it at the end."""
    here = Portal(temporary_folder(), company, checkout)
    try:
        here.start()
        yield here
    finally:
        here.stop()
