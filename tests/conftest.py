"""What every test stands on: the journeys' browser, or a count of the journeys that went without."""

from __future__ import annotations

import os

import pytest

from tests.chromium import chromium

REQUIRED = os.environ.get("PORTAL_REQUIRE_JOURNEYS") == "1"
WHY = "there is no Chromium here (Debian: apt-get install chromium)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if chromium() is None:
        for item in items:
            if item.get_closest_marker("journey"):
                item.add_marker(pytest.mark.skip(reason=WHY))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = skipped_journeys(terminalreporter)
    if skipped:
        terminalreporter.write_line(
            f"{skipped} {'journey was' if skipped == 1 else 'journeys were'} skipped"
            + (", and PORTAL_REQUIRE_JOURNEYS=1 takes that for a failure." if REQUIRED else ".")
        )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if REQUIRED and reporter is not None and skipped_journeys(reporter) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def skipped_journeys(reporter: pytest.TerminalReporter) -> int:
    """Single journeys, and whole files of them that skipped themselves."""
    reports = reporter.stats.get("skipped", [])
    return sum("journey" in getattr(report, "keywords", report.nodeid) for report in reports)
