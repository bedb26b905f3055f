"""How the tests run preflight checks."""

from __future__ import annotations

from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.preflight import CheckInput, CheckResult, run_checks
from dbtools.prisma import history


def input_for(address: DatabaseAddress, tmp_path: Path) -> CheckInput:
    with client.connect(address, "tests") as connection:
        digest = history.digest(history.read(connection, "public"))
    return CheckInput(
        address, ('"Order"', "public.missing"), ("public",), digest, tmp_path, "", ("1", "portal")
    )


def results_by_name(check_input: CheckInput) -> dict[str, CheckResult]:
    return {result.check: result for result in run_checks(check_input)}


def assert_only(check_input: CheckInput, check: str, tone: str, words: str) -> None:
    """Assert that this check has this result and that all others are ok."""
    results = results_by_name(check_input)
    assert words in results[check].message
    assert {name: result.tone for name, result in results.items() if result.tone != "ok"} == {check: tone}
