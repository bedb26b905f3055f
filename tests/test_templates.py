"""What holds for all templates."""

from __future__ import annotations

import ast
import re

import pytest
from django.conf import settings
from django.template.loader import get_template

from tests.support.source import modules

MAX_LINE_LENGTH = 160
FOLDER = settings.BASE_DIR / "templates"
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.html"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_line_is_longer_than_an_editor_shows(name: str) -> None:
    lines = (FOLDER / name).read_text().splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > MAX_LINE_LENGTH] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_compiles_and_includes_only_templates_that_exist(name: str) -> None:
    get_template(name)
    for included in re.findall(r'{% (?:include|extends) "([^"]+)"', (FOLDER / name).read_text()):
        get_template(included)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_static_file_of_a_template_exists(name: str) -> None:
    text = (FOLDER / name).read_text()
    names = re.findall(r"{% static '([^']+)' %}", text) + re.findall(r'="/static/([^"]+)"', text)
    for static in names:
        assert (settings.BASE_DIR / "static" / static).is_file(), static


# What is said elsewhere: on a terminal, and by the sandbox in a provider's own words; and the order of signs.
NOT_ON_A_PAGE = (
    "deployments.sandbox", "deployments.management", "deployments.migrations", "dbtools.migrations",
    "rollback_portal.checks", "rollback_portal.command", "dbtools.prisma.names",
)  # fmt: skip


def test_no_page_and_no_sentence_that_one_may_show_has_a_literal_backtick() -> None:
    pages = [name for name in TEMPLATES if "`" in (FOLDER / name).read_text()]
    said = [
        f"{name}: {node.value!r}"
        for name, tree in modules().items()
        if not name.startswith(NOT_ON_A_PAGE)
        for node in said_in(tree)
        if "`" in str(node.value)
    ]
    assert pages + said == []


def said_in(tree: ast.AST) -> list[ast.Constant]:
    """The texts in a module, without its docstrings and what describes a column to programmers."""
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, DOCUMENTED)]
    silent = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    silent |= {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "help_text"
    }
    texts = (
        node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return [node for node in texts if id(node) not in silent]


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
