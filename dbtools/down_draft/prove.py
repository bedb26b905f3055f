"""Proposes a draft and proves it: runs it on a copy and compares the resulting schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from dbtools.down_draft.draft import LOSES, ORDER, SAME, Draft, refused
from dbtools.down_draft.losses import losses, recreated
from dbtools.down_draft.trial import invert
from dbtools.postgres import client
from dbtools.postgres.catalog import Catalog, differences, read
from dbtools.postgres.client import SQL, Connection, DatabaseAddress, Error, Identifier
from dbtools.sql import InvalidSql
from dbtools.sql.isolated import split
from rollback_portal.text import first_of, one_line

SecondCheck = Callable[
    [DatabaseAddress], str
]  # returns how a database still differs from the state before, or ""
MOST_DIFFERENCES = 3
ANOTHER_ORDER = "are in another order"  # in the sentence of `differences` about the order of columns
MOST_STATEMENTS = 20_000


def draft(
    address: DatabaseAddress, up: Sequence[str], before: Catalog, after: Catalog, *, schema: str = "public"
) -> Draft:
    """Propose a draft. It is tried in a transaction that is rolled back, so nothing is changed.

    Args:
        address: a scratch database in the state after the migrations.
        up: the SQL of the migrations that lead from `before` to `after`, newest first.
        before, after: catalogs of the same scratch database, or of copies of one.
        schema: the schema of unqualified names.

    Raises:
        client.DatabaseUnreachable, client.Error: the scratch database is not available.
    """
    lost = losses(before, after, up, schema)
    with client.connect(address, "draft", autocommit=True) as db, db.transaction(force_rollback=True):
        _use_schema(db, schema)
        trial = invert(db, before, after, recreated(before, after))
    remaining = [item for item in differences(before, trial.reached) if ANOTHER_ORDER not in item]
    if remaining:
        return refused(_refusal([*remaining, *trial.errors]), lost)
    reported = {line.key for line in trial.lines if line.mark == LOSES}
    first = (line for line in lost if not line.choices and (line.key not in reported or not line.key))
    return Draft((*first, *trial.lines, *(line for line in lost if line.choices)))


def prove(
    proposed: Draft,
    address: DatabaseAddress,
    before: Catalog,
    second_check: SecondCheck,
    *,
    schema: str = "public",
) -> Draft:
    """Run the text and compare: return the draft with its verdict, or a refusal that names the difference.

    Args:
        address: a scratch database in the state after, which is changed and cannot be used again.
        second_check: a comparison independent of the catalog, such as by pg_dump.

    Raises:
        client.DatabaseUnreachable: the scratch database is not available.
    """
    if proposed.verdict:
        return proposed
    lost = tuple(line for line in proposed.lines if not line.sql and not line.choices)
    with client.connect(address, "draft", autocommit=True) as connection:
        problem = _run(connection, proposed.proof, schema)
        if problem:
            return refused(_refusal([problem]), lost)
        reached = read(connection)
    remaining = differences(before, reached)
    order = [item for item in remaining if ANOTHER_ORDER in item]
    if len(order) < len(remaining):
        return refused(_refusal([item for item in remaining if item not in order]), lost)
    difference = second_check(address)
    if difference:
        return refused(_refusal([difference]), lost)
    if order:
        message = f"Same but for column order: {order[0]}{_open(proposed)}"
        return replace(proposed, verdict=ORDER, message=message)
    return replace(proposed, verdict=SAME, message=f"Leads back exactly.{_open(proposed)}")


def _open(proposed: Draft) -> str:
    """What a person has to do before a draft with decisions runs."""
    number = proposed.decisions
    if not number:
        return ""
    what = "1 statement stops" if number == 1 else f"{number} statements stop"
    return (
        f" But {what} the run while rows are in the way, which the migrations themselves left. Decide what "
        "becomes of them: each choice stands as a comment above its statement. Until then nothing is changed."
    )


def _run(connection: Connection, text: str, schema: str) -> str:
    """Run it in one transaction, one statement at a time, as the real run does; return the error or ""."""
    try:
        with connection.transaction():
            _use_schema(connection, schema)
            for piece in split(text, limit=MOST_STATEMENTS):
                connection.execute(piece.text.encode(), binary=True)
    except (Error, InvalidSql) as error:
        return f"The draft does not run: {one_line(error)}"
    return ""


def _use_schema(connection: Connection, schema: str) -> None:
    connection.execute(SQL("SET LOCAL search_path = {}").format(Identifier(schema)))


def _refusal(reasons: Sequence[str]) -> str:
    return f"This migration cannot be inverted by a draft: {first_of(reasons, MOST_DIFFERENCES)}"
