"""`python manage.py sandbox`: both providers simulated on loopback, to run the portal without API keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from deployments.sandbox.server.serve import HOST, add_arguments, serve


class Command(BaseCommand):
    help = "Serve the sandbox: Render and Vercel, played on loopback."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(
        self, *, port: int, keep: Path | None, pace: str, company: str, commits: Path | None, **options: Any
    ) -> None:
        self.stdout.write(f"The sandbox answers on http://{HOST}:{port} (Render: /v1). Ctrl-C stops it.")
        self.stdout.flush()
        serve(port, keep, pace, company, commits)
