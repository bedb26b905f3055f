"""A text is split into the statements that PostgreSQL sees, and each tree is walked completely."""

from __future__ import annotations

import pytest

from dbtools.sql import InvalidSql, split
from dbtools.sql.syntax.parsing import walk


def test_split_accepts_statements_that_are_not_allowed() -> None:
    assert [piece.text for piece in split("BEGIN; VACUUM;\nCOMMIT")] == ["BEGIN", "VACUUM", "COMMIT"]
    with pytest.raises(InvalidSql, match="syntax error"):
        split("SELEC 1")


def test_a_tree_is_walked_completely() -> None:
    (piece,) = split("WITH a AS (SELECT f(1)) INSERT INTO t SELECT * FROM a WHERE b = ANY (ARRAY[g(2)])")
    kinds = [type(node).__name__ for node in walk(piece.tree)]
    assert kinds.count("FuncCall") == 2
    assert kinds.count("RangeVar") == 2
