"""Starts a worker or a dispatcher of a chaos run, with shorter time-outs or without a safety measure.

    python -m tests.chaos.worker [--without PART] [--die-at POINT] [--ahead SECONDS] worker …
        (followed by Celery's own arguments)
    python -m tests.chaos.worker [--without PART] dispatch

The product itself knows none of these switches: everything here is patched in before it starts.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django
from django.utils import timezone

from tests.chaos import points
from tests.chaos.patching import replace_parts

PATIENCE = 3.0  # seconds for an answer; 15 in production


def main() -> None:
    args, rest = arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rollback_portal.settings")
    django.setup()
    lift_limits()
    if not args.real_time:
        shorten()
    if args.before or args.after:
        hold_up_orders(args.before, args.after)
    if args.ahead:
        set_clock(timedelta(seconds=args.ahead))
    if args.without:
        from tests.chaos import mutants

        mutants.take_out(args.without)
    if args.die_at and rest != ["dispatch"]:
        deaths = points.Deaths(args.written_to, args.seed, args.share, args.deaths)
        points.install_points(args.die_at, deaths)
    start(rest)


def arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", default="")
    parser.add_argument("--real-time", action="store_true", help="keep the production time-outs")
    parser.add_argument("--before", type=float, default=0, help="seconds between intent and check")
    parser.add_argument("--after", type=float, default=0, help="seconds between check and first byte")
    parser.add_argument("--die-at", action="append", default=[], choices=(*points.NAMES, points.HELD_UP))
    parser.add_argument("--ahead", type=float, default=0, help="seconds that this machine's clock is ahead")
    parser.add_argument("--share", type=float, default=0.3, help="share of passages of a point that kill")
    parser.add_argument("--deaths", type=int, default=0, help="limit of kills at each point")
    parser.add_argument("--seed", type=int, default=0, help="decides which passages kill the worker")
    parser.add_argument("--written-to", type=Path, help="the folder that records the kills")
    return parser.parse_known_args()


def start(rest: list[str]) -> None:
    from django.core.management import call_command

    from rollback_portal.celery import app

    if rest == ["dispatch"]:
        call_command("dispatch")
    else:
        app.worker_main(rest)


def lift_limits() -> None:
    """Raise the rate limits a hundredfold, because chaos runs roll back all the time."""
    from deployments.providers import rate_limit

    for limits in rate_limit.LIMITS.values():
        limits.update({bucket: limit * 100 for bucket, limit in limits.items()})


def shorten() -> None:
    """Wait 3 s for answers instead of 15, so that an interrupted operation is settled sooner."""
    from deployments import clients
    from deployments.operations.steps import send_order
    from deployments.providers.http import Timeout
    from deployments.providers.render.client import open_render
    from deployments.providers.vercel.client import open_vercel

    timeout = Timeout(connect=2.0, read=PATIENCE, write=2.0, pool=2.0)
    replace_parts(
        clients,
        open_render=partial(open_render, timeout=timeout),
        open_vercel=partial(open_vercel, timeout=timeout),
    )
    send_order.LONGEST_CALL = timedelta(seconds=PATIENCE)


def set_clock(ahead: timedelta) -> None:
    """Let this process, which stands for a machine, have a clock of its own."""
    replace_parts(timezone, now=lambda: datetime.now(UTC) + ahead)


def hold_up_orders(before: float, after: float) -> None:
    """Delay the first byte after the committed intent, so that a freeze can happen in between."""
    from deployments.providers.http import FIRST_BYTE, ProviderConnection

    check = ProviderConnection._check_deadline

    def held_up(
        self: ProviderConnection, deadline: float | None, event: str = FIRST_BYTE, info: Any = None
    ) -> None:
        in_the_pool = info is not None and deadline is not None and event.endswith(FIRST_BYTE)
        if in_the_pool:
            time.sleep(before)
        check(self, deadline, event, info)
        if in_the_pool:
            time.sleep(after)

    replace_parts(ProviderConnection, _check_deadline=held_up)


if __name__ == "__main__":
    sys.argv[0] = "chaos-worker"
    main()
