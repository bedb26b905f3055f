"""The statements of the SQL as pages list them: what each locks and destroys, and how it ran."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma

from dbtools.models import DatabaseRollback
from dbtools.models.documents import StoredCount, StoredHazard, StoredRan, StoredStatement
from rollback_portal.text import clean_line


def statement_list(rollback: DatabaseRollback) -> list[dict[str, Any]]:
    """Each statement with its line, its locks and its hazards."""
    return [
        {
            "text": statement["text"],
            "locks": lock_phrase(statement),
            "hazards": [{**hazard, "losses": loss_phrase(hazard)} for hazard in statement["hazards"]],
        }
        for statement in rollback.statements
    ]


def lock_phrase(statement: StoredStatement) -> str:
    """Such as "line 2 · locks ACCESS EXCLUSIVE on Order"."""
    lock = f"locks {statement['lock']}" if statement["lock"] else "locks no table"
    tables = ", ".join(clean_line(table, 120) for table in statement["tables"])
    return f"line {statement['line']} · {lock}" + (f" on {tables}" if tables else "")


def loss_phrase(hazard: StoredHazard) -> str:
    """How much would be destroyed; "" where nothing was counted."""
    return count_phrase(hazard["counts"])


def count_phrase(counts: Iterable[StoredCount]) -> str:
    """Such as "1,204 rows of Order"; "" where there is nothing to count."""
    return ", ".join(_number_phrase(count) for count in counts)


def _number_phrase(count: StoredCount) -> str:
    noun = clean_line(count["noun"], 120)
    if count["number"] is not None:
        return f"{intcomma(count['number'])} {noun}"
    if not count["why_not"]:  # written by an earlier version
        return f"an unknown number of {noun}"
    return f"{noun}: not counted, because {clean_line(count['why_not'], 200)}"


def run_list(rollback: DatabaseRollback) -> list[dict[str, Any]]:
    """Each statement with how it ran so far."""
    ran = {executed["number"]: executed for executed in rollback.progress.get("ran", [])}
    waiting = "waits" if rollback.status == "running" else ""
    return [
        {
            "text": statement["text"],
            "ran": statement["number"] in ran,
            "progress": ran_phrase(ran[statement["number"]]) if statement["number"] in ran else waiting,
        }
        for statement in rollback.statements
    ]


def ran_phrase(executed: StoredRan) -> str:
    """Such as "ran in 0.01 s, 3,000 rows"; without rows where the statement does not count them."""
    rows = f", {intcomma(executed['rows'])} rows" if executed["rows"] >= 0 else ""
    return f"ran in {executed['seconds']:.2f} s{rows}"


def blocker_list(rollback: DatabaseRollback) -> list[dict[str, Any]]:
    """The sessions that hold what the run needs, each as a phrase and its query."""
    return [
        {
            "phrase": (
                f"Process {blocker['pid']}, {clean_line(blocker['user'], 60)} "
                f"({clean_line(blocker['application'], 60) or 'no name'}), "
                f"{clean_line(blocker['state'], 60)} for {blocker['seconds']:.0f} s"
            ),
            "query": blocker["query"],
        }
        for blocker in rollback.progress.get("blockers", [])
    ]
