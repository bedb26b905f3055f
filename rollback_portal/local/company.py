"""The sandbox company's repository and database, made once in the data folder: something to practise on."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from pathlib import Path
from urllib.parse import quote

from dbtools.postgres import client
from dbtools.postgres.client import Target
from dbtools.sandbox import project, shop
from dbtools.sandbox.project import Told
from deployments.sandbox.company.commits import PEOPLE, STORY
from deployments.sandbox.company.story import committed_at
from rollback_portal.processes.data_folder import write_private

REPOSITORY, COMMITS, DATABASES, ADDRESS = "shop.git", "commits.json", "databases.toml", "shop_database_url"
SECRET = "SHOP_DATABASE_URL"  # noqa: S105  (the name of a variable)
CONFIGURED = """# The sandbox company's database. docs/database-rollbacks.md says what can stand here.
[shop]
secret = "{secret}"
environment = "production"
services = ["{services}"]
repository = "{repository}"
path = "prisma/migrations"
prisma = "6.19.3"
"""
SERVICES = ("shop-api", "shop-web")


def values(folder: Path) -> dict[str, str]:
    """What the processes are told about it; the address itself stays in a file."""
    return {"DATABASES_FILE": str(folder / DATABASES), f"{SECRET}_FILE": str(folder / ADDRESS)}


def found(folder: Path) -> None:
    """Make the repository, unless it is there; the sandbox's deployments then have its commits."""
    if (folder / COMMITS).exists():
        return
    shutil.rmtree(folder / REPOSITORY, ignore_errors=True)
    began = time.time()  # once: the database's migrations get their names from it, too
    shas = project.build(folder / REPOSITORY, story(began))
    named = {f"shop/{number}": sha for number, sha in enumerate(shas)}
    write_private(folder / COMMITS, json.dumps({"at": began, **named}))


def story(now: float) -> list[Told]:
    """What the company's people committed, as the sandbox tells it."""
    names = {person.login: person for person in PEOPLE}
    return [
        Told(names[login].name, names[login].email, subject, committed_at(now, number, len(STORY)))
        for number, (login, _, subject) in enumerate(STORY)
    ]


def move_in(folder: Path, server: str) -> None:
    """Make the database with its rows, unless it is there. Half-made ones are made anew.

    Args:
        server: the address of a role that may create databases and roles.
    """
    if (folder / ADDRESS).exists():
        return
    began = json.loads((folder / COMMITS).read_text())["at"]
    password = secrets.token_urlsafe(24)
    where = shop.make(client.parse(server).named("postgres"), password)
    shop.fill(where, [step for _, step in project.steps(story(began))])
    text = CONFIGURED.format(secret=SECRET, services='", "'.join(SERVICES), repository=folder / REPOSITORY)
    write_private(folder / DATABASES, text)
    write_private(folder / ADDRESS, address(where))


def address(where: Target) -> str:
    return (
        f"postgresql://{quote(where.user)}:{quote(where.password)}@/{quote(where.database)}"
        f"?host={quote(where.host, safe='')}&schema={quote(where.schema)}"
    )
