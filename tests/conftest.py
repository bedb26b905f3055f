"""What every test stands on: programs of the machine, or a count of the tests that went without."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest

from tests.prisma.cli import all_installed
from tests.support.chromium import chromium
from tests.support.pgbouncer import pgbouncer


@dataclass(frozen=True, slots=True)
class Program:
    """Something that tests with this marker cannot do without, and the variable that forbids to skip them."""

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
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
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
