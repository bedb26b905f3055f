"""How every command ends: with PostgreSQL away, on a closed pipe, interrupted, and what its help says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import load_command_class
from django.utils import timezone
from django.utils.safestring import mark_safe

from deployments.management.exit_codes import MEANINGS
from deployments.operations import worker
from deployments.pages.manual_fallback import last_known
from rollback_portal.web import fallback_store
from tests.deployments.conftest import Portal
from tests.deployments.management.command_line import WHY, command, printed
from tests.support.database_away import postgresql_away

COMMANDS = ("rollback", "promote", "leave", "deployments", "status", "services")


@pytest.fixture
def kept(portal: Portal, settings: Any, tmp_path: Path) -> Portal:
    """The commands by hand, as a web process keeps them on this machine."""
    settings.LAST_KNOWN_FILE = str(tmp_path / "last-known.json")
    cards = mark_safe(last_known())  # noqa: S308 - rendered by our own template
    fallback_store.save(fallback_store.LastKnown(cards, timezone.now()))
    return portal


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "arguments",
    [
        ("rollback", "shop-api", "--to", "previous", *WHY),
        ("leave", "shop-api"),
        ("status",),
        ("deployments", "shop-web"),
    ],
)
def test_without_postgresql_it_ends_with_5_and_the_commands_to_act_by_hand(
    kept: Portal, arguments: tuple[str, ...]
) -> None:
    target = kept.candidate(kept.api)
    with postgresql_away():
        code, text = printed(*arguments)

    assert code == 5
    assert "PostgreSQL does not answer. Nothing was started" in text
    assert f'"deployId": "{target.provider_id}"' in text
    assert "Bearer $RENDER_API_KEY" in text
    assert "<" not in text
    assert kept.posts() == []


@pytest.mark.django_db(transaction=True)
def test_without_anything_kept_it_names_the_dashboards(portal: Portal, settings: Any, tmp_path: Path) -> None:
    settings.LAST_KNOWN_FILE = str(tmp_path / "none.json")
    with postgresql_away():
        code, output = command("rollback", "shop-api", "--to", "previous", *WHY)
        _, text = printed("status")

    assert (code, output["outcome"], output["by_hand"]) == (5, "database away", "")
    assert "https://dashboard.render.com/" in text


@pytest.mark.django_db(transaction=True)
def test_where_postgresql_goes_away_after_the_start_the_outcome_is_unclear(
    kept: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = postgresql_away()
    monkeypatch.setattr(worker, "run", lambda *_, **__: away.__enter__())
    try:
        code, text = printed("rollback", "shop-api", "--to", "previous", *WHY)
    finally:
        away.__exit__(None, None, None)

    assert code == 4
    assert "Whether the operation was started, and how far it is, is not known here." in text


def test_interrupted_it_says_that_the_operation_is_kept(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(worker, "run", interrupted)

    code, text = printed("rollback", "shop-api", "--to", "previous", *WHY)

    assert code == 130
    assert "The operation is kept" in text


def script(body: str) -> list[str]:
    """A command in a process of its own, which does what `body` says."""
    program = (
        "import django; django.setup()\n"
        "from deployments.management.portal_command import CommandRefused, PortalCommand\n"
        "class Much(PortalCommand):\n"
        "    def handle(self, **options):\n"
        f"        {body}\n"
        "Much().run_from_argv(['manage.py', 'much'])\n"
    )
    return [sys.executable, "-c", program]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("for _ in range(100_000): self.say('line')", 0),
        ("for _ in range(100_000): self.complain('line')", 0),
        ("for _ in range(100_000): self.complain('line')\n        raise CommandRefused('No.')", 2),
    ],
)
def test_a_closed_pipe_is_no_error(body: str, code: int) -> None:
    with subprocess.Popen(script(body), stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as much:
        assert much.stdout is not None
        much.stdout.readline()
        much.stdout.close()

    assert much.returncode == code


def test_a_terminal_that_lacks_a_character_is_no_error() -> None:
    latin = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(script("self.say('“ü”')"), env=latin, capture_output=True, check=True)

    assert (done.stdout.strip(), done.stderr) == (rb"\u201c\xfc\u201d", b"")


def test_output_that_was_closed_before_is_no_error() -> None:
    run = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *script("self.say('line')\n        self.complain('line')")]

    assert subprocess.run(run, check=False).returncode == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_has_the_table_of_exit_codes(name: str) -> None:
    text = load_command_class("deployments", name).create_parser("manage.py", name).format_help()

    for code, meaning in MEANINGS.items():
        assert f"  {code:<4} {meaning}" in text
