"""Verdicts, next steps and blame in plain sentences, with numbers and units."""

from __future__ import annotations

from datetime import UTC, datetime

from deployments.analysis.facts import ErrorFacts, Facts, LatencyFacts
from deployments.analysis.measures import Measure, MeasureResult
from deployments.analysis.next_steps import NextStep, NextStepKind, NextStepReason
from deployments.analysis.points import ErrorCount, TrafficSource
from deployments.analysis.statistics.interval import ShareInterval
from deployments.analysis.verdict import HelpVerdict, Why, Yardstick
from rollback_portal.text import duration

MINUS = "\N{MINUS SIGN}"
OPENINGS = {
    Why.BACK_TO_USUAL: "{What} back to usual: ",
    Why.BACK_WITHOUT_BASELINE: "{What} down; there are no numbers from before the incident to compare with: ",
    Why.BACK_BY_PROBES: "The portal's own probes get good answers again: ",
    Why.NEVER_UP: "Nothing was wrong in the numbers, and still nothing is: ",
    Why.STAYED: "The target serves, and {what} as in the incident: ",
    Why.PARTLY: "Part of the errors went, not all: ",
    Why.CAME_BACK: "{What} up again, {late} after the target began to serve: ",
    Why.UP_SINCE: "{What} up since the target serves: ",
    Why.BASELINE_IS_BAD: "{What} no higher than before the incident, and that was not healthy: ",
    Why.BETWEEN: "Not clear yet: ",
    Why.INCIDENT_UNSEEN: "{What} as usual, but the incident left too few numbers to say what has changed: ",
}
STEPS = {
    NextStepReason.FINE_BEFORE: "The numbers were good until it was made live.",
    NextStepReason.PART_WENT: "Part of the errors went with this deployment; an older one may take the rest.",
    NextStepReason.SAME_ERRORS: "This deployment shows errors, too; an older one may not.",
    NextStepReason.DATABASE_CHANGED: "Its migrations changed since this deployment served before.",
    NextStepReason.DATABASE_UNKNOWN: "Whether migrations ran since it served before is not known.",
    NextStepReason.BEGAN_BEFORE: "The errors began before the deployment: no deployment fits.",
    NextStepReason.NONE_NEAR: "No deployment went live when the errors began: no deployment fits.",
    NextStepReason.NO_OLDER: "There is no older candidate, and the errors are still there.",
    NextStepReason.NOT_THE_CODE: "The code is back and the errors are not: the cause may be outside of it.",
    NextStepReason.USUAL_IS_BAD: "The errors were there before the incident: no deployment fits.",
    NextStepReason.TOO_FEW_YET: "Too few requests yet.",
    NextStepReason.NOT_CLEAR_YET: "The numbers do not decide it yet.",
    NextStepReason.WATCH_ENDED: "The hour of watching has passed, and the numbers did not decide it.",
    NextStepReason.NO_NUMBERS_COME: "No numbers come: look at the service yourself.",
}
STEP_HEADS = {
    NextStepKind.UNDO: "Take back what was just made live",
    NextStepKind.OLDER_CANDIDATE: "Go to an older candidate",
    NextStepKind.DATABASE: "Look at the database",
    NextStepKind.LOOK_ELSEWHERE: "Look elsewhere",
    NextStepKind.WAIT: "Wait",
    NextStepKind.SAY_WHAT_YOU_SEE: "Say what you see",
}


# --- The verdict ---


def verdict_sentence(said: HelpVerdict, numbers: Facts, by: Yardstick) -> str:
    """Why the verdict is what it is, with the numbers of the measure that decided it."""
    if said.why == Why.NO_NUMBERS:
        return "There are no numbers since the target serves."
    if said.why == Why.STOPPED:
        return f"The numbers stopped at {time(said.newest)}: what happened since is not known."
    if said.why == Why.TOO_LITTLE or said.decided_by is None:
        return _too_little(said, numbers)
    one = said.decided_by
    opening = _opening(said.why, one, by)
    if one.measure == Measure.LATENCY:
        return opening + _latency(numbers.latency_of(one.source))
    sentence = opening + _errors(numbers.errors_of(one.source), named="5xx" in opening)
    if said.why == Why.BACK_BY_PROBES:
        requests = numbers.errors_of(TrafficSource.PROVIDER).after.requests
        sentence += f" Of users' requests too few are known to say more: {requests:,}."
    return sentence


def _opening(why: Why, one: MeasureResult, by: Yardstick) -> str:
    what = "5xx are" if one.measure == Measure.ERRORS else "latency is"
    if one.source == TrafficSource.PROBE:
        what = "failed probes are" if one.measure == Measure.ERRORS else "the probes' latency is"
    late = duration(one.since - by.served_at) if one.since else "some time"
    return OPENINGS[why].format(what=what, What=what[0].upper() + what[1:], late=late)


def _errors(numbers: ErrorFacts, named: bool) -> str:
    """The counts of each time, the unit with the first; `named`: the opening has said what fails."""
    probes = numbers.source == TrafficSource.PROBE
    times = [(numbers.before, "before"), (numbers.incident, "in the incident"), (numbers.now, "since")]
    known = [(number, when) for number, when in times if number.requests or when == "since"]
    parts = [
        f"{counted(number, probes, unit=index == 0)} {when}" for index, (number, when) in enumerate(known)
    ]
    sentence = f"{'' if probes or named else '5xx '}{', '.join(parts)}."
    if numbers.difference:
        return f"{sentence} Since minus before lies between {difference(numbers.difference)}."
    if numbers.interval:
        return f"{sentence} The share since lies between {interval(numbers.interval)}."
    return sentence


def _latency(numbers: LatencyFacts) -> str:
    parts = [
        (numbers.before_ms, "before"),
        (numbers.incident_ms, "in the incident"),
        (numbers.now_ms, "since"),
    ]
    return f"p95 {', '.join(f'{latency(value)} {when}' for value, when in parts if value is not None)}."


def _too_little(said: HelpVerdict, numbers: Facts) -> str:
    users = numbers.errors_of(TrafficSource.PROVIDER)
    probes = numbers.errors_of(TrafficSource.PROBE)
    one = users if users.after.requests or not probes.after.requests else probes
    result = said.result(one.source, Measure.ERRORS)
    needed = result.needed if result else 0
    noun = "probes" if one is probes else "requests"
    sentence = f"{one.after.requests:,} {noun} are too few: {needed:,} are needed."
    if one.interval is None:
        return sentence
    failed = f"{one.after.errors:,} failed" if one.after.errors else "None failed"
    return f"{sentence} {failed}, and up to {share(one.interval.high)} could be failing."


# --- Next steps ---


def step_heading(step: NextStep) -> str:
    return STEP_HEADS[step.kind]


def step_sentence(step: NextStep) -> str:
    return STEPS[step.reason]


# --- Numbers ---


def share(value: float) -> str:
    """A share in per cent: "0.04%", "0.1%", "7.9%", "43%"; never a rounded 0 where there was something."""
    per_cent = value * 100
    if per_cent >= 10:
        return f"{per_cent:.0f}%"
    if per_cent >= 0.095 or not per_cent:
        return f"{per_cent:.1f}%"
    return f"{per_cent:.2f}%" if per_cent >= 0.01 else "under 0.01%"


def counted(number: ErrorCount, probes: bool = False, *, unit: bool = True) -> str:
    """As in "7.9% of 3,120 requests", or "7.9% of 3,120" where the unit was said; of probes both numbers."""
    if probes:
        return f"{number.errors:,} of {number.requests:,}{' probes failed' if unit else ''}"
    return f"{share(number.share or 0.0)} of {number.requests:,}{' requests' if unit else ''}"


def interval(found: ShareInterval) -> str:
    return f"{share(found.low)} and {share(found.high)}"


def difference(found: ShareInterval) -> str:
    """In percentage points, with their signs."""
    return f"{_points(found.low)} and {_points(found.high)} percentage points"


def _points(value: float) -> str:
    digits = 2 if abs(value) < 0.001 else 1
    text = f"{abs(value) * 100:.{digits}f}"
    return text if not float(text) else f"{MINUS if value < 0 else '+'}{text}"


def latency(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:.1f} s"


def time(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%H:%M:%S UTC") if at else "an unknown time"
