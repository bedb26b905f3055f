"""The usual Celery set-up as a baseline: late acknowledgment, redelivery after a lost worker, no row.

celery -A tests.chaos.naive worker
"""

from __future__ import annotations

import os
import threading
import time
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
from celery import Celery

from rollback_portal.processes.supervised import wait_until
from tests.chaos import oracle, plan
from tests.chaos.celery_messages import broker
from tests.chaos.inject import Injector

if TYPE_CHECKING:
    from tests.chaos.processes import Processes
    from tests.chaos.result import Result
    from tests.chaos.runs import Run

VISIBLE_AGAIN = 10  # seconds; an hour by default
KEYS = {"render": "rnd_sandbox", "vercel": "vcp_sandbox"}
TARGETS = 12


app = Celery("naive", broker=broker(os.environ.get("REDIS_URL", "memory://")))
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue="operations",
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": VISIBLE_AGAIN},
)


@app.task(bind=True, max_retries=5, default_retry_delay=1)
def roll_back(self: Any, provider: str, service: str, target: str) -> None:
    """Call the provider, and retry after any error, as the manual says."""
    sandbox, headers = os.environ["SANDBOX_URL"], {"Authorization": f"Bearer {KEYS[provider]}"}
    try:
        if provider == "render":
            path, body = f"/v1/services/{service}/rollback", {"deployId": target}
        else:
            path, body = f"/v1/projects/{service}/rollback/{target}?teamId=team_sandbox", {}
        answer = httpx.post(sandbox + path, json=body, headers=headers, timeout=15, trust_env=False)
        if answer.status_code == 429 or answer.status_code >= 500:
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise self.retry(exc=error) from error


class People:
    """Each person requests rollbacks of one service, one after the other, and waits for the provider."""

    def __init__(self, address: str, seed: int) -> None:
        self.client = httpx.Client(base_url=address, timeout=20, trust_env=False)
        self.seed = seed
        self.rows: list[oracle.Row] = []
        self.refused = 0
        self.done: set[tuple[str, str, int]] = set()
        self.stopped = threading.Event()
        self.threads: list[threading.Thread] = []

    def start(self, services: int) -> None:
        for number, (provider, service, targets) in enumerate(self._services(services)):
            rest = (provider, service, targets, Random(self.seed * 1000 + number))
            self.threads.append(threading.Thread(target=self._click_repeatedly, args=rest, daemon=True))
            self.threads[-1].start()

    def _services(self, many: int) -> list[tuple[str, str, list[str]]]:
        found = []
        listed = self.client.get("/_sandbox/state").json()["services"]
        render = [each for each in listed if each["provider"] == "render"][: many * 3 // 4]
        vercel = [each for each in listed if each["provider"] == "vercel"][: many - len(render)]
        for each in (*render, *vercel):
            found.append((each["provider"], each["id"], self._targets(each)))
        return found

    def _targets(self, service: dict[str, Any]) -> list[str]:
        headers = {"Authorization": f"Bearer {KEYS[service['provider']]}"}
        if service["provider"] == "render":
            path = f"/v1/services/{service['id']}/deploys?limit=40"
            rows = [row["deploy"] for row in self.client.get(path, headers=headers).json()]
            return [row["id"] for row in rows if row["status"] == "deactivated"][:TARGETS]
        path = f"/v6/deployments?projectId={service['id']}&teamId=team_sandbox&limit=40&target=production"
        rows = self.client.get(path, headers=headers).json()["deployments"]
        return [row["uid"] for row in rows if row.get("isRollbackCandidate")][:TARGETS]

    def _click_repeatedly(self, provider: str, service: str, targets: list[str], random: Random) -> None:
        number = random.randrange(TARGETS)
        while not self.stopped.is_set():
            number += 1
            target = targets[number % len(targets)]
            try:
                clicked = time.time()
                roll_back.apply_async((provider, service, target), retry=False)
            except Exception:
                self.refused += 1
                self.stopped.wait(0.5)
                continue
            row = oracle.Row(str(uuid4()), service, target, "succeeded", clicked)
            self.rows.append(row)
            wait_until(lambda row=row: self.stopped.is_set() or self._is_done(row), 15, pause=0.3)  # type: ignore[misc]
            self.stopped.wait(0.2)

    def _is_done(self, row: oracle.Row) -> bool:
        mine = [order for order in list(self.orders) if order.target == row.target and order.applied]
        return any(order.at >= row.asked_for_at - oracle.EARLY for order in mine)

    orders: list[oracle.Order] = []


def play(run: Run, processes: Processes, seed: int) -> Result:
    """Play a run with the same faults, provider and judge as the product."""
    from tests.chaos import portal_database

    portal_database.connect_to_portal(processes)
    from tests.chaos import facts
    from tests.chaos.result import Result

    app.conf.update(broker_url=broker(processes.environment["REDIS_URL"]))
    processes.start_portal()
    time.sleep(6)
    people = People(processes.address, seed)
    faults = plan.draw_plan(seed, seconds=run.seconds, every=run.every, kinds=run.kinds, most=run.most)
    injector = Injector(processes, [fault for fault in faults if fault.kind != plan.CHILD_KILLED],
                        storm=lambda copies: None, cut_locks=lambda: None)  # fmt: skip
    people.start(run.services)
    began = time.monotonic()
    while (now := time.monotonic() - began) < run.seconds:
        injector.step(now)
        people.orders = facts.orders(processes.address)
        time.sleep(0.1)
    people.stopped.set()
    injector.calm()
    wait_until(lambda: False, run.drain)  # several visibility time-outs
    orders = facts.orders(processes.address)
    rows = list(people.rows)
    acknowledged = {row.operation for row in rows}
    found = oracle.judge(acknowledged=acknowledged, rows=rows, orders=orders, audit={}, final=False)
    received = oracle.received_at(rows, orders)
    reached = {message for message in found.lost if message.split(" ")[0] in received}
    found.untrue += sorted(reached)  # the provider refused it, and no record says so
    found.lost = [message for message in found.lost if message not in reached]
    return Result(
        name=run.name, without="", seed=seed, seconds=time.monotonic() - began, faults=injector.done,
        acknowledged=len(rows), refused=people.refused, turned_away=0, in_flight=0, read_back=0,
        ended={}, findings=found.all(),
        receipt=sorted(
            received[row.operation] - row.asked_for_at for row in rows if row.operation in received
        ),
        end=[],
    )  # fmt: skip
