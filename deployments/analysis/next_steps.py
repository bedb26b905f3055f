"""What to do next, as data: the likeliest first, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from deployments.analysis.blame import Blame, BlameKind
from deployments.analysis.verdict import HelpVerdict, Why, Word


class NextStepKind(StrEnum):
    """What is proposed."""

    UNDO = "take back what was just made live"
    OLDER_CANDIDATE = "an older candidate"
    DATABASE = "the database"
    LOOK_ELSEWHERE = "look elsewhere"
    WAIT = "wait"
    SAY_WHAT_YOU_SEE = "say what you see"


class NextStepReason(StrEnum):
    """Why it is proposed: one sentence each in sentences.py."""

    FINE_BEFORE = "the errors came with it"
    PART_WENT = "part of the errors went"
    SAME_ERRORS = "this one shows the errors, too"
    DATABASE_CHANGED = "the database was changed in between"
    DATABASE_UNKNOWN = "whether the database changed is not known"
    BEGAN_BEFORE = "the errors began before the deployment"
    NONE_NEAR = "no deployment went live when they began"
    NO_OLDER = "there is no older candidate"
    NOT_THE_CODE = "the code is back and the errors are not"
    USUAL_IS_BAD = "the errors were there before the incident"
    TOO_FEW_YET = "too few requests yet"
    NOT_CLEAR_YET = "not clear yet"
    WATCH_ENDED = "the hour has passed"
    NO_NUMBERS_COME = "no numbers come"


@dataclass(frozen=True, slots=True)
class NextStep:
    """One proposal."""

    kind: NextStepKind
    reason: NextStepReason


NOT_BY_DEPLOYMENT = {
    BlameKind.BEFORE_DEPLOYMENT: NextStepReason.BEGAN_BEFORE,
    BlameKind.NO_DEPLOYMENT: NextStepReason.NONE_NEAR,
}


def next_steps(
    said: HelpVerdict, *, older_candidate: bool, database_changed: bool | None, cause: Blame | None = None
) -> tuple[NextStep, ...]:
    """Propose what fits a verdict; nothing where it is good.

    `older_candidate`: whether there is one to go to. `database_changed`: whether migrations changed
    since the deployment served before, None where nobody knows. `cause` is what blame() said of the incident.
    """
    if said.word.is_good:
        return ()
    if said.word == Word.CANNOT_TELL:
        return (_patience(said),)
    if said.word == Word.WORSE:
        undo = NextStep(NextStepKind.UNDO, NextStepReason.FINE_BEFORE)
        return (undo, *_others(said, older_candidate, database_changed, cause))
    return tuple(_others(said, older_candidate, database_changed, cause))


def _patience(said: HelpVerdict) -> NextStep:
    if not said.watching:
        return NextStep(NextStepKind.SAY_WHAT_YOU_SEE, NextStepReason.WATCH_ENDED)
    if said.why in {Why.NO_NUMBERS, Why.STOPPED}:
        return NextStep(NextStepKind.SAY_WHAT_YOU_SEE, NextStepReason.NO_NUMBERS_COME)
    few = said.why == Why.TOO_LITTLE
    return NextStep(NextStepKind.WAIT, NextStepReason.TOO_FEW_YET if few else NextStepReason.NOT_CLEAR_YET)


def _others(
    said: HelpVerdict, older_candidate: bool, database_changed: bool | None, cause: Blame | None
) -> Iterator[NextStep]:
    """The strongest hint first: what the beginning of the errors says, the database, an older one."""
    elsewhere = _elsewhere(said, older_candidate, cause)
    first = elsewhere.reason in {*NOT_BY_DEPLOYMENT.values(), NextStepReason.USUAL_IS_BAD}
    if first:
        yield elsewhere
    if database_changed:
        yield NextStep(NextStepKind.DATABASE, NextStepReason.DATABASE_CHANGED)
    if older_candidate and said.word != Word.WORSE:
        part = said.why == Why.PARTLY
        reason = NextStepReason.PART_WENT if part else NextStepReason.SAME_ERRORS
        yield NextStep(NextStepKind.OLDER_CANDIDATE, reason)
    if database_changed is None:
        yield NextStep(NextStepKind.DATABASE, NextStepReason.DATABASE_UNKNOWN)
    if not first:
        yield elsewhere


def _elsewhere(said: HelpVerdict, older_candidate: bool, cause: Blame | None) -> NextStep:
    reason = NOT_BY_DEPLOYMENT.get(cause.kind) if cause else None
    if said.why == Why.BASELINE_IS_BAD:
        reason = NextStepReason.USUAL_IS_BAD
    if reason is None:
        reason = NextStepReason.NOT_THE_CODE if older_candidate else NextStepReason.NO_OLDER
    return NextStep(NextStepKind.LOOK_ELSEWHERE, reason)
