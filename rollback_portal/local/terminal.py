"""What `make run` prints: one line for each step."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rollback_portal import env

NAMES = {"RENDER_API_KEY": "Render", "VERCEL_TOKEN": "Vercel"}


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def step(name: str, done: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"  {name:<14}{done:<41}{time.monotonic() - began:5.1f} s")


def ready(address: str, seconds: float) -> None:
    say(f"\nThe portal is ready after {seconds:.1f} s: {address}\n")


def who_plays(sandbox: str | None) -> None:
    """Print which providers are real and which are played by the sandbox."""
    real = [name for key, name in NAMES.items() if env.is_set(key)]
    played = [name for name in NAMES.values() if name not in real]
    if real:
        say(f"  {' and '.join(real)}: real. What you do here happens there.")
    if played and sandbox:
        say(f"  {' and '.join(played)}: played by the sandbox ({sandbox}).")


def who_can_sign_in(people: list[dict[str, Any]], *, anyone: bool) -> None:
    if people:
        say("  These people of the sandbox can sign in:\n")
        for person in people:
            say("    {username:<6}{password:<17}{name}, {role}".format(**person))
    elif not anyone:
        say("  Nobody can sign in yet. Let the first person in from another terminal:")
        say(f"    {short(Path(sys.executable))} manage.py person NAME --role responder")


def how_to_stop(folder: Path) -> None:
    say(f"\n  Ctrl-C stops everything. The data stays in {short(folder)}; the logs are in its folder log.")


def stopped(seconds: float, folder: Path) -> None:
    say(f"Everything is stopped after {seconds:.1f} s. The data is kept in {short(folder)}.")


def note(line: str) -> None:
    say(f"  {time.strftime('%H:%M:%S')} {line}")


def short(path: Path) -> str:
    """The path relative to the project's folder, if it is inside."""
    return str(path.relative_to(env.ROOT)) if path.is_relative_to(env.ROOT) else str(path)
