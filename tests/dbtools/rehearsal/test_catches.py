"""The rehearsal catches wrong down scripts: a small share here, a thousand with `make wrong-downs`."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import pytest

from dbtools.rehearsal import MigrationSql
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.rehearsal.right_downs import BASE, ROWS
from tests.dbtools.rehearsal.small_project import project
from tests.dbtools.rehearsal.wrong_downs import caught, mutants, pairs, text

SEED, EACH = 20_261_123, 6


@pytest.mark.parametrize("number", [3, 16, 21, 23])
def test_every_wrong_script_is_caught_and_no_correct_one(
    number: int, make_database: MakeDatabase, tmp_path: Path
) -> None:
    seeded = random.Random(SEED)
    pair = next(islice(pairs(seeded), number, None))
    made = project(make_database(), tmp_path, [MigrationSql("1_base", BASE + ROWS)], [pair.up])
    right = made.rehearse(text(pair.down))
    assert right.passed, right.message
    for mutant in mutants(pair, seeded)[:EACH]:
        report = made.rehearse(mutant.down)
        assert caught(mutant, report, right) == (mutant.kind != "neutral"), mutant


def test_a_neutral_change_is_not_a_wrong_script(make_database: MakeDatabase, tmp_path: Path) -> None:
    """An index that is dropped with its column need not be dropped before."""
    seeded = random.Random(SEED)
    pair = next(islice(pairs(seeded), 21, None))
    made = project(make_database(), tmp_path, [MigrationSql("1_base", BASE + ROWS)], [pair.up])
    neutral = [mutant for mutant in mutants(pair, seeded) if mutant.kind == "neutral"]
    assert len(neutral) == 2
    for mutant in neutral:
        assert made.rehearse(mutant.down).passed, mutant
