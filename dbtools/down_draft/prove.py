"""A draft is offered only once it was proven: run on a copy, and the schema that comes out compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from dbtools.down_draft.draft import LOSES, ORDER, SAME, Draft, refused
from dbtools.down_draft.losses import losses, remade
from dbtools.down_draft.trial import invert
from dbtools.postgres import client
from dbtools.postgres.catalog import Catalog, differences, read
from dbtools.postgres.client import SQL, Connection, Error, Identifier, Target
from dbtools.sql import NotSql
from dbtools.sql.isolated import split

Judge = Callable[[Target], str]  # what else differs in a database from the state before, "" for nothing
MOST = 3
STATEMENTS = 20_000


def draft(
    where: Target, up: Sequence[str], before: Catalog, after: Catalog, *, schema: str = "public"
) -> Draft:
    """Propose the way back. Nothing is changed: it is tried in a transaction that is undone.

    Args:
        where: a scratch database in the state after; never anybody's own.
        up: the migrations' texts, newest first, that lead from `before` to `after`.
        before, after: of the same scratch database (or copies of one) at the two moments.
        schema: what unqualified names mean.

    Raises:
        target.Unreachable, target.Error: the scratch database is gone.
    """
    lost = losses(before, after, up)
    with client.connect(where, "draft", autocommit=True) as db, db.transaction(force_rollback=True):
        _as_the_runner(db, schema)
        trial = invert(db, before, after, remade(before, after))
    left = [found for found in differences(before, trial.reached) if "stand in another order" not in found]
    if left:
        return refused(_cannot([*left, *trial.errors]), lost)
    said = {line.key for line in trial.lines if line.mark == LOSES}
    return Draft((*(line for line in lost if line.key not in said or not line.key), *trial.lines))


def prove(proposed: Draft, where: Target, before: Catalog, judge: Judge, *, schema: str = "public") -> Draft:
    """Run the very text and compare: the draft with its verdict, or a refusal that names the difference.

    Args:
        where: a scratch database in the state after, which this changes; throw it away.
        judge: a second look that shares nothing with the first, such as pg_dump.

    Raises:
        target.Unreachable: the scratch database is gone.
    """
    if proposed.verdict:
        return proposed
    lost = tuple(line for line in proposed.lines if not line.sql)
    with client.connect(where, "draft", autocommit=True) as connection:
        problem = _run(connection, proposed.text, schema)
        if problem:
            return refused(_cannot([problem]), lost)
        reached = read(connection)
    left = differences(before, reached)
    order = [found for found in left if "stand in another order" in found]
    if len(order) < len(left):
        return refused(_cannot([found for found in left if found not in order]), lost)
    other = judge(where)
    if other:
        return refused(_cannot([other]), lost)
    if order:
        return replace(proposed, verdict=ORDER, message=f"Same but for column order: {order[0]}")
    return replace(proposed, verdict=SAME, message="Leads back exactly.")


def _run(connection: Connection, text: str, schema: str) -> str:
    """One transaction, one statement at a time, as the run itself would; "" where it worked."""
    try:
        with connection.transaction():
            _as_the_runner(connection, schema)
            for piece in split(text, most=STATEMENTS):
                connection.execute(piece.text.encode(), binary=True)
    except (Error, NotSql) as error:
        return f"The draft does not run: {' '.join(str(error).split())}"
    return ""


def _as_the_runner(connection: Connection, schema: str) -> None:
    connection.execute(SQL("SET LOCAL search_path = {}").format(Identifier(schema)))


def _cannot(found: Sequence[str]) -> str:
    more = f" And {len(found) - MOST} more." if len(found) > MOST else ""
    return f"This migration cannot be inverted by a draft: {' '.join(found[:MOST])}{more}"
