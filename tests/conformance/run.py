"""Vercel's own clients against the sandbox over HTTP: `make conformance`.

Runs `@vercel/sdk` (sdk.mjs) and the `vercel` CLI, and checks their output, their exit codes and what the
sandbox received. Exits with 1 if a case fails. `make conformance ARGS=WORD` runs the cases with that word in
their name.

Reference: https://vercel.com/docs/cli/rollback
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import httpx

from tests.conformance.stage import CLI, Stage, expect, opened, same, wait_for


def the_sdk_accepts_every_response(stage: Stage) -> None:
    outcome = stage.sdk()
    expect(outcome, 0, "every call is as Vercel's own SDK expects")
    kinds = [(kind, applied) for kind, applied, _ in stage.received()]
    expected = [
        ("rollback", False),
        ("rollback", True),
        ("promote", False),
        ("promote", True),
        ("promote", False),
        ("complete", True),
    ]
    same(kinds, expected)


def the_sdk_rejects_an_unknown_status(stage: Stage) -> None:
    stage.fault("vercel.project", "replace", detail="lastAliasRequest.jobStatus=probably", times=None)
    expect(stage.sdk(), 1, "FAIL  getProject")


def the_sdk_rejects_a_missing_field(stage: Stage) -> None:
    stage.fault("vercel.deployments", "omit", detail="deployments.projectId", times=None)
    expect(stage.sdk(), 1, "FAIL  getDeployments", "values that were missing")


def the_sdk_rejects_a_value_of_the_wrong_type(stage: Stage) -> None:
    stage.fault("vercel.project", "replace", detail="updatedAt=yesterday", times=None)
    expect(stage.sdk(), 1, "FAIL  getProject")


def list_shows_the_production_deployments(stage: Stage) -> None:
    outcome = stage.cli("list", "shop-web", "--prod")
    live = next(row for row in stage.deployments() if row["uid"] == stage.web()["serving"])
    expect(outcome, 0, live["url"], "Ready", "Error")


def rollback_moves_the_domains_and_status_reports_it(stage: Stage) -> None:
    target = stage.candidate(1)
    expect(stage.cli("rollback", target, "--yes"), 0, "Success! shop-web was rolled back to", target)
    same(stage.received(), [("rollback", True, 201)])
    same(stage.web()["serving"], target)
    same(stage.web()["auto_deploy"], "off")
    expect(stage.cli("rollback", "status", "shop-web"), 0, "Success!", target)


def rollback_by_url_finds_the_deployment(stage: Stage) -> None:
    row = stage.deployments(rollbackCandidate="true")[0]
    expect(stage.cli("rollback", row["url"], "--yes"), 0, "Success!")
    same(stage.web()["serving"], row["uid"])


def rollback_status_without_a_rollback(stage: Stage) -> None:
    expect(stage.cli("rollback", "status", "shop-web"), 0, "No deployment rollback in progress")


def rollback_to_the_current_deployment_is_refused(stage: Stage) -> None:
    current = stage.web()["serving"]
    expect(stage.cli("rollback", current, "--yes"), 1, "already the current production deployment", "(422)")
    same(stage.received(), [("rollback", False, 422)])


def rollback_names_the_domains_that_failed(stage: Stage) -> None:
    stage.fault("vercel.rollback", "fail_aliases", detail="www.shop.example.com")
    outcome = stage.cli("rollback", stage.candidate(), "--yes")
    expect(outcome, 1, "www.shop.example.com")


def rollback_on_the_hobby_plan_asks_for_an_upgrade(stage: Stage) -> None:
    stage.rules(plan="hobby")
    expect(stage.cli("rollback", stage.candidate(3), "--yes"), 1, "upgrade to pro (402)")
    same(stage.received(), [("rollback", False, 402)])


def rollback_waits_after_a_429(stage: Stage) -> None:
    stage.fault("vercel.rollback", "rate_limit", seconds=1)
    expect(stage.cli("rollback", stage.candidate(), "--yes"), 0, "Success!")
    same(stage.received(), [("rollback", False, 429), ("rollback", True, 201)])


def rollback_is_retried_by_the_cli_after_an_error(stage: Stage) -> None:
    """The CLI retries, which the portal never does; the sandbox must not apply the second POST."""
    stage.fault("vercel.rollback", "error_after")
    stage.cli("rollback", stage.candidate(), "--yes")
    rows = stage.received()
    same(rows[0], ("rollback", True, 500))
    same([row for row in rows[1:] if row[1]], [])


def rollback_to_a_missing_deployment_is_not_found(stage: Stage) -> None:
    expect(stage.cli("rollback", "dpl_missing", "--yes"), 1, "Can't find the deployment")
    same(stage.received(), [])


def promote_ends_the_rollback(stage: Stage) -> None:
    bad = stage.web()["serving"]
    stage.cli("rollback", stage.candidate(), "--yes")
    staged = stage.outside(does="pushes", message="Put the totals right")["id"]
    wait_for(lambda: any(row["uid"] == staged and row["state"] == "READY" for row in stage.deployments()))
    same(stage.web()["serving"] in (bad, staged), False)
    expect(stage.cli("promote", staged, "--yes"), 0, "Success! shop-web was promoted", staged)
    same(stage.web()["serving"], staged)
    same(stage.web()["auto_deploy"], "on")


def promote_waits_behind_a_rolling_release(stage: Stage) -> None:
    stage.fault("vercel.promote", "queue_behind", seconds=2)
    target = stage.candidate()
    expect(stage.cli("promote", target, "--yes"), 0, "queued")
    same(stage.received(), [("promote", True, 202)])
    wait_for(lambda: stage.web()["serving"] == target)


def promote_of_a_preview_rebuilds_it(stage: Stage) -> None:
    preview = stage.deployments(target="preview")[0]["uid"]
    expect(stage.cli("promote", preview, "--yes"), 0)
    same(stage.received(), [("deploy", True, 200)])


def another_token_is_refused(stage: Stage) -> None:
    stage.fault("vercel.user", "forbidden", times=None)
    expect(stage.cli("rollback", stage.candidate(), "--yes"), 1)
    same(stage.received(), [])


def inspect_logs_and_rolling_release_are_readable(stage: Stage) -> None:
    live = stage.web()["serving"]
    expect(stage.cli("inspect", live), 0, live, "https://shop.example.com")
    expect(stage.cli("logs", "--deployment", live, "--json"), 0, '"responseStatusCode"')
    expect(stage.cli("rolling-release", "fetch", "--project", "shop-web"), 0)
    expect(stage.cli("api", "/v9/projects/shop-web"), 0, '"lastAliasRequest"')


CASES: list[Callable[[Stage], None]] = [
    the_sdk_accepts_every_response,
    the_sdk_rejects_an_unknown_status,
    the_sdk_rejects_a_missing_field,
    the_sdk_rejects_a_value_of_the_wrong_type,
    list_shows_the_production_deployments,
    rollback_moves_the_domains_and_status_reports_it,
    rollback_by_url_finds_the_deployment,
    rollback_status_without_a_rollback,
    rollback_to_the_current_deployment_is_refused,
    rollback_names_the_domains_that_failed,
    rollback_on_the_hobby_plan_asks_for_an_upgrade,
    rollback_waits_after_a_429,
    rollback_is_retried_by_the_cli_after_an_error,
    rollback_to_a_missing_deployment_is_not_found,
    promote_ends_the_rollback,
    promote_waits_behind_a_rolling_release,
    promote_of_a_preview_rebuilds_it,
    another_token_is_refused,
    inspect_logs_and_rolling_release_are_readable,
]


def main() -> int:
    if not CLI.exists():
        sys.stderr.write("The clients are not installed: run npm ci --ignore-scripts in this folder first.\n")
        return 1
    failed = 0
    cases = [case for case in CASES if all(word in case.__name__ for word in sys.argv[1:])]
    for case in cases:
        name, began = case.__name__.replace("_", " "), time.monotonic()
        try:
            with opened() as stage:
                case(stage)
            sys.stdout.write(f"ok    {name} ({time.monotonic() - began:.1f} s)\n")
        except (AssertionError, httpx.HTTPError, subprocess.TimeoutExpired) as problem:
            failed += 1
            sys.stdout.write(f"FAIL  {name}\n{problem}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(cases) - failed} of {len(cases)} cases as Vercel's own clients expect.\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
