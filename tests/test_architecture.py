"""The house's own rules: who may import whom, and which door leads outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GROUND, WING, PROVIDERS = "rollback_portal", "deployments", "deployments.providers"

# Module prefix -> what it must never import.
WALLS = {
    "rollback_portal.accounts": (WING, "dbtools"),
    "rollback_portal.audit": (WING, "dbtools"),
    "rollback_portal.states": (WING, "dbtools"),
    "rollback_portal.http": (WING, "dbtools"),
    "rollback_portal.security": (WING, "dbtools"),
    "deployments.providers": ("django", "rollback_portal", "deployments.models", "deployments.operations"),
    "deployments.sandbox": ("django", "rollback_portal", "deployments.models", "deployments.operations"),
    "deployments.models": (
        "deployments.operations", "deployments.changes", "deployments.steps", "deployments.sync",
        "deployments.tasks", "deployments.views", "deployments.plans",
    ),
    "deployments.operations": ("deployments.tasks", "deployments.views", "django.http", "celery"),
    "deployments.changes": ("deployments.tasks", "deployments.views", "django.http", "celery"),
    "deployments.steps": ("deployments.tasks", "deployments.views", "django.http", "celery"),
    "deployments.sync": ("deployments.tasks", "deployments.views", "django.http", "celery"),
    "deployments.views": (
        "deployments.connections", "deployments.changes", "deployments.steps", "deployments.providers",
    ),
    "deployments.tasks": ("django.http", "deployments.views"),
    "dbtools": (WING,),
    "dbtools.target": ("django",),
    "dbtools.sql": ("django", "rollback_portal", "dbtools.target", "dbtools.programs"),
    "dbtools.reader": ("django",),
    "dbtools.catalog": ("django",),
    "dbtools.drafts": ("django",),
    "dbtools.prisma": ("django",),
    "dbtools.programs": ("django",),
    "dbtools.backups": ("django",),
    "dbtools.schema": ("django",),
    "dbtools.scratch": ("django",),
    "dbtools.rehearsal": ("django",),
}  # fmt: skip

# Library -> the only modules that may import it.
DOORS = {
    "httpx": ("deployments.providers", "deployments.connections", "deployments.sandbox.transport"),
    "celery": ("rollback_portal.celery", "deployments.tasks", "deployments.dispatcher", "dbtools.tasks"),
    "kombu": ("deployments.dispatcher",),
    "pglast": ("dbtools.sql",),
    "psycopg": (
        "dbtools.target",
        "rollback_portal.settings",
        "rollback_portal.postgresql",
        "rollback_portal.local",
    ),
    "redis": ("deployments.dispatcher", "deployments.providers.budget", "rollback_portal.local"),
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("rollback_portal", "deployments", "dbtools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text())


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def forbidden(name: str, tree: ast.Module) -> list[str]:
    walls = [taboo for prefix, taboos in WALLS.items() if within(name, prefix) for taboo in taboos]
    return [f"{name} imports {found}" for found in imports(tree) for taboo in walls if within(found, taboo)]


def wrong_doors(name: str, tree: ast.Module) -> list[str]:
    return [
        f"{name} imports {found}"
        for found in imports(tree)
        for library, doors in DOORS.items()
        if within(found, library) and not any(within(name, door) for door in doors)
    ]


def reads_environment(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        for node in ast.walk(tree)
    )


def test_nobody_imports_through_a_wall() -> None:
    assert [line for name, tree in modules() for line in forbidden(name, tree)] == []


def test_every_outside_thing_has_one_door() -> None:
    assert [line for name, tree in modules() for line in wrong_doors(name, tree)] == []


def test_only_one_module_reads_the_environment() -> None:
    allowed = {"rollback_portal.env", "rollback_portal.wsgi", "rollback_portal.celery"}
    local = "rollback_portal.local"
    readers = {name for name, tree in modules() if reads_environment(tree) and not within(name, local)}
    assert readers <= allowed


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("deployments.models.service", "from deployments.operations import request"),
        ("rollback_portal.http", "import deployments.models"),
        ("deployments.providers.render", "from django.conf import settings"),
    ],
)
def test_a_breach_of_a_wall_is_seen(name: str, source: str) -> None:
    assert forbidden(name, ast.parse(source))


def test_a_second_door_is_seen() -> None:
    assert wrong_doors("deployments.views.confirm", ast.parse("import httpx"))


def test_no_file_of_ours_grows_beyond_one_idea() -> None:
    long = {
        f"{path.relative_to(ROOT)}: {len(path.read_text().splitlines())} lines"
        for folder in ("rollback_portal", "deployments", "dbtools")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts and len(path.read_text().splitlines()) > 300
    }
    assert long == set()


def test_nothing_but_the_dispatcher_publishes() -> None:
    publishers = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in PUBLISHING
    }
    assert publishers == {"deployments.dispatcher"}


PUBLISHING = {"apply_async", "delay", "delay_on_commit", "apply_async_on_commit", "send_task"}
