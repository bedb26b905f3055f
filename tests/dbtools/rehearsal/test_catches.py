"""The rehearsal catches wrong down scripts: a small share here, two thousand with `make wrong-downs`."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.rehearsal import MigrationSql
from tests.dbtools.conftest import MakeDatabase
from tests.dbtools.rehearsal.acceptance import accept
from tests.dbtools.rehearsal.right_downs import BASE, BESIDE, ROLES, ROWS
from tests.dbtools.rehearsal.right_scripts import RIGHT, USERS, RightDown
from tests.dbtools.rehearsal.small_project import Project, project
from tests.dbtools.rehearsal.wrong_downs import Mutant, Pair, caught, mutants, pairs, text

SEED, EACH = 20_261_123, 6
MakeProject = Callable[[int], tuple[Pair, Project, list[Mutant]]]


@pytest.fixture
def roles(server: DatabaseAddress) -> None:
    with client.connect(server, "tests", autocommit=True) as connection:
        connection.execute(ROLES.encode())


@pytest.fixture
def make_project(roles: None, make_database: MakeDatabase, tmp_path: Path) -> MakeProject:
    """The pair of this number with its project and its wrong scripts."""

    def make(number: int) -> tuple[Pair, Project, list[Mutant]]:
        seeded = random.Random(SEED)
        pair = next(islice(pairs(seeded), number, None))
        base = [MigrationSql("1_base", BASE + ROWS)]
        return pair, project(make_database(), tmp_path, base, [pair.up], BESIDE), mutants(pair, seeded)

    return make


@pytest.mark.parametrize("number", [3, 16, 21, 23])
def test_every_wrong_script_is_caught_and_no_correct_one(number: int, make_project: MakeProject) -> None:
    pair, made, wrong = make_project(number)
    right = made.rehearse(text(pair.down))
    assert right.passed, right.message
    for mutant in wrong[:EACH]:
        report = made.rehearse(mutant.down)
        assert caught(mutant, report, right) == (mutant.kind != "neutral"), mutant


def test_a_neutral_change_is_not_a_wrong_script(make_project: MakeProject) -> None:
    """An index that is dropped with its column need not be dropped before."""
    _, made, wrong = make_project(21)
    neutral = [mutant for mutant in wrong if mutant.kind == "neutral" and not mutant.what]
    assert len(neutral) == 2
    for mutant in neutral:
        assert made.rehearse(mutant.down).passed, mutant


@pytest.mark.parametrize("right", RIGHT[::7], ids=lambda right: right.name)
def test_a_right_script_is_accepted(
    right: RightDown, roles: None, make_database: MakeDatabase, tmp_path: Path
) -> None:
    accept(make_database(), tmp_path, USERS + right.before, right.up, right.down, beside=right.beside)
