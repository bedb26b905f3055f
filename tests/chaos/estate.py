"""The processes of one run: PostgreSQL, Redis, the sandbox, two workers, two dispatchers, all real."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from rollback_portal import env
from rollback_portal.local.folder import Folder
from rollback_portal.local.postgres import Postgres
from rollback_portal.local.processes import Process, stop_together, wait_until
from rollback_portal.local.redis import redis_server, redis_url, wait_for_redis

PYTHON = sys.executable
REAL = ("RENDER_API_KEY", "RENDER_API_URL", "VERCEL_TOKEN", "VERCEL_TEAM_ID", "VERCEL_API_URL")
CELERY = ("--queues", "operations", "--without-mingle", "--without-gossip", "--loglevel", "WARNING")
THREADS = ("--pool", "threads", "--concurrency", "8")
CHILDREN = ("--pool", "prefork", "--concurrency", "4", "--max-tasks-per-child", "25")


@dataclass
class Setting:
    """How the processes of a run are set up."""

    seed: int
    without: str = ""
    trouble: float = 1.0
    busy: float = 0.0
    longest: float = 0.25
    afterwards: float = 0.25
    release: float = 0.5
    before: float = 0.0
    after: float = 0.0
    real_time: bool = False
    naive: bool = False
    queue: bool = True


def environment(folder: Path) -> dict[str, str]:
    """What all processes get: ours, without anybody's real keys, and with short waits."""
    clean = {key: value for key, value in env.for_child().items() if not key.startswith(REAL)}
    return clean | {
        "PORTAL_LOCAL": "1",
        "PORTAL_ENV_FILE": os.devnull,
        "PORTAL_DATA": str(folder),
        "SECRET_KEY": "for chaos runs only",
        "DJANGO_SETTINGS_MODULE": "rollback_portal.settings",
        "LEASE_SECONDS": "6",
        "SETTLE_SECONDS": "2",
        "SERVE_SECONDS": "15",
        "LOG_LEVEL": "ERROR",
    }


def make_template(folder: Path) -> None:
    """A PostgreSQL cluster with all tables, made once and copied for each run."""
    keeper = Folder(folder)
    postgres = Postgres(keeper, keeper.sockets(), env.for_child())
    postgres.prepare()
    server = postgres.start()
    try:
        postgres.wait(server)
        migrate = [PYTHON, "manage.py", "migrate", "--verbosity", "0"]
        told = environment(folder) | {"DATABASE_URL": postgres.url}
        subprocess.run(migrate, env=told, cwd=env.ROOT, check=True)
    finally:
        stop_together([server], 20)


@dataclass
class Estate:
    """Starts, breaks and repairs. Only the main thread may use it: a child dies with the thread it is of."""

    folder: Path
    setting: Setting
    workers: list[Process] = field(default_factory=list)
    dispatchers: list[Process] = field(default_factory=list)
    gone_since: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keeper = Folder(self.folder)
        self.sockets = self.keeper.sockets()
        self.environment = environment(self.folder)
        if self.setting.real_time:
            for name in ("LEASE_SECONDS", "SETTLE_SECONDS", "SERVE_SECONDS"):
                self.environment.pop(name)
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"

    # --- up ---

    def start_servers(self, template: Path) -> None:
        """PostgreSQL, Redis and the sandbox; the environment then names them."""
        for name in ("postgres", "postgres_password"):
            subprocess.run(["cp", "-a", str(template / name), str(self.folder)], check=True)
        self.postgres = Postgres(self.keeper, self.sockets, env.for_child())
        self.postgres.prepare()
        self.start_database()
        self.start_queue()
        self.environment["DATABASE_URL"] = self.postgres.url
        self.environment["REDIS_URL"] = redis_url(self.sockets)
        self.environment["SANDBOX_URL"] = self.address
        self.start_provider()

    def start_provider(self) -> None:
        given = self.setting
        command = [PYTHON, "-m", "tests.chaos.provider", "--port", str(self.port), "--seed", str(given.seed)]
        for name in ("trouble", "busy", "longest", "afterwards", "release"):
            command += [f"--{name}", str(getattr(given, name))]
        self.provider = self.process("provider", command)
        self.provider.start()
        if not wait_until(self.provider_answers, 40, pause=0.1):
            raise RuntimeError(f"The sandbox did not start:\n{self.provider.last_words()}")

    def provider_answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/_sandbox/pace", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def start_portal(self) -> None:
        """Two workers, one with threads and one with children, and two dispatchers."""
        if self.setting.naive:
            module = ["-m", "celery", "-A", "tests.chaos.naive", "worker"]
            self.workers = [
                self.process(f"worker-{number}", [PYTHON, *module, *CELERY, *THREADS, "-n", f"{number}@%h"])
                for number in (1, 2)
            ]
        else:
            self.workers = [
                self.process(
                    f"worker-{number}", self.entry("worker", *CELERY, *pool, "--hostname", f"{number}@%h")
                )
                for number, pool in ((1, THREADS), (2, CHILDREN))
            ]
            if self.setting.without != "dispatcher":
                self.dispatchers = [
                    self.process(f"dispatcher-{number}", self.entry("dispatch")) for number in (1, 2)
                ]
        self.respawn()

    def entry(self, *rest: str) -> list[str]:
        given = self.setting
        command = [PYTHON, "-m", "tests.chaos.worker"]
        command += ["--without", given.without] if given.without else []
        command += ["--real-time"] if given.real_time else []
        command += ["--before", str(given.before), "--after", str(given.after)]
        return [*command, *rest]

    def process(self, name: str, command: list[str]) -> Process:
        return Process(name, command, self.environment, self.keeper.log / f"{name}.log")

    def respawn(self) -> None:
        """Start whatever of the portal is not running."""
        for process in (*self.workers, *self.dispatchers):
            if not process.is_up:
                process.start()

    def respawn_due(self, seconds: float) -> None:
        """Start what has not been running for so long, as a supervisor does."""
        now = time.monotonic()
        for process in (*self.workers, *self.dispatchers):
            if process.is_up:
                self.gone_since.pop(process.name, None)
            elif now - self.gone_since.setdefault(process.name, now) >= seconds:
                process.start()

    # --- PostgreSQL and Redis ---

    def start_database(self) -> None:
        self.database = self.postgres.start()
        self.postgres.wait(self.database)

    def restart_database(self) -> None:
        """`pg_ctl -m immediate restart`: no farewell to anybody, recovery from the log at the start."""
        assert self.database.running is not None
        self.database.running.send_signal(signal.SIGQUIT)
        self.database.running.wait(timeout=30)
        self.start_database()

    def start_queue(self) -> None:
        log = self.keeper.log / "redis.log"
        self.queue = redis_server(self.folder / "redis", self.sockets, log, self.environment)
        if self.setting.queue:
            self.queue.start()
            wait_for_redis(self.queue, self.sockets)

    def kill_queue(self, *, wipe: bool) -> None:
        self.queue.kill()
        if wipe:
            shutil.rmtree(self.folder / "redis", ignore_errors=True)

    # --- down ---

    def stop(self) -> None:
        everybody = [*self.workers, *self.dispatchers]
        for process in (*everybody, self.queue):
            if process.running is not None and process.is_up:
                os.killpg(process.running.pid, signal.SIGCONT)
        for process in (*everybody, self.provider, self.queue):
            process.kill()
        stop_together([self.database], 20)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
