"""The only reader of the environment.

A variable can be set directly or, for secrets, as NAME_FILE pointing to a file; what is not set may stand
in the file `.env` beside `manage.py` (`.env.example` names them all). What the local run (`make run`) has
started by itself, such as an embedded database, is written to a small file in the data folder and counts as
set when nothing else sets it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def env_file() -> dict[str, str]:
    """The NAME=value lines of `.env`; empty where there is none. PORTAL_ENV_FILE names another file."""
    try:
        lines = Path(os.environ.get("PORTAL_ENV_FILE", ROOT / ".env")).read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


_file = env_file()


def data_folder() -> Path:
    """Where the local run keeps its database, its queue and the sandbox's world."""
    named = os.environ.get("PORTAL_DATA") or _file.get("PORTAL_DATA")
    return (ROOT / named if named else ROOT / ".portal").resolve()


def started_by_local_run() -> dict[str, str]:
    """What `make run` started and is serving now; empty where it does not run."""
    try:
        read = json.loads((data_folder() / "running.json").read_text())
        os.kill(int(read["PORTAL_PID"]), 0)  # left behind by a run that was killed: of no use to anybody
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {str(key): str(value) for key, value in read.items()}


_local = started_by_local_run()


def text(name: str, default: str = "") -> str:
    return os.environ.get(name) or _file.get(name) or _local.get(name) or default


def secret(name: str) -> str:
    """A secret from NAME, or from the file that NAME_FILE names; "" where neither is set."""
    path = os.environ.get(f"{name}_FILE") or _file.get(f"{name}_FILE")
    if path:
        return Path(path).read_text().strip()
    return text(name)


def is_set(name: str) -> bool:
    """Has a person set it, directly or as a file? What the local run started does not count."""
    return any(where.get(key) for where in (os.environ, _file) for key in (name, f"{name}_FILE"))


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
    """The environment of a process that we start: ours, with these values on top."""
    return {**os.environ, **values}
