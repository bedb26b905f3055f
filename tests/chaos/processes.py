"""The processes of one run: PostgreSQL, Redis, sandbox, web, two workers, two dispatchers, all real."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from rollback_portal import env
from rollback_portal.local import parts
from rollback_portal.local.redis import redis_server, redis_url, wait_for_redis
from rollback_portal.processes.data_folder import DataFolder
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import Process, stop_all, wait_until
from tests.chaos import commits
from tests.chaos.forks import Forked, Forks
from tests.chaos.setting import PYTHON, Setting, environment, free_port

CELERY = ("--queues", "operations", "--without-mingle", "--without-gossip", "--loglevel", "WARNING")
GIVEN_FRESH_FOR = 1.0  # seconds
THREADS = ("--pool", "threads", "--concurrency", "8")
CHILDREN = ("--pool", "prefork", "--concurrency", "4", "--max-tasks-per-child", "25")


@dataclass
class Processes:
    """Starts, breaks and restarts them; main thread only, because a child ends with its parent thread."""

    folder: Path
    setting: Setting
    workers: list[Process] = field(default_factory=list)
    dispatchers: list[Process] = field(default_factory=list)
    web: Process | None = None
    proxy: Process | None = None
    forks: Forks | None = None
    through: dict[str, str] = field(default_factory=dict)  # variables that send the portal through the proxy
    gone_since: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keeper = DataFolder(self.folder)
        self.sockets = self.keeper.sockets()
        self.deaths = self.folder / "deaths"
        self.deaths.mkdir()
        self.environment = environment(self.folder) | {"SETTLE_SECONDS": str(self.setting.settle)}
        if self.setting.real_time:
            for name in ("LEASE_SECONDS", "SETTLE_SECONDS", "SERVE_SECONDS"):
                self.environment.pop(name)
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.web_socket = parts.listen(0)
        self.web_address = f"http://127.0.0.1:{self.web_socket.getsockname()[1]}"
        self.given_at, self.last_given = -GIVEN_FRESH_FOR, dict[str, int]()
        self.written_cuts = self.folder / "cuts"

    # --- start ---

    def start_servers(self, template: Path) -> None:
        """Start PostgreSQL, Redis and the sandbox, and add their addresses to the environment."""
        for name in ("postgres", "postgres_password", "static"):
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
        setting = self.setting
        command = [
            PYTHON,
            "-m",
            "tests.chaos.provider",
            "--port",
            str(self.port),
            "--seed",
            str(setting.seed),
        ]
        for name in ("trouble", "busy", "longest", "afterwards", "release", "aliases"):
            command += [f"--{name}", str(getattr(setting, name))]
        command += ["--skew", str(setting.skew)]
        command += ["--no-date"] if setting.no_date else []
        command += ["--date-skew", str(setting.date_skew)] if setting.date_skew is not None else []
        command += ["--odd"] if setting.odd else []
        command += ["--keep", str(self.folder / "world.json")] if setting.keeps else []
        command += ["--owner", str(self.folder)]
        self.provider = self.process("provider", command)
        self.provider.start()
        if not wait_until(self.provider_answers, 40, pause=0.1):
            raise RuntimeError(f"The sandbox did not start:\n{self.provider.log_tail()}")

    def provider_answers(self) -> bool:
        """Whether this run's own provider answers: another run beside it may have got the same free port."""
        try:
            answer = httpx.get(f"{self.address}/_sandbox/owner", timeout=2, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and answer.json() == str(self.folder)

    def given(self) -> dict[str, int]:
        """The odd answers of the provider so far, by kind."""
        if self.setting.odd and time.monotonic() > self.given_at + GIVEN_FRESH_FOR:
            answer = httpx.get(f"{self.address}/_sandbox/given", timeout=20, trust_env=False)
            self.given_at, self.last_given = time.monotonic(), dict(sorted(answer.json().items()))
        return self.last_given

    def start_portal(self) -> None:
        """Start the web server, a threaded and a prefork worker, and two dispatchers."""
        self.through = self.start_proxy() if self.setting.cut else {}
        if self.setting.naive:
            module = ["-m", "celery", "-A", "tests.chaos.naive", "worker"]
            self.workers = [
                self.process(f"worker-{number}", [PYTHON, *module, *CELERY, *THREADS, "-n", f"{number}@%h"])
                for number in (1, 2)
            ]
        else:
            self.forks = Forks(self.environment | self.through)
            self.workers = [
                self.forked(
                    f"worker-{number}",
                    self.entry(number, "worker", *CELERY, *pool, "--hostname", f"{number}@%h"),
                )
                for number, pool in ((1, THREADS), (2, CHILDREN))
            ]
            self.start_web()
            if self.setting.without != "dispatcher":
                self.dispatchers = [
                    self.forked(f"dispatcher-{number}", self.entry(number, "dispatch")) for number in (1, 2)
                ]
        self.respawn()

    def entry(self, number: int, *rest: str) -> list[str]:
        """Return the arguments of `tests.chaos.worker` for the first or the second machine."""
        setting = self.setting
        command = ["--without", setting.without] if setting.without else []
        command += ["--real-time"] if setting.real_time else []
        command += ["--before", str(setting.before), "--after", str(setting.after)]
        command += ["--ahead", str(setting.apart if number == 1 else -setting.apart)]
        for point in setting.die_at:
            command += ["--die-at", point]
        if setting.die_at:
            command += ["--share", str(setting.share), "--deaths", str(setting.deaths)]
            command += ["--seed", str(setting.seed), "--written-to", str(self.deaths)]
        return [*command, *rest]

    def process(self, name: str, command: list[str]) -> Process:
        variables = self.environment | self.through
        return Process(name, command, variables, self.keeper.log / f"{name}.log")

    def forked(self, name: str, arguments: list[str]) -> Process:
        return Forked(name, arguments, {}, self.keeper.log / f"{name}.log", forks=self.forks)

    def start_web(self) -> None:
        """As `make run` starts it, with one process instead of two, to save processor time."""
        self.web = parts.web(self.web_socket, self.keeper.log, self.environment | self.through)
        self.web.command = [*self.web.command, "--workers", "1"]

    @property
    def portal(self) -> list[Process]:
        return [*([self.web] if self.web else []), *self.workers, *self.dispatchers]

    def respawn(self) -> None:
        """Start every portal process that is not running."""
        for process in self.portal:
            if not process.is_running:
                process.start()

    def respawn_due(self, seconds: float) -> None:
        """Start every process that has been down for this many seconds, as a supervisor does."""
        now = time.monotonic()
        for process in self.portal:
            if process.is_running:
                self.gone_since.pop(process.name, None)
            elif now - self.gone_since.setdefault(process.name, now) >= seconds:
                process.start()

    # --- PostgreSQL and Redis ---

    def start_proxy(self) -> dict[str, str]:
        """Start the proxy that cuts commits; return the variables that make the portal use it."""
        port = free_port()
        command = [PYTHON, "-m", "tests.chaos.commits", "--port", str(port)]
        command += ["--server", str(self.sockets / ".s.PGSQL.5432"), "--share", str(self.setting.cut)]
        command += ["--seed", str(self.setting.seed), "--written-to", str(self.written_cuts)]
        self.proxy = self.process("proxy", command)
        self.proxy.start()
        if not wait_until(lambda: parts.takes_connections(port), 20, pause=0.1):
            raise RuntimeError(f"The PostgreSQL proxy does not accept connections:\n{self.proxy.log_tail()}")
        url = urlsplit(self.postgres.url)
        return {"DATABASE_URL": f"postgresql://{url.netloc}127.0.0.1:{port}{url.path}"}

    def start_cutting(self) -> None:
        if self.proxy is not None and self.proxy.popen is not None:
            self.proxy.popen.send_signal(signal.SIGUSR1)

    def stop_cutting(self) -> None:
        if self.proxy is not None and self.proxy.popen is not None:
            self.proxy.popen.send_signal(signal.SIGUSR2)

    def cuts(self) -> dict[str, int]:
        """Return the number of commits cut so far, by kind."""
        written = self.written_cuts.read_text().splitlines() if self.written_cuts.exists() else []
        return {kind: written.count(kind) for kind in commits.KINDS if kind in written}

    def start_database(self) -> None:
        self.database = self.postgres.start()
        self.postgres.wait(self.database)

    def restart_database(self) -> None:
        """Like `pg_ctl -m immediate restart`: sessions are dropped, and the start recovers from the log."""
        assert self.database.popen is not None
        self.database.popen.send_signal(signal.SIGQUIT)
        self.database.popen.wait(timeout=30)
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

    # --- stop ---

    def stop(self) -> None:
        others = [*self.portal, self.provider, *([self.proxy] if self.proxy else [])]
        for process in (*others, self.queue):
            if process.popen is not None and process.is_running:
                os.killpg(process.popen.pid, signal.SIGCONT)
        for process in (*others, self.queue):
            process.kill()
        if self.forks is not None:
            self.forks.end()
        self.web_socket.close()
        stop_all([self.database], 20)
