"""Serves the sandbox over HTTP on loopback, in a single process, because its state is in memory."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from deployments.sandbox.clock import PACES
from deployments.sandbox.persistence import COMPANIES, WorldFile, open_world
from deployments.sandbox.server.app import Sandbox

HOST = "127.0.0.1"
THREADS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=9701)
    parser.add_argument(
        "--keep", type=Path, help="file that the state is saved to; without it, it is lost at the end"
    )
    parser.add_argument("--pace", choices=sorted(PACES), default="local")
    parser.add_argument("--commits", type=Path, help="file with the SHA of each commit of a real repository")
    parser.add_argument("--company", choices=sorted(COMPANIES), default="small")


def serve(port: int, keep: Path | None, pace: str, company: str, commits: Path | None = None) -> None:
    """Serve until the process is terminated."""
    Server(port, keep, pace, company, commits).run()


class Server(BaseApplication):  # type: ignore[misc]
    """A gunicorn with one worker process and several threads."""

    def __init__(
        self, port: int, keep: Path | None, pace: str, company: str, commits: Path | None = None
    ) -> None:
        self.port, self.keep, self.pace, self.company = port, keep, pace, company
        self.commits = commits
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"{HOST}:{self.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "keepalive": 30,
            "graceful_timeout": 2,
            "timeout": 120,
            "loglevel": "warning",
            "proc_name": "sandbox",
            "control_socket_disable": True,  # it would be created in the home folder
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Sandbox:
        """Called by gunicorn in the worker process, after the fork."""
        world = open_world(self.keep, self.company, self.pace, self.commits)
        return Sandbox(world, save=WorldFile(self.keep) if self.keep else None)
