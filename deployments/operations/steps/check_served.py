"""Asks the public addresses what users get of a released deployment: its provider's word alone is not enough.

A target that serves and fails was put in front of users all the same, so the change ends as carried out. It
is never called a success.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from deployments.metrics.version_check import VersionComparison, compare_live_version
from deployments.models import OperationKind
from deployments.models.operation import FAILING, UNCHECKED, WITHOUT_PIN
from deployments.models.served_window import ENOUGH, ServedWindow
from deployments.operations.pins import release_pin
from deployments.operations.steps.context import ChangeContext, Pause
from rollback_portal.jobs import clock

# For so long the target itself is asked, unless SERVE_SECONDS allows less. Errors while instances are being
# exchanged are over by then, and slow addresses have answered as often as anybody would wait for.
LONGEST_CHECK = timedelta(seconds=20)


def check_public_addresses(context: ChangeContext) -> Pause:
    """Check from outside that users get the target, and that it answers."""
    change, target = context.change, context.change.to_deployment
    assert target is not None  # noqa: S101 - changes without a target skip this status
    released = _released(context)
    comparison = compare_live_version(change.service, target.commit_sha, others_count=False, answers=ENOUGH)
    patience = timedelta(seconds=settings.SERVE_SECONDS)
    if comparison.wrong:
        if clock.now() - released < patience:
            context.note(message=comparison.message)
            return 1.0
        return context.end(
            "failed",
            f"{context.provider_name} says it is done, but users get something else. {comparison.message}",
        )
    window, longest = comparison.window.since(released), min(patience, LONGEST_CHECK)
    if comparison.asked and not is_judged(window, longest, clock.now()):
        so_far = window.message or f"{window.total} requests were answered well"
        context.note(message=f"{so_far}. The portal asks again.")
        return 1.0 if window.failures else 0.0
    return _finish(context, comparison, what_counts(window, longest))


def _released(context: ChangeContext) -> datetime:
    """When the provider released it. A time ahead of now, by a wrong clock, is put right."""
    times, now = context.change.status_times, clock.now()
    if datetime.fromisoformat(times["serving"]) > now:
        context.note(status_times={**times, "serving": now.isoformat()})
    return datetime.fromisoformat(context.change.status_times["serving"])


def is_judged(window: ServedWindow, longest: timedelta, now: datetime) -> bool:
    """Once enough requests in a row were answered well, and few failed before, or the time limit is reached.

    With any share of errors, some sixty requests look better than the rest: who asked until then would call
    most of what fails 8% a success.
    """
    latest = window.latest(ENOUGH)
    if latest.total >= ENOUGH and not latest.failures and not window.too_many_failures:
        return True
    return bool(window.rounds) and now - window.rounds[0].at >= longest


def what_counts(window: ServedWindow, longest: timedelta) -> ServedWindow:
    """The second half of the time, so that errors while instances are being exchanged do not count."""
    later = window.since(window.rounds[0].at + longest / 2) if window.rounds else window
    return later if later.total >= ENOUGH else window.latest(ENOUGH)


def _finish(context: ChangeContext, comparison: VersionComparison, window: ServedWindow) -> Pause:
    change, target = context.change, context.change.to_deployment
    assert target is not None  # noqa: S101
    said = keep_evidence(context, comparison, window)
    if change.operation.kind == OperationKind.LEAVE and _auto_deploy_needs_restoring(context):
        context.advance("restoring", final_status="succeeded", message=said, evidence=change.evidence)
        return 0.0
    kind = change.operation.kind
    ends_pin = kind == OperationKind.LEAVE or (kind == OperationKind.PROMOTE and not context.is_render)
    in_transaction = (lambda: release_pin(change)) if ends_pin else None
    undone = change.evidence.get(WITHOUT_PIN, "")
    message = f"{change.service.short} is on {target.short_sha} “{target.subject}”. {said} {undone}".strip()
    return context.end("succeeded", message, in_transaction=in_transaction)


def keep_evidence(context: ChangeContext, comparison: VersionComparison, window: ServedWindow) -> str:
    """Keep with the change what speaks against calling it a success. Returns what users get, in words."""
    change, said = context.change, comparison.message
    if window.too_many_failures:
        change.evidence = {**change.evidence, FAILING: window.message}
        return f"Users get errors: {window.message}."
    if (same := _same_commit(context)) or not comparison.certain:
        said = f"{same}{said}"
        change.evidence = {**change.evidence, UNCHECKED: said}
    return said


def _same_commit(context: ChangeContext) -> str:
    """That the public addresses cannot tell two builds of one commit apart; "" where it is another commit."""
    before, target = context.change.from_deployment, context.change.to_deployment
    if before is None or target is None or not target.commit_sha or before.commit_sha != target.commit_sha:
        return ""
    only = f"{context.provider_name}'s word alone"
    return f"Both builds are of {target.short_sha}: that this one serves is {only}. "


def _auto_deploy_needs_restoring(context: ChangeContext) -> bool:
    """Promoting on Vercel turns automatic assignment of domains on; that is wrong where it was off before."""
    return context.is_render or context.change.auto_deploy_before == "off"
