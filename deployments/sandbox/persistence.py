"""Keeps the world in a file, so that history survives a restart; time goes on while it is stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path

from deployments.sandbox.clock import PACES
from deployments.sandbox.company.story import big_company, small_company
from deployments.sandbox.world import World

COMPANIES = {"small": small_company, "big": big_company}


class Keeper:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, world: World) -> None:
        """Write it beside and move it over, so that a crash leaves the old one whole."""
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.write_text(json.dumps(world.to_json()))
        os.replace(beside, self.path)


def open_world(path: Path | None, company: str, pace: str, commits: Path | None = None) -> World:
    """The kept world, or a new company where there is none yet, its commits those of a real repository."""
    if path and path.exists():
        return World.from_json(json.loads(path.read_text()), pace=PACES[pace]())
    named = json.loads(commits.read_text()) if commits else {}
    return COMPANIES[company](pace=PACES[pace](), named=named)
