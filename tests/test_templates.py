"""What holds for all templates."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.template.loader import get_template

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
