"""The rules of the architecture: which package may import which, and where each outside library comes in."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pytest

from tests.support.source import APPS, CORE, imports, modules, within

# Each top-level package from the bottom up. A module imports from its own part and from the levels below.
LEVELS: dict[str, tuple[tuple[str, ...], ...]] = {
    "rollback_portal": (
        ("env", "text"),
        ("checks", "postgresql", "processes", "celery"),
        ("settings", "wsgi"),
        ("templatetags", "web"),  # below audit and accounts, which have pages of their own
        ("command",),
        ("jobs",),
        ("audit",),
        ("accounts",),
        ("urls",),
        ("local",),
    ),
    "deployments": (
        ("providers", "analysis"),
        ("apps", "models", "clients", "sandbox"),
        ("history", "lookup"),
        ("sync",),
        ("logs", "metrics"),
        ("operations", "service_settings"),
        ("verdicts",),
        ("forms",),
        ("pages",),
        ("templatetags",),
        ("interface", "prometheus", "tasks", "views", "management"),
        ("urls",),
    ),
    "dbtools": (
        ("postgres",),
        ("prisma", "sql"),
        ("config", "execution", "down_draft", "sandbox"),
        ("apps", "models", "preflight", "rehearsal"),
        ("wizard",),
        ("forms", "interface", "tasks"),
        ("release_forms",),
        ("views",),
        ("urls",),
    ),
}

# The composition root: the only modules of the core that may import or name an app.
COMPOSITION_ROOT = ("rollback_portal.settings", "rollback_portal.urls", "rollback_portal.local")
# The only product modules that may import a sandbox.
SANDBOX_STARTERS = ("rollback_portal.local", "deployments.management.commands.sandbox")

# Module prefix -> what it must never import, beyond the levels.
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "rollback_portal.text": ("django",),
    "deployments.providers": ("django",),
    "deployments.analysis": ("django", "httpx", "rollback_portal.jobs", "deployments.providers"),
    "deployments.sandbox": ("django", "rollback_portal", "deployments.models"),
    "deployments.operations": ("django.http", "celery"),
    "deployments.sync": ("django.http", "celery"),
    "deployments.metrics": ("django.http", "celery"),
    "deployments.verdicts": ("django.http", "celery"),
    "deployments.pages": ("django.http", "celery"),
    "deployments.views": ("celery", "deployments.clients", "deployments.providers", "deployments.sync"),
    "dbtools.postgres": ("django",),
    "dbtools.sql": ("django",),
    "dbtools.prisma": ("django",),
    "dbtools.down_draft": ("django",),
    "dbtools.rehearsal": ("django",),
    "dbtools.execution": ("django",),
    "dbtools.preflight": ("django",),
    "dbtools.wizard": ("django.http", "celery"),
    "dbtools.views": ("celery", "dbtools.postgres", "dbtools.execution", "dbtools.rehearsal"),
}

# Library -> the only modules that may import it.
GATEWAYS: dict[str, tuple[str, ...]] = {
    "httpx": ("deployments.providers", "deployments.clients", "deployments.sandbox.server.transport"),
    "celery": (
        "rollback_portal.celery",
        "rollback_portal.jobs.broker",
        "rollback_portal.jobs.process.celery_worker",
        "deployments.tasks",
        "dbtools.tasks",
    ),
    "kombu": ("rollback_portal.jobs.broker",),
    "pglast": ("dbtools.sql",),
    "psycopg": (
        "dbtools.postgres.client",
        "rollback_portal.settings",
        "rollback_portal.postgresql",
        "rollback_portal.processes",
    ),
    "redis": ("rollback_portal.jobs.broker", "deployments.providers.rate_limit", "rollback_portal.local"),
}
READS_ENVIRONMENT = ("rollback_portal.env", "rollback_portal.wsgi", "rollback_portal.celery")
PUBLISHING = {"apply_async", "delay", "delay_on_commit", "apply_async_on_commit", "send_task"}


def part_of(name: str) -> tuple[str, str]:
    """The top-level package and the part of it that a dotted name belongs to; "" for the package itself."""
    top, _, rest = name.partition(".")
    return top, rest.partition(".")[0]


def level_of(top: str, part: str) -> int | None:
    return next((number for number, parts in enumerate(LEVELS[top]) if part in parts), None)


# --- What one module does wrong ---


def upward_imports(name: str, tree: ast.Module) -> list[str]:
    top, part = part_of(name)
    own = level_of(top, part)
    wrong = []
    for imported in imports(tree):
        other_top, other = part_of(imported)
        if other_top != top or other == part or own is None:
            continue
        level = level_of(top, other)
        if level is not None and level >= own:
            wrong.append(f"{name} imports {imported}, which is not below it")
    return wrong


def imports_across_the_apps(name: str, tree: ast.Module) -> list[str]:
    top, _ = part_of(name)
    others = [app for app in APPS if app != top]
    if within(name, *COMPOSITION_ROOT):
        return []
    return [f"{name} imports {imported}" for imported in imports(tree) if within(imported, *others)]


def names_of_apps(name: str, tree: ast.Module) -> list[str]:
    """Dotted names of an app in the texts of the core: an import that the other rules would not see."""
    if not within(name, CORE) or within(name, *COMPOSITION_ROOT):
        return []
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    known = modules()
    return [
        f"{name} names {text}" for text in texts if within(text, *APPS) and text.rpartition(".")[0] in known
    ]


def imports_of_a_sandbox(name: str, tree: ast.Module) -> list[str]:
    sandboxes = [f"{app}.sandbox" for app in APPS]
    if within(name, *sandboxes, *SANDBOX_STARTERS):
        return []
    return [f"{name} imports {imported}" for imported in imports(tree) if within(imported, *sandboxes)]


def forbidden_imports(name: str, tree: ast.Module) -> list[str]:
    forbidden = [
        package for prefix, packages in FORBIDDEN.items() if within(name, prefix) for package in packages
    ]
    return [f"{name} imports {imported}" for imported in imports(tree) if within(imported, *forbidden)]


def second_gateways(name: str, tree: ast.Module) -> list[str]:
    return [
        f"{name} imports {imported}"
        for imported in imports(tree)
        for library, gateways in GATEWAYS.items()
        if within(imported, library) and not within(name, *gateways)
    ]


def environment_reads(name: str, tree: ast.Module) -> list[str]:
    if within(name, *READS_ENVIRONMENT, "rollback_portal.local"):
        return []
    return [
        f"{name} reads os.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    ]


def second_publishers(name: str, tree: ast.Module) -> list[str]:
    if name == "rollback_portal.jobs.broker":
        return []
    return [
        f"{name} publishes"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in PUBLISHING
    ]


# Each rule with a breach of it: (the check, a module, its source).
RULES = {
    "nothing is imported upwards": (
        upward_imports,
        "deployments.models.service",
        "from deployments.operations.requests import request_operation",
    ),
    "the apps and the core do not import each other": (
        imports_across_the_apps,
        "rollback_portal.jobs.queue",
        "from deployments.models import Change",
    ),
    "the core does not even name an app": (
        names_of_apps,
        "rollback_portal.web.pages",
        'ASK = "deployments.interface.live_code"',
    ),
    "the product imports no sandbox": (
        imports_of_a_sandbox,
        "deployments.clients",
        "from deployments.sandbox.server.transport import SandboxTransport",
    ),
    "what knows no Django, no request and no queue stays so": (
        forbidden_imports,
        "deployments.providers.render.client",
        "from django.conf import settings",
    ),
    "every outside library has one gateway": (second_gateways, "deployments.views.confirm", "import httpx"),
    "one module reads the environment": (
        environment_reads,
        "deployments.clients",
        "import os\nKEY = os.environ['KEY']",
    ),
    "only the broker publishes": (
        second_publishers,
        "deployments.operations.requests",
        "advance.delay(1)",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_is_kept(rule: str) -> None:
    check, _, _ = RULES[rule]
    assert [breach for name, tree in modules().items() for breach in check(name, tree)] == []


@pytest.mark.parametrize("rule", RULES)
def test_a_breach_of_the_rule_is_seen(rule: str) -> None:
    check, name, source = RULES[rule]
    assert check(name, ast.parse(source))


def test_every_part_has_its_level() -> None:
    parts = {part_of(name) for name in modules()}
    assert {f"{top}.{part}" for top, part in parts if part and level_of(top, part) is None} == set()


# --- Circles ---


def import_graph() -> dict[str, set[str]]:
    known = modules()
    graph: dict[str, set[str]] = {}
    for name, tree in known.items():
        found = {_module_in(imported, known) for imported in imports(tree, for_types=False)}
        graph[name] = found - {name, ""}
    return graph


def _module_in(imported: str, known: Mapping[str, object]) -> str:
    while imported and imported not in known:
        imported = imported.rpartition(".")[0]
    return imported


def circles(graph: Mapping[str, set[str]]) -> set[str]:
    """What is left when everything is taken away, again and again, that imports nothing of the rest."""
    left = {name: set(others) for name, others in graph.items()}
    while free := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in free}
    return set(left)


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(import_graph()) == set()


def test_a_circle_is_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == {"a", "b", "c"}
