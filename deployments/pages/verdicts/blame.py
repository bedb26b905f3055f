"""When the errors of a service began, and whether a deployment is to blame, for the card and the dialog."""

from __future__ import annotations

from datetime import datetime, timedelta

from deployments.analysis.points import ErrorCount
from deployments.analysis.sentences import counted
from deployments.metrics.series import Span, share_and_latency
from deployments.models import MetricSource, Service, ServiceBlame
from deployments.models.served_window import ENOUGH
from rollback_portal.jobs import clock

RECENT = timedelta(minutes=5)


def blame_text(service: Service, now: datetime) -> str:
    """The sentence, while it holds; "" where errors are not up, or nobody has looked lately.

    `service.blame` must be loaded where many services are asked.
    """
    found: ServiceBlame | None = getattr(service, "blame", None)
    return found.sentence if found is not None and found.holds(now) else ""


def blame_fact(service: Service, *, incident_given: bool) -> str:
    """For the confirm dialog: where an incident's beginning was given, also that nothing is wrong."""
    if not incident_given and not hasattr(service, "blame"):
        return ""
    now = clock.now()
    text = blame_text(service, now)
    if text or not incident_given:
        return text
    measured = share_and_latency([Span(service.pk, now - RECENT, now)], now)[0]
    if measured is None or measured.requests < ENOUGH:
        return "There are too few numbers of the last 5 min to say whether anything is wrong."
    probes = measured.source == MetricSource.PROBE
    number = counted(ErrorCount(round(measured.requests), round(measured.errors)), probes)
    if measured.failing:
        return f"Errors are up: {number} in the last 5 min. When they began is being looked for."
    return f"Nothing is wrong in the numbers: {number} in the last 5 min."
