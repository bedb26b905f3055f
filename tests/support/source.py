"""The product's own source: its modules, parsed, and what each imports."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE, APPS = "rollback_portal", ("deployments", "dbtools")
TOP = (CORE, *APPS)


def python_files(*tops: str) -> Iterator[Path]:
    """Every Python file of our own in these top-level folders; npm's packages bring some, too."""
    for path in sorted(path for top in tops for path in (ROOT / top).rglob("*.py")):
        if "node_modules" not in path.parts:
            yield path


@cache
def modules() -> dict[str, ast.Module]:
    trees = {}
    for path in python_files(*TOP):
        if "migrations" not in path.parts:
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            trees[name] = ast.parse(path.read_text())
    return trees


def imports(tree: ast.Module, *, for_types: bool = True) -> Iterator[str]:
    """What is imported anywhere in a module, with or without what stands under `if TYPE_CHECKING`."""
    only_types = set() if for_types else {id(node) for node in _type_checking(tree)}
    for node in ast.walk(tree):
        if id(node) in only_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _type_checking(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from ast.walk(node)


def within(name: str, *prefixes: str) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def folders() -> dict[Path, list[Path]]:
    found: dict[Path, list[Path]] = defaultdict(list)
    for path in python_files(*TOP):
        if "migrations" not in path.parts and path.name != "__init__.py":
            found[path.parent].append(path)
    return found
