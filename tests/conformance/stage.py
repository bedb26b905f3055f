"""Starts a sandbox for each case, runs Vercel's clients against it, and reads the sandbox's state."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CLI = HERE / "node_modules" / ".bin" / "vercel"
TIMEOUT = 300.0  # seconds; it only ends what hangs


@dataclass(frozen=True)
class Outcome:
    """Exit code and output of a client, without colours."""

    code: int
    text: str


class Stage:
    """One case's sandbox, and the clients that use it."""

    def __init__(self, origin: str, home: Path) -> None:
        self.origin = origin
        self.home = home
        self.http = httpx.Client(base_url=origin, timeout=TIMEOUT)

    # --- The clients ---

    def cli(self, *words: str) -> Outcome:
        return self._run([os.fspath(CLI), *words, "--api", self.origin, "--token", "vcp_sandbox"])

    def sdk(self) -> Outcome:
        return self._run(["node", os.fspath(HERE / "sdk.mjs"), self.origin])

    def _run(self, command: list[str]) -> Outcome:
        quiet = {"VERCEL_TELEMETRY_DISABLED": "1", "NO_UPDATE_NOTIFIER": "1", "CI": "1", "NO_COLOR": "1"}
        environment = os.environ | quiet | {"HOME": os.fspath(self.home)}
        completed = subprocess.run(
            command,
            cwd=self.home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        return Outcome(completed.returncode, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", completed.stdout))

    # --- The sandbox, without the clients ---

    def fault(self, on: str, do: str, **words: Any) -> None:
        self.http.post("/_sandbox/faults", json={"on": on, "do": do, **words}).raise_for_status()

    def rules(self, **words: str) -> None:
        self.http.post("/_sandbox/rules", json=words).raise_for_status()

    def outside(self, **words: str) -> Any:
        answer = self.http.post("/_sandbox/outside", json={"service": "shop-web", **words}).raise_for_status()
        return answer.json()["result"]

    def received(self) -> list[tuple[str, bool, int | str]]:
        rows = self.http.get("/_sandbox/applied").json()
        return [(row["kind"], row["applied"], row["answered"]) for row in rows]

    def web(self) -> dict[str, Any]:
        services = self.http.get("/_sandbox/state").json()["services"]
        return next(row for row in services if row["name"] == "shop-web")

    def deployments(self, **params: str) -> list[dict[str, Any]]:
        key = {"Authorization": "Bearer vcp_sandbox"}
        answer = self.http.get("/v6/deployments", params={"projectId": "shop-web", **params}, headers=key)
        rows: list[dict[str, Any]] = answer.json()["deployments"]
        return rows

    def candidate(self, back: int = 0) -> str:
        return str(self.deployments(rollbackCandidate="true")[back]["uid"])


def expect(outcome: Outcome, code: int, *words: str) -> None:
    missing = [word for word in words if word not in outcome.text]
    if outcome.code != code or missing:
        raise AssertionError(f"exit code {outcome.code}, not {code}; missing: {missing}\n{outcome.text}")


def same(actual: object, expected: object) -> None:
    if actual != expected:
        raise AssertionError(f"actual   {actual}\nexpected {expected}")


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"the condition was not met within {TIMEOUT:.0f} s")
        time.sleep(0.05)


@contextmanager
def opened() -> Iterator[Stage]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "deployments.sandbox", "--port", str(port), "--pace", "fast"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        with tempfile.TemporaryDirectory(prefix="conformance-") as home:
            stage = Stage(f"http://127.0.0.1:{port}", Path(home))
            wait_for(lambda: is_up(stage))
            yield stage
            stage.http.close()
    finally:
        process.terminate()
        process.wait(TIMEOUT)


def is_up(stage: Stage) -> bool:
    try:
        return stage.http.get("/_sandbox/state").status_code == 200
    except httpx.TransportError:
        return False
