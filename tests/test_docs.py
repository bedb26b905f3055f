"""The documents name files that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PATH = re.compile(r"`((?:rollback_portal|deployments|dbtools|templates|static|tests|docs)/[^`\s<>…]*)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def missing(document: Path, text: str) -> list[str]:
    paths = [path for named in PATH.findall(text) for path in alternatives(named)]
    links = [target for target in LINK.findall(text) if not (document.parent / target).exists()]
    return [path for path in paths if not (ROOT / path).exists()] + links


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
