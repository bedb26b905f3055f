"""Plays one run in its own process: `python -m tests.chaos.single_run RUN …` prints the result as JSON.

The parent (`__main__.py`) makes the database template and prints the table.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rollback_portal.local.throwaway import temporary_folder
from tests.chaos import celery_messages, plan, points, portal_database
from tests.chaos.inject import Injector
from tests.chaos.processes import Processes
from tests.chaos.result import Result, short_of
from tests.chaos.runs import ACKNOWLEDGED, IN_FLIGHT, Run
from tests.chaos.setting import Setting

if TYPE_CHECKING:
    from tests.chaos.load import People
    from tests.chaos.oracle import Findings

LOOK_EVERY = 3.0  # seconds, in runs that end as soon as they are caught
COUNT_EVERY = 0.5  # seconds, in runs that end with their numbers


def play(run: Run, seed: int, without: str, template: Path) -> Result:
    """Start the processes, inject the faults, wait for the end of all operations, judge, and stop."""
    folder = temporary_folder()
    setting = Setting(seed=seed, without=without, **run.setting)
    processes = Processes(folder, setting)
    try:
        processes.start_servers(template)
        if setting.naive:
            from tests.chaos import naive

            return naive.play(run, processes, seed)
        return _play(run, processes, seed, without)
    finally:
        processes.stop()


def _play(run: Run, processes: Processes, seed: int, without: str) -> Result:
    portal_database.connect_to_portal(processes)
    from tests.chaos import facts, load

    if without == "index":
        portal_database.drop_index()
    user, services = load.prepare_people("ana", run.services)
    processes.start_portal()
    portal_database.wait_for_portal(processes)
    people = load.People(user, processes.web_address, seed, run.clicks, run.pause)
    people.after_click = _after_a_click(run.copies or int(without == "dispatcher"))
    faults = plan.draw_plan(
        seed, seconds=run.seconds, every=run.every, kinds=run.kinds, most=run.most, longer=run.longer
    )
    injector = Injector(processes, faults, storm=portal_database.storm, cut_locks=portal_database.cut_locks)
    samples = facts.Samples()
    samples.start()
    people.start(services)
    processes.start_cutting()
    began = time.monotonic()
    in_flight, caught = _break(run, processes, injector, samples, people, began, bool(without))
    crashed_at = time.time()
    people.stop()
    points.Deaths(processes.deaths).end()
    injector.calm()
    _drain(run, processes, injector, began, people, caught is not None)
    samples.stop()
    return _result(run, processes, injector, people, samples, in_flight, caught, crashed_at, began, without)


def _after_a_click(copies: int) -> Callable[[int], None]:
    """Publish this many messages for each new operation; the product itself publishes none then."""

    def publish_copies(pk: int) -> None:
        for _ in range(copies):
            celery_messages.publish(pk)

    return publish_copies


def _break(
    run: Run,
    processes: Processes,
    injector: Injector,
    samples: Any,
    people: People,
    began: float,
    mutant: bool,
) -> tuple[set[str], float | None]:
    """Inject the faults under load; return the operations in flight at one, and when a mutant was caught."""
    in_flight: set[str] = set()
    looked = counted = 0.0
    while (now := time.monotonic() - began) < run.seconds:
        under_way = set(samples.active)
        if injector.step(now):
            in_flight |= under_way
        if mutant and now - looked > LOOK_EVERY:
            looked = now
            if _caught(processes, people, samples):
                return in_flight, now
        if run.until and now - counted > COUNT_EVERY:
            counted = now
            if not short_of(run.until, _counted(processes, injector, in_flight)):
                break
        time.sleep(0.05)
    if run.blackout:
        in_flight |= set(samples.active)
        for process in (*processes.workers, *processes.dispatchers):
            process.kill()
        injector.done["everything killed at once"] = 1
    return in_flight, None


def _counted(processes: Processes, injector: Injector, in_flight: set[str]) -> dict[str, int]:
    """Return how often each event has happened so far, by its name in the table."""
    from tests.chaos import facts

    deaths = points.Deaths(processes.deaths)
    counted = {**injector.done, **processes.cuts(), **processes.given(), **deaths.counted()}
    counted |= {IN_FLIGHT: len(in_flight | deaths.operations())}
    counted |= facts.read_back()
    return counted | (
        {celery_messages.DELIVERED: celery_messages.delivered.total}
        if celery_messages.delivered.total
        else {}
    )


def _caught(processes: Processes, people: People, samples: Any) -> bool:
    return _judge(processes, people, samples, final=False).red


def _drain(
    run: Run, processes: Processes, injector: Injector, began: float, people: People, caught: bool
) -> None:
    """Wait without new faults: every acknowledged operation has to end within the bound."""
    from django.db import DatabaseError, connection

    from deployments.models import Change

    deadline = time.monotonic() + (0 if caught else run.drain)
    while time.monotonic() < deadline:
        try:
            if not Change.objects.active().exists():
                return
            people.cancel_long_waits()
        except DatabaseError:
            connection.close()
        injector.step(time.monotonic() - began)
        time.sleep(0.25)


def _judge(processes: Processes, people: People, samples: Any, *, final: bool) -> Findings:
    from django.db import DatabaseError, connection

    from tests.chaos import facts, oracle

    for attempt in range(5):
        try:
            before, orders, after = (
                facts.rows(),
                facts.orders(processes.address, processes.setting.skew),
                facts.rows(),
            )
            audit = facts.audit() if final else {}
            break
        except DatabaseError:
            connection.close()
            time.sleep(0.5 * (attempt + 1))
    else:
        raise RuntimeError("PostgreSQL did not come back.")
    acknowledged = [answer.operation for answer in list(people.acknowledged)]
    return oracle.judge(
        acknowledged=acknowledged if final else (),
        rows=oracle.as_they_were(before, after),
        orders=orders,
        audit=audit,
        crowded=samples.crowded[:5],
        final=final,
    )


def _result(
    run: Run, processes: Processes, injector: Injector, people: People, samples: Any, in_flight: set[str],
    caught: float | None, crashed_at: float, began: float, without: str,
) -> Result:  # fmt: skip
    from tests.chaos import facts, oracle

    judged = _judge(processes, people, samples, final=caught is None)
    rows = facts.rows()
    received = oracle.received_at(rows, facts.orders(processes.address, processes.setting.skew))
    ended = {row.operation: row.ended_at for row in rows if row.ended_at}
    clicked = {answer.operation: answer.clicked_at for answer in people.acknowledged}
    if run.blackout:
        clicked = {key: crashed_at for key in clicked if key in in_flight and ended.get(key, 0) > crashed_at}
    statuses = sorted({row.status for row in rows})
    faults = _counted(processes, injector, in_flight)
    wanted = {ACKNOWLEDGED: run.least, **run.until}
    return Result(
        name=run.name,
        without=without,
        seed=processes.setting.seed,
        seconds=time.monotonic() - began,
        faults={kind: many for kind, many in faults.items() if kind != IN_FLIGHT},
        acknowledged=len(people.acknowledged),
        refused=people.refused,
        turned_away=people.turned_away,
        in_flight=faults[IN_FLIGHT],
        read_back=sum(row.read_back for row in rows),
        ended={status: sum(row.status == status for row in rows) for status in statuses},
        findings=judged.all(),
        receipt=sorted(received[key] - at for key, at in clicked.items() if received.get(key, 0) > at),
        end=sorted(ended[key] - at for key, at in clicked.items() if key in ended),
        caught_after=caught,
        short=[] if without else short_of(wanted, {**faults, ACKNOWLEDGED: len(people.acknowledged)}),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="the run as JSON")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--without", default="")
    parser.add_argument("--template", type=Path, required=True)
    args = parser.parse_args()
    result = play(Run(**json.loads(args.run)), args.seed, args.without, args.template)
    sys.stdout.write(json.dumps(asdict(result)) + "\n")


if __name__ == "__main__":
    main()
