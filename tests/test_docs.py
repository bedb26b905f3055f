"""The documents name files that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from tests.support.source import ROOT, TOP, python_files

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PATH = re.compile(r"`((?:rollback_portal|deployments|dbtools|templates|static|tests|docs)/[^`\s<>…]*)`")
MODULE = re.compile(r"`([\w/{},]+\.py)`")  # a bare name, or a path without its beginning
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def missing(document: Path, text: str) -> list[str]:
    paths = [path for named in PATH.findall(text) for path in alternatives(named)]
    endings = [ending for named in MODULE.findall(text) for ending in alternatives(named)]
    links = [target for target in LINK.findall(text) if not (document.parent / target).exists()]
    nowhere = [path for path in paths if not (ROOT / path).exists()]
    return list(dict.fromkeys(nowhere + [ending for ending in endings if not is_a_module(ending)])) + links


def is_a_module(ending: str) -> bool:
    return any(f"/{module}".endswith(f"/{ending}") for module in every_module())


@cache
def every_module() -> frozenset[str]:
    found = [*ROOT.glob("*.py"), *python_files(*TOP, "tests")]
    return frozenset(path.relative_to(ROOT).as_posix() for path in found)


def alternatives(path: str) -> Iterator[str]:
    """`a/{b,c}/d` stands for `a/b/d` and `a/c/d`."""
    parts = re.split(r"\{([^}]*)\}", path)
    choices = [part.split(",") if number % 2 else [part] for number, part in enumerate(parts)]
    return ("".join(chosen) for chosen in product(*choices))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_and_link_in_it_leads_somewhere(document: Path) -> None:
    assert missing(document, document.read_text()) == []


def test_a_path_and_a_link_that_lead_nowhere_are_seen() -> None:
    text = "`deployments/{models,nowhere}/pin.py` and [this](nothing.md), [that](README.md#start)"
    assert missing(ROOT / "README.md", text) == ["deployments/nowhere/pin.py", "nothing.md"]


def test_a_module_without_its_folder_that_does_not_exist_is_seen() -> None:
    text = "`pin.py`, `models/{pin,gone}.py`, `resolution.py`"
    assert missing(ROOT / "README.md", text) == ["models/gone.py", "resolution.py"]
