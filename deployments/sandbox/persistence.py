"""Saves the sandbox's state to a file, so that it survives a restart; time goes on while it is stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path

from deployments.sandbox.clock import PACES
from deployments.sandbox.company.companies import big_company, small_company, wide_company
from deployments.sandbox.world import World

COMPANIES = {"small": small_company, "big": big_company, "wide": wide_company}


class WorldFile:
    """Called with the world to save it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, world: World) -> None:
        """Write a new file and rename it, so that a crash leaves the old one intact."""
        new = self.path.with_name(f"{self.path.name}.new")
        new.write_text(json.dumps(world.to_json()))
        os.replace(new, self.path)


def open_world(path: Path | None, company: str, pace: str, commits: Path | None = None) -> World:
    """The saved world, or a new one where there is none.

    `commits` is a JSON file with the SHAs of a real repository, which the commits of a new world take over.
    """
    if path and path.exists():
        return World.from_json(json.loads(path.read_text()), pace=PACES[pace]())
    named = json.loads(commits.read_text()) if commits else {}
    return COMPANIES[company](pace=PACES[pace](), named=named)
