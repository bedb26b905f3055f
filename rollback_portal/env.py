"""The only reader of the environment.

A variable is set directly or, for secrets, by NAME_FILE, the path of a file that holds it. Variables that are
not set are read from `.env` beside `manage.py` (`.env.example` lists them all). Last come the values that a
running `make run` notes in the data folder, such as the address of its embedded database.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EVERY_PROGRAM = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "LANG", "TZ")


def env_file() -> dict[str, str]:
    """The NAME=value lines of `.env`, or of the file that PORTAL_ENV_FILE names; empty if there is none."""
    try:
        lines = Path(os.environ.get("PORTAL_ENV_FILE", ROOT / ".env")).read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


_file = env_file()


def data_folder() -> Path:
    """Where the local run keeps its database, its queue and the state of the sandbox."""
    path = os.environ.get("PORTAL_DATA") or _file.get("PORTAL_DATA") or ".portal"
    return (ROOT / path).resolve()


def started_by_local_run() -> dict[str, str]:
    """The values noted by a running `make run`; empty if none runs."""
    try:
        noted = json.loads((data_folder() / "running.json").read_text())
        os.kill(int(noted["PORTAL_PID"]), 0)  # raises for a file that a killed run left behind
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {str(key): str(value) for key, value in noted.items()}


_local = started_by_local_run()


def text(name: str, default: str = "") -> str:
    return os.environ.get(name) or _file.get(name) or _local.get(name) or default


def secret(name: str) -> str:
    """A secret from the file that NAME_FILE names, or from NAME; "" if neither is set."""
    path = os.environ.get(f"{name}_FILE") or _file.get(f"{name}_FILE")
    if path:
        return Path(path).read_text().strip()
    return text(name)


def is_set(name: str) -> bool:
    """Whether a person has set it, directly or by NAME_FILE; the values of the local run do not count."""
    return any(source.get(key) for source in (os.environ, _file) for key in (name, f"{name}_FILE"))


def flag(name: str, *, default: bool = False) -> bool:
    value = text(name).strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ValueError(f"{name} is {value!r}; it has to be one of 1, true, yes, on, 0, false, no, off.")


def number(name: str, default: int) -> int:
    value = text(name).strip()
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"{name} is {value!r}; it has to be a whole number.") from None


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def for_child(**values: str) -> dict[str, str]:
    """The environment for a process of the portal itself: ours, with its secrets, and these values."""
    return {**os.environ, **values}


def for_program(*more: str, **values: str) -> dict[str, str]:
    """The environment for any other program: a named list, without a secret, and these values.

    Args:
        more: names of further variables that the program needs.
    """
    named = (name for name in (*EVERY_PROGRAM, *more) if name in os.environ)
    return {**{name: os.environ[name] for name in named}, **values}
