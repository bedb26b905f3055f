"""The collected static files: every module imports files that exist, by their hashed names."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client, override_settings

from rollback_portal.settings import STORAGES

IMPORTED = re.compile(r'^import\b[^"]*"\./([^"]+)";$', re.MULTILINE)
SOURCE = settings.BASE_DIR / "static" / "js"


def collect(folder: Path) -> None:
    with override_settings(STATIC_ROOT=str(folder), STORAGES=STORAGES):
        call_command("collectstatic", interactive=False, verbosity=0, stdout=StringIO())


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("static")
    collect(folder)
    return folder


def test_every_import_in_a_hashed_module_names_a_hashed_file_that_exists(collected: Path) -> None:
    hashed = [
        file for file in (collected / "js").glob("*.js") if re.search(r"\.[0-9a-f]{12}\.js$", file.name)
    ]
    imported = [name for file in hashed for name in IMPORTED.findall(file.read_text())]
    assert len(imported) > 8
    for name in imported:
        assert re.search(r"\.[0-9a-f]{12}\.js$", name), name
        assert (collected / "js" / name).is_file(), name


def test_every_import_in_a_source_module_names_a_file_that_exists() -> None:
    """An import that the storage does not recognise would keep its name without a hash."""
    for file in SOURCE.glob("*.js"):
        lines = [line for line in file.read_text().splitlines() if line.startswith("import")]
        names = IMPORTED.findall(file.read_text())
        assert len(names) == len(lines), file.name
        assert all((SOURCE / name).is_file() for name in names), file.name


@pytest.mark.django_db
def test_a_page_loads_the_hashed_entry_module(collected: Path) -> None:
    with override_settings(STATIC_ROOT=str(collected), STORAGES=STORAGES):
        page = Client().get("/accounts/login/").content.decode()
    entry = re.search(r'<script type="module" src="/static/(js/portal\.[0-9a-f]{12}\.js)">', page)
    assert entry
    assert (collected / entry.group(1)).is_file()
