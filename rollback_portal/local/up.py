"""Starts everything in order, restarts what dies, and stops everything in reverse order."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rollback_portal import env
from rollback_portal.local import company, parts, terminal
from rollback_portal.local.redis import redis_server, redis_url, wait_for_redis
from rollback_portal.processes.data_folder import DataFolder
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import CannotRun, Process, stop_all, wait_until

VITAL = ("web", "postgres")  # without one of these everything stops
MOST_RESTARTS, WITHIN = 5, 60.0
SIGN_IN = "/accounts/login/"


class StopRequested(Exception):
    """Ctrl-C, SIGTERM or SIGHUP."""


class Run:
    """One run of the portal on one data folder."""

    def __init__(self, folder: DataFolder, port: int) -> None:
        self.folder = folder
        self.listener = parts.listen(port)
        self.port = int(self.listener.getsockname()[1])
        self.values = {
            "PORTAL_LOCAL": "1",
            "PORTAL_DATA": str(folder.path),
            "PORTAL_ADDRESS": f"http://127.0.0.1:{self.port}",
            "STATIC_ROOT": str(folder.path / "static"),
        }
        self.wizard: dict[
            str, str
        ] = {}  # variables for those processes only that open the wizard's databases
        self.processes: list[Process] = []  # in the order in which they were started
        self.restarts: dict[str, list[float]] = {}
        self.waiting = False
        self.stop_requests = 0
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(signum) is not signal.SIG_IGN:
                signal.signal(signum, self.request_stop)

    def request_stop(self, *_: object) -> None:
        self.stop_requests += 1
        if self.waiting and self.stop_requests == 1:
            raise StopRequested

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Signals interrupt only inside: never between the start of a process and its entry in the list."""
        self.waiting = True
        try:
            if self.stop_requests:
                raise StopRequested
            yield
        finally:
            self.waiting = False

    @property
    def environment(self) -> dict[str, str]:
        return env.for_child(**self.values)

    # --- start ---------------------------------------------------------------------------------------------
    def start(self) -> None:
        began = time.monotonic()
        self.start_servers()
        result = self.prepare()
        self.start_portal()
        terminal.ready(self.values["PORTAL_ADDRESS"], time.monotonic() - began)
        terminal.who_plays(self.values.get("SANDBOX_URL"))
        terminal.who_can_sign_in(result["people"], anyone=bool(result.get("anyone")))
        terminal.how_to_stop(self.folder.path)

    def start_servers(self) -> None:
        if not env.is_set("SECRET_KEY"):
            self.values["SECRET_KEY"] = self.folder.secret("secret_key")
        sockets = self.folder.sockets()
        if not env.is_set("REDIS_URL"):
            self.start_redis(sockets)
        if not env.is_set("DATABASE_URL"):
            self.start_postgres(sockets)

    def start_redis(self, sockets: Path) -> None:
        with terminal.step("Redis", "started"):
            log = self.folder.log / "redis.log"
            server = redis_server(self.folder.path / "redis", sockets, log, env.for_program())
            self.launch(server)
            with self.interruptible():
                wait_for_redis(server, sockets)
            self.values["REDIS_URL"] = redis_url(sockets)

    def start_postgres(self, sockets: Path) -> None:
        with terminal.step("PostgreSQL", "started"):
            postgres = Postgres(self.folder, sockets, env.for_program())
            with self.interruptible():
                postgres.prepare()
            server = postgres.start()
            self.processes.append(server)
            with self.interruptible():
                postgres.wait(server)
            self.values["DATABASE_URL"] = postgres.url

    def prepare(self) -> dict[str, Any]:
        """Tables, static files and the sandbox, in parallel; returns the result of `prepare tables`."""
        log = self.folder.log
        if self.needs_sandbox():
            port = parts.port_for_sandbox(self.folder.path / "sandbox_port")
            self.values["SANDBOX_URL"] = f"http://127.0.0.1:{port}"
        tables = parts.preparation("tables", log, self.environment, output=subprocess.PIPE)
        static = parts.preparation("static", log, self.environment)
        practice = self.practice()
        with terminal.step("Tables", "up to date"):
            self.launch(tables, static, *practice)
            if self.needs_sandbox():
                self.launch(parts.sandbox(port, self.folder.path, log, self.environment))
            result = json.loads(self.finish(tables))
        if result["people"]:
            names = ", ".join(person["username"] for person in result["people"])
            self.values["SANDBOX_SIGN_IN"] = f"{names}; their passwords are in the terminal that runs this"
        with terminal.step("Static files", "collected"):
            self.finish(static)
        if practice:
            with terminal.step("Practice data", "ready"):
                self.finish(practice[0])
        if self.needs_sandbox():
            with terminal.step("Sandbox", f"answers at {self.values['SANDBOX_URL']}"), self.interruptible():
                self.wait_for(self.processes[-1], lambda: parts.takes_connections(port))
        return dict(result)

    def practice(self) -> list[Process]:
        """Makes the sandbox company's database; nothing if a provider or PostgreSQL is configured."""
        if not self.needs_sandbox() or "DATABASE_URL" not in self.values or env.is_set("DATABASES_FILE"):
            return []
        company.make_repository(self.folder.path)
        self.wizard = company.variables(self.folder.path)
        self.values["DATABASES_FILE"] = self.wizard["DATABASES_FILE"]
        return [parts.preparation("company", self.folder.log, self.environment)]

    def needs_sandbox(self) -> bool:
        keys = env.is_set("RENDER_API_KEY") and env.is_set("VERCEL_TOKEN")
        return not keys and not env.is_set("SANDBOX_URL")

    def start_portal(self) -> None:
        log = self.folder.log
        self.folder.write_running(self.values)
        with terminal.step("Web", "answers"):
            web = parts.web(self.listener, log, self.environment)
            self.launch(web)
            self.launch(parts.worker("operations", 4, log, self.environment))
            self.launch(parts.worker("reading", 2, log, self.environment))
            self.launch(parts.worker("wizard", 2, log, {**self.environment, **self.wizard}))
            with self.interruptible():
                self.wait_for(web, lambda: parts.page_status(self.port, SIGN_IN) > 0)
            status = parts.page_status(self.port, SIGN_IN)
            if status >= 500:
                raise CannotRun(f"{SIGN_IN} answers {status}. The end of {web.log}:\n{web.log_tail()}")
        self.launch(parts.dispatcher(log, {**self.environment, **self.wizard}))

    def launch(self, *processes: Process) -> None:
        for process in processes:
            process.start()
            self.processes.append(process)

    def finish(self, process: Process) -> str:
        """Wait for a process that ends by itself; returns what it printed."""
        with self.interruptible():
            printed = process.printed()
        self.processes.remove(process)
        if process.exit_code:
            raise CannotRun(f"{process.name} failed. The end of {process.log}:\n{process.log_tail()}")
        return printed

    def wait_for(self, process: Process, condition: Callable[[], bool], seconds: float = 60) -> None:
        wait_until(lambda: not process.is_running or condition(), seconds, pause=0.05)
        if not process.is_running or not condition():
            raise CannotRun(
                f"{process.name} does not answer. The end of {process.log}:\n{process.log_tail()}"
            )

    # --- watch ------------------------------------------------------------------------------------------
    def watch(self) -> None:
        """Until a stop is requested, restart every process that ends. A vital one ends everything.

        Raises:
            StopRequested: a signal came.
            CannotRun: a vital process ended, or another one too often.
        """
        while True:
            with self.interruptible():
                wait_until(
                    lambda: not all(process.is_running for process in self.processes), 3600, pause=0.25
                )
            for process in self.processes:
                if not process.is_running:
                    self.restart(process)

    def restart(self, process: Process) -> None:
        end = f"{process.name} ended by itself with code {process.exit_code}"
        if process.name in VITAL:
            raise CannotRun(f"{end}, so everything stops. The end of {process.log}:\n{process.log_tail()}")
        now = time.monotonic()
        recent = [at for at in self.restarts.get(process.name, []) if now - at < WITHIN]
        if len(recent) >= MOST_RESTARTS:
            raise CannotRun(
                f"{end}, {MOST_RESTARTS + 1} times within {WITHIN:.0f} s, so everything stops. "
                f"The end of {process.log}:\n{process.log_tail()}"
            )
        self.restarts[process.name] = [*recent, now]
        if recent:
            with self.interruptible():
                wait_until(lambda: False, 1.0)  # not in a tight loop
        process.start()
        terminal.note(f"{end} and was started again. Its log: {process.log}")

    # --- stop -------------------------------------------------------------------------------------------
    def stop(self) -> None:
        """Stop clients first, then sandbox and Redis, then the database."""
        began = time.monotonic()
        servers = [process for process in self.processes if process.name in ("sandbox", "redis")]
        database = [process for process in self.processes if process.name == "postgres"]
        clients = [process for process in self.processes if process not in servers + database]
        self.listener.close()
        stop_all(clients, 5, self.is_hurried)
        stop_all(servers, 5, self.is_hurried)
        stop_all(database, 30)
        terminal.stopped(time.monotonic() - began, self.folder.path)

    def is_hurried(self) -> bool:
        return self.stop_requests > 1
