"""All preflight checks together."""

from __future__ import annotations

from dbtools.preflight import CHECKS, CheckInput, run_checks

NAMES = {
    "Direct connection", "Primary", "Server", "Not the portal", "Role", "Readable", "Prisma's lock",
    "History", "Other sessions", "Long transactions", "Replicas", "Space", "pg_dump",
    "Rehearsal server", "Owners", "Commit record", "Lock table", "Rehearsal needs",
}  # fmt: skip


def test_a_database_in_order_passes_every_check(check_input: CheckInput) -> None:
    results = run_checks(check_input)
    assert {result.tone for result in results} == {"ok"}, [r for r in results if r.tone != "ok"]
    assert {result.check for result in results} == NAMES
    assert len(CHECKS) == len(NAMES) - 1  # one of them has two results
