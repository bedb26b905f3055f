"""Fixtures for all tests, and the count of tests that were skipped because a program is not installed."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.test import Client

from rollback_portal.accounts.models import User
from tests import factories
from tests.dbtools.versions import servers
from tests.prisma.cli import all_installed
from tests.support.chromium import chromium
from tests.support.older_servers import older_programs
from tests.support.pgbouncer import pgbouncer

NAMES = {"viewer": "Vera Novak", "responder": "Ana Ruiz", "database admin": "Dana Okoro"}


@pytest.fixture
def client_as() -> Callable[..., Client]:
    """Makes a signed-in Django client.

    `client_as("responder")` creates a person with that role ("" may only look); `client_as(ana)` signs in
    somebody who exists. A second argument names the new person.
    """

    def sign_in(who: str | User = "responder", name: str = "") -> Client:
        user = who if isinstance(who, User) else factories.person(who, name or NAMES.get(who, "Nora Roe"))
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def ana(db: None) -> User:
    return factories.person("responder", "Ana Ruiz")


@pytest.fixture
def responder(client_as: Callable[..., Client], ana: User) -> Client:
    return client_as(ana)


@pytest.fixture
def viewer(client_as: Callable[..., Client]) -> Client:
    return client_as("viewer")


@pytest.fixture
def hung() -> Iterator[socket.socket]:
    """A Redis that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@dataclass(frozen=True, slots=True)
class Program:
    """A program that marked tests need, and the variable that turns skipping them into a failure."""

    marker: str
    is_here: bool
    why: str
    one: str
    many: str
    variable: str

    @property
    def required(self) -> bool:
        return os.environ.get(self.variable) == "1"


PROGRAMS = (
    Program(
        "journey",
        chromium() is not None,
        "there is no Chromium here (Debian: apt-get install chromium)",
        "journey was",
        "journeys were",
        "PORTAL_REQUIRE_JOURNEYS",
    ),
    Program(
        "pooler",
        pgbouncer() is not None,
        "there is no PgBouncer here (Debian: apt-get install pgbouncer)",
        "test with a pooler was",
        "tests with a pooler were",
        "PORTAL_REQUIRE_POOLER",
    ),
    Program(
        "real_prisma",
        all_installed(),
        "Prisma's own CLI is not installed here (make prisma-install; needs Node.js and npm)",
        "test with Prisma's own CLI was",
        "tests with Prisma's own CLI were",
        "PORTAL_REQUIRE_PRISMA",
    ),
    Program(
        "versions",
        servers.all_installed(),
        "other versions of PostgreSQL are not installed here (make versions-install; Debian: postgresql-15)",
        "test on another version of PostgreSQL was",
        "tests on other versions of PostgreSQL were",
        "PORTAL_REQUIRE_VERSIONS",
    ),
    Program(
        "older_server",
        older_programs() is not None,
        "there is no older PostgreSQL here (Debian: apt-get install postgresql-15)",
        "test with an older PostgreSQL was",
        "tests with an older PostgreSQL were",
        "PORTAL_REQUIRE_OLDER_POSTGRES",
    ),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    for program in PROGRAMS:
        for item in items:
            if not program.is_here and item.get_closest_marker(program.marker):
                item.add_marker(pytest.mark.skip(reason=program.why))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for program in PROGRAMS:
        skipped = count_skipped(terminalreporter, program)
        if skipped:
            terminalreporter.write_line(
                f"{skipped} {program.one if skipped == 1 else program.many} skipped"
                + (f", and {program.variable}=1 takes that for a failure." if program.required else ".")
            )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or session.exitstatus != 0:
        return
    if any(program.required and count_skipped(reporter, program) for program in PROGRAMS):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def count_skipped(reporter: pytest.TerminalReporter, program: Program) -> int:
    """Single tests, and whole files of them that skipped themselves."""
    reports = reporter.stats.get("skipped", [])
    return sum(program.marker in getattr(report, "keywords", report.nodeid) for report in reports)
