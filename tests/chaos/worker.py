"""Starts a worker or a dispatcher for a chaos run: the product, with shorter time-outs, or with one part out.

    python -m tests.chaos.worker [--without PART] [--die-at POINT] worker … (Celery's own arguments)
    python -m tests.chaos.worker [--without PART] dispatch

The product itself knows none of these switches: everything here is patched in before it starts.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django

from tests.chaos import points
from tests.chaos.patching import put

PATIENCE = 3.0  # seconds for an answer; 15 in production


def main() -> None:
    given, rest = arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rollback_portal.settings")
    django.setup()
    lift_limits()
    if not given.real_time:
        shorten()
    if given.before or given.after:
        hold_up_orders(given.before, given.after)
    if given.without:
        from tests.chaos import mutants

        mutants.take_out(given.without)
    if given.die_at and rest != ["dispatch"]:
        deaths = points.Deaths(given.written_to, given.seed, given.share, given.deaths)
        points.put_in(given.die_at, deaths)
    start(rest)


def arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", default="")
    parser.add_argument("--real-time", action="store_true", help="keep the production time-outs")
    parser.add_argument("--before", type=float, default=0, help="seconds between intent and check")
    parser.add_argument("--after", type=float, default=0, help="seconds between check and first byte")
    parser.add_argument("--die-at", action="append", default=[], choices=(*points.NAMES, points.HELD_UP))
    parser.add_argument("--share", type=float, default=0.3, help="of passages of a point that are deaths")
    parser.add_argument("--deaths", type=int, default=0, help="at most so many at each point")
    parser.add_argument("--seed", type=int, default=0, help="decides which passages are deaths")
    parser.add_argument("--written-to", type=Path, help="the folder where deaths are written down")
    return parser.parse_known_args()


def start(rest: list[str]) -> None:
    from django.core.management import call_command

    from rollback_portal.celery import app

    if rest == ["dispatch"]:
        call_command("dispatch")
    else:
        app.worker_main(rest)


def lift_limits() -> None:
    """An account with a hundred times the usual rate limits: chaos rolls back all the time."""
    from deployments.providers import rate_limit

    for limits in rate_limit.LIMITS.values():
        limits.update({bucket: limit * 100 for bucket, limit in limits.items()})


def shorten() -> None:
    """Answers are waited for 3 s instead of 15, so that an interrupted operation is settled sooner."""
    from deployments import clients
    from deployments.operations.steps import send_order
    from deployments.providers.http import Timeout
    from deployments.providers.render.client import open_render
    from deployments.providers.vercel.client import open_vercel

    timeout = Timeout(connect=2.0, read=PATIENCE, write=2.0, pool=2.0)
    put(
        clients,
        open_render=partial(open_render, timeout=timeout),
        open_vercel=partial(open_vercel, timeout=timeout),
    )
    send_order.LONGEST_CALL = timedelta(seconds=PATIENCE)


def hold_up_orders(before: float, after: float) -> None:
    """Stretch the moment between the committed intent and the first byte, so that a freeze can hit it."""
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

    put(ProviderConnection, _check_deadline=held_up)


if __name__ == "__main__":
    sys.argv[0] = "chaos-worker"
    main()
