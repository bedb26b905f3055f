"""The acts behind the wizard's forms: what each one reads from its form, and the verb that it asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from django.http import QueryDict

from dbtools.models import DatabaseRollback
from dbtools.wizard import actions, approval, closing
from dbtools.wizard.transitions import refuse
from rollback_portal.audit.record import Actor

Act = Callable[[Actor, DatabaseRollback, QueryDict], None]
LONGEST = 2000  # characters of a reason
COMMIT = re.compile(r"[0-9a-f]{7,40}")
SOURCES = {"live", "left", "commit", "folder"}


def _need(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    reason = _words(given, "reason")
    if len(reason) < 10:
        refuse(actor, rollback, "need refused", "Say in a sentence why code alone does not help.")
    if given.get("understood") != "yes":
        refuse(actor, rollback, "need refused", "Tick that application code was rolled back or cannot help.")
    actions.decide(actor, rollback, reason=reason, source=_source(actor, rollback, given))


def _source(actor: Actor, rollback: DatabaseRollback, given: Mapping[str, str]) -> dict[str, str]:
    kind, commit = given.get("source", "live"), given.get("commit", "").strip().lower()
    if kind not in SOURCES:
        refuse(actor, rollback, "source refused", "Choose where the migrations are read from.")
    if kind != "commit":
        return {"kind": kind}
    if not COMMIT.fullmatch(commit):
        refuse(
            actor, rollback, "source refused", "A commit is named by 7 to 40 of the characters 0-9 and a-f."
        )
    return {"kind": kind, "commit": commit}


def _read(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    actions.read_again(actor, rollback, _source(actor, rollback, given))


def _choice(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    actions.choose(actor, rollback, given.get("migration", ""))


def _sql(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    """A browser sends every line's end as CR LF; what was typed, checked and approved has LF."""
    sql = given.get("sql", "").replace("\r\n", "\n")
    if rollback.status != "writing":
        refuse(
            actor, rollback, "SQL refused",
            "It is past the step where the SQL is written. What you typed stands below and was not taken; "
            "press “Change the SQL” first.",
        )  # fmt: skip
    if _seen(given) != rollback.sql_sha256 and sql != rollback.sql:
        refuse(
            actor, rollback, "SQL refused",
            "Somebody has written other SQL since your page was drawn; theirs stands below yours. "
            "Check yours once more to replace it.",
        )  # fmt: skip
    actions.write(actor, rollback, sql)


def _edit(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    actions.back_to_writing(actor, rollback)


def _preflight(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    actions.check_again(actor, rollback)


def _backup(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    actions.back_up(actor, rollback, accepted=_words(given, "accepted"))


def _ask(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    approval.ask(actor, rollback)


def _decline(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    approval.decline(actor, rollback, reason=_words(given, "reason"))


def _cancel(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    actions.ask_to_cancel(actor, rollback)


def _abandon(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    actions.abandon(actor, rollback)


def _follow_up(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    approval.follow_up(actor, rollback)


def _settle(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    closing.settle(actor, rollback, answer=given.get("answer", ""), words=_words(given, "words"))


def _approve(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    acknowledged_losses = [
        int(value) for value in given.getlist("ticked") if value.isdecimal() and len(value) < 6
    ]
    approval.approve(actor, rollback, seen=_seen(given), acknowledged_losses=acknowledged_losses)


def _break_glass(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    approval.break_glass(actor, rollback, seen=_seen(given), reason=_words(given, "reason"))


def _run(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    approval.run(actor, rollback, typed=given.get("typed", ""))


def _restore(actor: Actor, rollback: DatabaseRollback, given: QueryDict) -> None:
    closing.restore(actor, rollback, name=given.get("name", "").strip())


def _seen(given: Mapping[str, str]) -> str:
    """The digest that the page was drawn with; it is compared as ASCII."""
    return given.get("seen", "").encode("ascii", "replace").decode()


def _words(given: Mapping[str, str], name: str) -> str:
    return given.get(name, "").strip()[:LONGEST]


ACTS: dict[str, Act] = {
    "need": _need, "read": _read, "choice": _choice, "sql": _sql, "edit": _edit, "preflight": _preflight,
    "backup": _backup, "ask": _ask, "decline": _decline, "cancel": _cancel, "abandon": _abandon,
    "follow-up": _follow_up, "settle": _settle,
}  # fmt: skip
GRAVE: dict[str, Act] = {"approve": _approve, "break-glass": _break_glass, "run": _run, "restore": _restore}
