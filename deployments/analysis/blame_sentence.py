"""What was found about the beginning of the errors, in one sentence with its numbers."""

from __future__ import annotations

from datetime import timedelta

from deployments.analysis.blame import Blame, BlameKind
from deployments.analysis.measures import Measure
from deployments.analysis.onset import Onset
from deployments.analysis.points import TrafficSource
from deployments.analysis.sentences import counted, latency, share, time
from rollback_portal.text import duration

AT_THE_SAME_TIME = timedelta(seconds=60)


def blame_sentence(found: Blame) -> str:
    """Say whether a deployment is to blame, or that nobody can say, with the numbers."""
    probes = found.source == TrafficSource.PROBE
    if found.kind == BlameKind.TOO_LITTLE:
        noun = "probes" if probes else "requests"
        return f"{found.now.requests:,} {noun} in the last 5 min are too few to look for a beginning."
    if found.onset is None and found.kind == BlameKind.NO_CLEAR_START:
        what = "Failed probes" if probes else "Errors"
        return f"{what} are up, without a clear start: {counted(found.now, probes)} in the last 5 min."
    if found.onset is None:
        return f"Nothing is wrong in the numbers: {counted(found.now, probes)} in the last 5 min."
    what = "Errors" if found.onset.measure == Measure.ERRORS else "Slow answers"
    return f"{what} {_when(found, found.onset)}. {_figures(found.onset, probes)}"


def _when(found: Blame, onset: Onset) -> str:
    name = found.deployment.deployment if found.deployment else ""
    began = f"began at {time(onset.began)}"
    if found.kind == BlameKind.NO_CLEAR_START:
        return "are up, without a clear start"
    if found.kind == BlameKind.AFTER_DEPLOYMENT:
        return f"began {_after(found.after, name)}"
    if found.kind == BlameKind.BEFORE_DEPLOYMENT:
        return f"began {duration(-(found.after or timedelta(0)))} before deployment {name}"
    if found.kind == BlameKind.MAYBE_CHANCE:
        percent = f"{(found.coincidence or 0) * 100:.0f}%"
        return f"began {_after(found.after, name)}, which chance alone explains in {percent} of cases"
    return f"{began}, when no deployment went live"


def _after(after: timedelta | None, name: str) -> str:
    if after is None or after < AT_THE_SAME_TIME:
        return f"with deployment {name}"
    return f"{duration(after)} after deployment {name}"


def _figures(onset: Onset, probes: bool) -> str:
    if onset.measure == Measure.LATENCY:
        return f"p95 {latency(onset.usual)} until then, {latency(onset.since)} since."
    noun = "Failed probes" if probes else "5xx"
    return f"{noun} {share(onset.usual)} until then, {share(onset.since)} since."
