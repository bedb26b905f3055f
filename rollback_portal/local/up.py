"""Starts everything in order, watches over it, and stops it in the reverse order."""

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
from rollback_portal.processes.data_folder import Folder
from rollback_portal.processes.postgres import Postgres
from rollback_portal.processes.supervised import Problem, Process, stop_together, wait_until

VITAL = ("web", "postgres")  # without one of these there is nothing left to serve
MOST_RESTARTS, WITHIN = 5, 60.0
SIGN_IN = "/accounts/login/"


class AskedToStop(Exception):
    """Ctrl-C, or a polite signal."""


class Run:
    """One run of the portal on one data folder."""

    def __init__(self, folder: Folder, port: int) -> None:
        self.folder = folder
        self.door = parts.open_door(port)
        self.port = int(self.door.getsockname()[1])
        self.values = {
            "PORTAL_LOCAL": "1",
            "PORTAL_DATA": str(folder.path),
            "PORTAL_ADDRESS": f"http://127.0.0.1:{self.port}",
            "STATIC_ROOT": str(folder.path / "static"),
        }
        self.wizard: dict[str, str] = {}  # what only those who open the wizard's databases are told
        self.processes: list[Process] = []  # in the order of their start
        self.restarts: dict[str, list[float]] = {}
        self.waiting = False
        self.asked = 0
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(signum) is not signal.SIG_IGN:
                signal.signal(signum, self.ask_to_stop)

    def ask_to_stop(self, *_: object) -> None:
        self.asked += 1
        if self.waiting and self.asked == 1:
            raise AskedToStop

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Only here a signal interrupts: never between the start of a process and our knowing of it."""
        self.waiting = True
        try:
            if self.asked:
                raise AskedToStop
            yield
        finally:
            self.waiting = False

    @property
    def environment(self) -> dict[str, str]:
        return env.for_child(**self.values)

    # --- up ---------------------------------------------------------------------------------------------
    def start(self) -> None:
        began = time.monotonic()
        self.start_servers()
        told = self.prepare()
        self.start_portal()
        terminal.ready(self.values["PORTAL_ADDRESS"], time.monotonic() - began)
        terminal.who_plays(self.values.get("SANDBOX_URL"))
        terminal.who_can_sign_in(told["people"], anyone=bool(told.get("anyone")))
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
            server = redis_server(self.folder.path / "redis", sockets, log, env.for_child())
            self.launch(server)
            with self.interruptible():
                wait_for_redis(server, sockets)
            self.values["REDIS_URL"] = redis_url(sockets)

    def start_postgres(self, sockets: Path) -> None:
        with terminal.step("PostgreSQL", "started"):
            postgres = Postgres(self.folder, sockets, env.for_child())
            with self.interruptible():
                postgres.prepare()
            server = postgres.start()
            self.processes.append(server)
            with self.interruptible():
                postgres.wait(server)
            self.values["DATABASE_URL"] = postgres.url

    def prepare(self) -> dict[str, Any]:
        """Tables, static files and the sandbox, side by side; what the tables' process has to tell."""
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
            told = json.loads(self.finish(tables))
        if told["people"]:
            names = ", ".join(person["username"] for person in told["people"])
            self.values["SANDBOX_SIGN_IN"] = f"{names}; their passwords stand in the terminal that runs this"
        with terminal.step("Static files", "collected"):
            self.finish(static)
        if practice:
            with terminal.step("Practice data", "stand"):
                self.finish(practice[0])
        if self.needs_sandbox():
            with terminal.step("Sandbox", f"answers at {self.values['SANDBOX_URL']}"), self.interruptible():
                self.wait_for(self.processes[-1], lambda: parts.takes_connections(port))
        return dict(told)

    def practice(self) -> list[Process]:
        """The sandbox company's database, where both the providers and PostgreSQL are ours to play with."""
        if not self.needs_sandbox() or "DATABASE_URL" not in self.values or env.is_set("DATABASES_FILE"):
            return []
        company.found(self.folder.path)
        self.wizard = company.values(self.folder.path)
        self.values["DATABASES_FILE"] = self.wizard["DATABASES_FILE"]
        return [parts.preparation("company", self.folder.log, self.environment)]

    def needs_sandbox(self) -> bool:
        keys = env.is_set("RENDER_API_KEY") and env.is_set("VERCEL_TOKEN")
        return not keys and not env.is_set("SANDBOX_URL")

    def start_portal(self) -> None:
        log = self.folder.log
        self.folder.tell(self.values)
        with terminal.step("Web", "answers"):
            web = parts.web(self.door, log, self.environment)
            self.launch(web)
            self.launch(parts.worker("operations", 4, log, self.environment))
            self.launch(parts.worker("reading", 2, log, self.environment))
            self.launch(parts.worker("wizard", 2, log, {**self.environment, **self.wizard}))
            with self.interruptible():
                self.wait_for(web, lambda: parts.page_status(self.port, SIGN_IN) > 0)
            status = parts.page_status(self.port, SIGN_IN)
            if status >= 500:
                raise Problem(f"{SIGN_IN} answers {status}. The end of {web.log}:\n{web.last_words()}")
        self.launch(parts.dispatcher(log, {**self.environment, **self.wizard}))

    def launch(self, *processes: Process) -> None:
        for process in processes:
            process.start()
            self.processes.append(process)

    def finish(self, process: Process) -> str:
        """Wait for something that ends by itself; what it printed."""
        with self.interruptible():
            printed = process.printed()
        self.processes.remove(process)
        if process.exit_code:
            raise Problem(f"{process.name} failed. The end of {process.log}:\n{process.last_words()}")
        return printed

    def wait_for(self, process: Process, holds: Callable[[], bool], seconds: float = 60) -> None:
        wait_until(lambda: not process.is_up or holds(), seconds, pause=0.05)
        if not process.is_up or not holds():
            words = process.last_words()
            raise Problem(f"{process.name} does not answer. The end of {process.log}:\n{words}")

    # --- watch ------------------------------------------------------------------------------------------
    def watch(self) -> None:
        """Until somebody asks us to stop: whatever ends by itself is started again, or ends everything."""
        while True:
            with self.interruptible():
                wait_until(lambda: not all(process.is_up for process in self.processes), 3600, pause=0.25)
            for process in self.processes:
                if not process.is_up:
                    self.again(process)

    def again(self, process: Process) -> None:
        end = f"{process.name} ended by itself with code {process.exit_code}"
        if process.name in VITAL:
            raise Problem(f"{end}, so everything stops. The end of {process.log}:\n{process.last_words()}")
        now = time.monotonic()
        recent = [at for at in self.restarts.get(process.name, []) if now - at < WITHIN]
        if len(recent) >= MOST_RESTARTS:
            raise Problem(
                f"{end}, {MOST_RESTARTS + 1} times within {WITHIN:.0f} s, so everything stops. "
                f"The end of {process.log}:\n{process.last_words()}"
            )
        self.restarts[process.name] = [*recent, now]
        if recent:
            with self.interruptible():
                wait_until(lambda: False, 1.0)  # not in a tight circle
        process.start()
        terminal.note(f"{end} and was started again. Its log: {process.log}")

    # --- down -------------------------------------------------------------------------------------------
    def stop(self) -> None:
        """In order: those who ask, then those who answer, then the database."""
        began = time.monotonic()
        answering = [process for process in self.processes if process.name in ("sandbox", "redis")]
        database = [process for process in self.processes if process.name == "postgres"]
        asking = [process for process in self.processes if process not in answering + database]
        self.door.close()
        stop_together(asking, 5, self.in_a_hurry)
        stop_together(answering, 5, self.in_a_hurry)
        stop_together(database, 30)
        terminal.stopped(time.monotonic() - began, self.folder.path)

    def in_a_hurry(self) -> bool:
        return self.asked > 1
