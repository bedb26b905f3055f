"""A fixture's name means one thing: one declared type wherever it is defined, and no overrides."""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pytest_django import fixtures

from tests.support.source import python_files

TESTS = Path(__file__).resolve().parent
YIELDS = ("Iterator", "Generator")


def defined_fixtures(module: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each fixture of a module with its type, written with the module that the type comes from."""
    origins = _origins(module, tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(map(_makes_fixture, node.decorator_list)):
            yield node.name, _full_type(node.returns, origins)


def _makes_fixture(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).partition("(")[0] == "pytest.fixture"


def _origins(module: str, tree: ast.Module) -> dict[str, str]:
    """What each name of a module stands for."""
    origins: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom():
                origins |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            case ast.Import():
                origins |= {alias.asname: alias.name for alias in node.names if alias.asname}
            case ast.ClassDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]):
                origins[name] = f"{module}.{name}"
    return origins


def _full_type(returns: ast.expr | None, origins: Mapping[str, str]) -> str:
    """The type of the value, also where the fixture is a generator that yields it."""
    match returns:
        case None:
            return ""
        case ast.Subscript(value=ast.Name(id=kind), slice=inner) if kind in YIELDS:
            returns = inner
    for node in ast.walk(returns):
        if isinstance(node, ast.Name):
            node.id = origins.get(node.id, node.id)
    return ast.unparse(returns)


def names_with_two_types(found: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    types: dict[str, set[str]] = defaultdict(set)
    for name, kind in found:
        types[name].add(kind)
    return {name: kinds for name, kinds in types.items() if len(kinds) > 1}


def overridden(found: Mapping[Path, Iterable[str]]) -> list[str]:
    """What a file defines although a conftest.py above it already does, so that the name means two things."""
    conftests = {path.parent: set(names) for path, names in found.items() if path.name == "conftest.py"}
    return [
        f"{path}: {name}"
        for path, names in found.items()
        for name in names
        if any(name in conftests.get(folder, ()) for folder in path.parents if path != folder / "conftest.py")
    ]


def every_fixture() -> dict[Path, list[tuple[str, str]]]:
    found = {}
    for path in python_files("tests"):
        module = ".".join(path.relative_to(TESTS.parent).with_suffix("").parts)
        found[path.relative_to(TESTS)] = list(defined_fixtures(module, ast.parse(path.read_text())))
    return found


def test_every_fixture_name_has_one_type() -> None:
    found = list(defined_fixtures("pytest_django.fixtures", ast.parse(inspect.getsource(fixtures))))
    for defined in every_fixture().values():
        found += defined
    assert len(found) > 100
    assert names_with_two_types(found) == {}


def test_no_fixture_overrides_one_from_above() -> None:
    assert overridden({path: [name for name, _ in pairs] for path, pairs in every_fixture().items()}) == []


def test_a_fixture_that_overrides_one_from_above_is_seen() -> None:
    top, below = Path("conftest.py"), Path("views/conftest.py")
    found = {
        top: ["web"],
        below: ["api"],
        Path("views/test_a.py"): ["web", "api"],
        Path("test_b.py"): ["api"],
    }
    assert overridden(found) == ["views/test_a.py: web", "views/test_a.py: api"]
    assert overridden({top: ["web"], below: ["web"]}) == ["views/conftest.py: web"]


def test_a_name_with_two_types_is_seen() -> None:
    first = "@pytest.fixture\ndef portal(): ...\n"
    one = "class Portal: ...\n" + first.replace("()", "() -> Portal")
    other = "from tests.one import Portal\n" + first.replace("()", "() -> Iterator[Portal]")
    third = "class Portal: ...\n" + first.replace("()", "() -> Iterator[Portal]")

    def found(**sources: str) -> list[tuple[str, str]]:
        modules = {f"tests.{name}": ast.parse(source) for name, source in sources.items()}
        return [pair for name, tree in modules.items() for pair in defined_fixtures(name, tree)]

    assert names_with_two_types(found(one=one, other=other)) == {}
    assert names_with_two_types(found(one=one, third=third)) == {
        "portal": {"tests.one.Portal", "tests.third.Portal"}
    }
