"""The practice database: its repository, its history and its rows agree."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from dbtools.postgres import client
from dbtools.postgres.client import Connection, DatabaseAddress
from dbtools.prisma import history
from dbtools.prisma.compare import compare, select
from dbtools.prisma.mirror import GitMirror
from dbtools.sandbox import project, shop
from rollback_portal.local import company


def test_the_newest_of_forty_migrations_came_with_the_newest_commit(tmp_path: Path) -> None:
    story = company.story(time.time())
    shas = project.build(tmp_path / "shop.git", story)
    mirror = GitMirror(str(tmp_path / "shop.git"), tmp_path / "mirror.git")
    mirror.fetch()
    assert mirror.newest() == shas[-1]
    now, before = (mirror.folder(sha, project.FOLDER).migrations for sha in (shas[-1], shas[-2]))
    assert len(now) == 40
    (newest,) = set(now) - set(before)
    assert newest.endswith("_drop_legacy_price")
    dates = subprocess.run(
        ["git", "--git-dir", str(tmp_path / "shop.git"), "log", "--format=%at"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert dates == sorted(dates, reverse=True)


def test_the_history_is_the_one_that_prisma_would_have_written(
    server: DatabaseAddress, made_shop: DatabaseAddress, opened_shop: Connection, tmp_path: Path
) -> None:
    story = company.story(time.time())
    steps = [step for _, step in project.plan_migrations(story)]
    shop.fill(made_shop, steps)
    project.build(tmp_path / "shop.git", story)
    mirror = GitMirror(str(tmp_path / "shop.git"), tmp_path / "mirror.git")
    mirror.fetch()
    entries = compare(mirror.folder(mirror.newest(), project.FOLDER), history.read(opened_shop, "public"), "")
    assert {entry.state for entry in entries} == {"applied"}
    assert [entry.name for entry in select(entries, entries[-1].name)] == [steps[-1].name]
    (count,) = opened_shop.execute(
        'SELECT count(*) FROM "Order" WHERE "priceCents" IS NOT NULL'
    ).fetchone() or (0,)
    assert count == shop.ORDERS


def test_its_role_may_make_databases_beside_its_own_and_nothing_else(made_shop: DatabaseAddress) -> None:
    with client.connect(made_shop, "tests") as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, True, False, False, False)
