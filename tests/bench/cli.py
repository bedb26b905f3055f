"""The provider's own command line, `vercel rollback`, as the baseline; pinned in `tests/conformance`."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from signal import SIGKILL

from rollback_portal import env
from rollback_portal.local.throwaway import temporary_folder
from rollback_portal.processes.child import end_with_parent
from rollback_portal.processes.supervised import CannotRun

CONFORMANCE = env.ROOT / "tests" / "conformance"
PROGRAM = CONFORMANCE / "node_modules" / ".bin" / "vercel"
TOKEN = "vcp_sandbox"


class NotHere(Exception):
    """The command line is not available; the message says why."""


class Cli:
    """The command line with its own home directory and so without a login."""

    def __init__(self) -> None:
        install()
        self.home = temporary_folder()
        self.version = self.run("--version").strip().splitlines()[-1].strip()  # also warms the disk cache

    def run(self, *words: str) -> str:
        quiet = {
            "HOME": str(self.home),
            "VERCEL_TELEMETRY_DISABLED": "1",
            "NO_UPDATE_NOTIFIER": "1",
            "CI": "1",
        }
        done = subprocess.run(
            [str(PROGRAM), *words],
            cwd=self.home,
            env={"PATH": os.environ.get("PATH", os.defpath), **quiet},
            capture_output=True,
            text=True,
            timeout=90,
            stdin=subprocess.DEVNULL,
            preexec_fn=end_with_parent(SIGKILL),
            check=False,
        )
        if done.returncode:
            raise CannotRun(
                f"vercel {' '.join(words[:2])} ended with {done.returncode}:\n{done.stderr[-1500:]}"
            )
        return done.stdout or done.stderr

    def roll_back(self, deployment: str, api: str) -> tuple[float, float]:
        """Return the times of its start and its success message, in seconds since the epoch."""
        began = time.time()
        self.run("rollback", deployment, "--yes", "--api", api, "--token", TOKEN)
        return began, time.time()


def install() -> None:
    """Run `npm ci` once, with only the pinned versions.

    Raises:
        NotHere: there is no Node.js, or no npm to install with.
    """
    if shutil.which("node") is None:
        raise NotHere("Node.js is not installed")
    if is_installed(PROGRAM):
        return
    if shutil.which("npm") is None or not (CONFORMANCE / "package-lock.json").exists():
        raise NotHere("npm, which would install the vercel command line, is not here")
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    done = subprocess.run(command, cwd=CONFORMANCE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"npm could not install the vercel command line ({done.stderr.strip()[-300:]})")


def is_installed(program: Path) -> bool:
    return program.exists()
