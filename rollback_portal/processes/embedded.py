"""Where a package of requirements-local.txt keeps the server that it embeds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from rollback_portal.processes.supervised import CannotRun


def package_folder(package: str, *, server: str, variable: str) -> Path:
    """The folder of an installed package.

    Raises:
        CannotRun: it is not installed; names the variable that leads to another server.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise CannotRun(
            f"{variable} is not set and the embedded {server} is not installed. "
            f"Set {variable}, or install requirements-local.txt."
        )
    return Path(found.submodule_search_locations[0])
