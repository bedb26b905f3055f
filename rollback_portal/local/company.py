"""The sandbox company's repository and database, to practise on; made once in the data folder."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from pathlib import Path
from urllib.parse import quote

from dbtools.postgres import client
from dbtools.postgres.client import DatabaseAddress
from dbtools.sandbox import project, shop
from dbtools.sandbox.project import PlannedCommit
from deployments.sandbox.company.commits import COMMIT_LOG, PEOPLE
from deployments.sandbox.company.companies import committed_at
from rollback_portal import env
from rollback_portal.processes.data_folder import write_private

REPOSITORY, COMMITS, DATABASES, ADDRESS = "shop.git", "commits.json", "databases.toml", "shop_database_url"
SECRET = "SHOP_DATABASE_URL"  # noqa: S105  (the name of a variable)
CONFIGURED = """# The sandbox company's database. docs/database-rollbacks.md describes what it can hold.
[shop]
secret = "{secret}"
environment = "production"
services = ["{services}"]
repository = "{repository}"
path = "prisma/migrations"
prisma = "6.19.3"
"""
SERVICES = ("shop-api", "shop-web")


def variables(folder: Path) -> dict[str, str]:
    """Environment variables for the wizard's processes; the address itself stays in a file."""
    return {"DATABASES_FILE": str(folder / DATABASES), f"{SECRET}_FILE": str(folder / ADDRESS)}


def make_repository(folder: Path) -> None:
    """Make the Git repository unless it exists; the sandbox's deployments then use its commits."""
    if (folder / COMMITS).exists():
        return
    shutil.rmtree(folder / REPOSITORY, ignore_errors=True)
    began = time.time()  # noted, because the names of the migrations derive from it as well
    shas = project.build(folder / REPOSITORY, story(began))
    commits = {f"shop/{number}": sha for number, sha in enumerate(shas)}
    write_private(folder / COMMITS, json.dumps({"at": began, **commits}))


def story(now: float) -> list[PlannedCommit]:
    """The commits of the sandbox's developers, oldest first."""
    names = {person.login: person for person in PEOPLE}
    return [
        PlannedCommit(
            names[login].name, names[login].email, subject, committed_at(now, number, len(COMMIT_LOG))
        )
        for number, (login, _, subject) in enumerate(COMMIT_LOG)
    ]


def make_database(folder: Path, server: str) -> None:
    """Make and fill the database unless it exists. One that was left half made is made anew.

    Args:
        server: the address of a role that may create databases and roles.
    """
    if (folder / ADDRESS).exists():
        return
    began = json.loads((folder / COMMITS).read_text())["at"]
    password = secrets.token_urlsafe(24)
    database = shop.make(client.parse(server).with_database("postgres"), password)
    migrations = [step for _, step in project.plan_migrations(story(began))]
    shop.fill(database, migrations, orders=env.number("SANDBOX_ORDERS", shop.ORDERS))
    text = CONFIGURED.format(secret=SECRET, services='", "'.join(SERVICES), repository=folder / REPOSITORY)
    write_private(folder / DATABASES, text)
    write_private(folder / ADDRESS, address(database))


def address(database: DatabaseAddress) -> str:
    return (
        f"postgresql://{quote(database.user)}:{quote(database.password)}@/{quote(database.database)}"
        f"?host={quote(database.host, safe='')}&schema={quote(database.schema)}"
    )
