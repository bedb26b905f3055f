"""PostgreSQL is frozen: pages, workers and dispatchers time out, and go on when it is back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client

from deployments.models import Change
from deployments.sandbox.server.faults import Fault
from rollback_portal import env
from rollback_portal.local import parts
from rollback_portal.processes.supervised import wait_until
from tests.deployments.conftest import Portal, opened
from tests.deployments.real_processes import RealProcesses, processes, says
from tests.support.own_postgresql import Server, own_postgresql, run

pytestmark = pytest.mark.long
PATIENCE = "5"  # seconds, as in production; the tests' own servers are given more
BOUND = 12.0  # seconds: one statement's patience, once more for the pool, and some work
LONG = 120.0
BUSY = 20  # times the slowest answer while nothing was frozen: what this machine's other work may add


@pytest.fixture
def own_server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Server]:
    with django_db_blocker.unblock(), own_postgresql() as started:
        yield started


@dataclass(frozen=True, slots=True)
class Web:
    """The web server, and the cookies of a signed-in person."""

    address: str
    cookies: dict[str, str]

    def get(self, path: str) -> tuple[int, float]:
        """The status and how many seconds it took."""
        began = time.monotonic()
        answer = httpx.get(self.address + path, cookies=self.cookies, timeout=LONG, trust_env=False)
        return answer.status_code, time.monotonic() - began

    def one_by_one(self, path: str, times: int) -> list[tuple[int, float]]:
        """Requests one after the other, as a load balancer sends them."""
        answers = []
        for _ in range(times):
            time.sleep(0.1)
            answers.append(self.get(path))
        return answers

    def at_once(self, path: str, visitors: int) -> list[tuple[int, float]]:
        with ThreadPoolExecutor(visitors) as pool:
            return list(pool.map(self.get, [path] * visitors))


@pytest.fixture
def web_server(own_server: Server, settings: Any) -> Iterator[Web]:
    with opened(settings) as portal:
        client = Client()
        client.force_login(portal.ana)
    static = str(own_server.folder / "static")
    run("collectstatic", "--noinput", "--verbosity", "0", DATABASE_URL=own_server.url, STATIC_ROOT=static)
    environment = env.for_child(
        DJANGO_SETTINGS_MODULE="rollback_portal.settings",
        DATABASE_URL=own_server.url,
        DATABASE_PATIENCE=PATIENCE,
        STATIC_ROOT=static,
    )
    listener = parts.listen(0)
    port = int(listener.getsockname()[1])
    process = parts.web(listener, own_server.folder, environment)
    process.start()
    ready = Web(f"http://127.0.0.1:{port}", {name: morsel.value for name, morsel in client.cookies.items()})
    try:
        assert wait_until(lambda: parts.page_status(port, "/livez") == 200, 60), process.log_tail()
        yield ready
    finally:
        process.kill()
        listener.close()


def test_pages_answer_503_within_seconds_and_come_back(
    own_server: Server, web_server: Web, capsys: Any
) -> None:
    healthy = web_server.at_once("/", 6)
    assert [status for status, _ in healthy] == [200] * 6
    bound = BOUND + BUSY * max(took for _, took in healthy)
    own_server.freeze()
    with ThreadPoolExecutor(1) as aside:
        alive = aside.submit(web_server.one_by_one, "/livez", 20)
        first = web_server.at_once("/", 6)
        lives = alive.result()
    ready = web_server.get("/readyz")
    later = [web_server.get("/") for _ in range(3)]
    own_server.thaw()
    thawed = time.monotonic()
    assert wait_until(lambda: web_server.get("/")[0] == 200, LONG, pause=0.2)
    back = time.monotonic() - thawed

    assert {status for status, _ in first} == {503}
    assert max(took for _, took in first) < bound
    assert {status for status, _ in lives} == {200}
    assert ready[0] == 503
    assert ready[1] < bound
    assert {status for status, _ in later} == {503}
    with capsys.disabled():
        print(  # noqa: T201
            f"\nfrozen: first pages {min(t for _, t in first):.1f} to {max(t for _, t in first):.1f} s, "
            f"/readyz {ready[1]:.1f} s, later pages {max(t for _, t in later):.1f} s, "
            f"/livez at most {max(t for _, t in lives):.2f} s; back {back:.1f} s after the thaw"
        )


def test_more_visitors_than_threads_are_all_answered(
    own_server: Server, web_server: Web, capsys: Any
) -> None:
    """The first requests use up all threads; those that wait behind them are answered at once."""
    healthy = web_server.get("/")
    assert healthy[0] == 200
    own_server.freeze()
    with ThreadPoolExecutor(1) as aside:
        alive = aside.submit(web_server.one_by_one, "/livez", 3)
        answers = web_server.at_once("/", 40)
        lives = alive.result()
    own_server.thaw()
    with capsys.disabled():
        print(  # noqa: T201
            f"\nfrozen, 40 visitors: the last one answered after {max(t for _, t in answers):.1f} s, "
            f"/livez after {max(t for _, t in lives):.1f} s at most"
        )
    assert {status for status, _ in answers} == {503}
    assert max(took for _, took in answers) < 2 * BOUND + 40 * BUSY * healthy[1]
    assert {status for status, _ in lives} == {200}


@pytest.fixture
def own_portal(own_server: Server, settings: Any) -> Iterator[Portal]:
    with opened(settings) as ready:
        ready.world.pace = replace(ready.world.pace, release=6.0)
        yield ready


@pytest.fixture
def staff(own_portal: Portal, tmp_path: Path) -> Iterator[RealProcesses]:
    """With a short lease, so that an interrupted job is soon taken over."""
    with processes(tmp_path, own_portal.sandbox, DATABASE_PATIENCE="2", LEASE_SECONDS="6") as started:
        worker = started.worker()
        started.dispatcher()
        says(worker, " ready.")
        yield started


def reached(change: Change, *statuses: str) -> bool:
    now = Change.objects.filter(pk=change.pk, status__in=statuses)
    return wait_until(now.exists, 60, pause=0.02)


def freeze_for(own_server: Server, seconds: float) -> None:
    own_server.freeze()
    time.sleep(seconds)  # the outage itself, longer than every timeout
    own_server.thaw()


def test_workers_reconnect_and_finish_the_operation(
    own_server: Server, own_portal: Portal, staff: RealProcesses
) -> None:
    change = own_portal.ask(own_portal.api, own_portal.candidate(own_portal.api))
    assert reached(change, "accepted")

    freeze_for(own_server, 4)

    assert reached(change, "succeeded"), Change.objects.get().message
    assert len(own_portal.posts()) == 1
    assert all(process.is_running for process in staff.processes)


def test_an_order_sent_during_the_outage_is_read_back_and_not_sent_twice(
    own_server: Server, own_portal: Portal, staff: RealProcesses
) -> None:
    own_portal.sandbox.faults.add(Fault(on="render.rollback", do="slow", seconds=1))
    change = own_portal.ask(own_portal.api, own_portal.candidate(own_portal.api))
    assert wait_until(lambda: len(own_portal.posts()) == 1, 60, pause=0.01)

    freeze_for(own_server, 8)  # the answer comes meanwhile and cannot be saved

    assert reached(change, "succeeded", "needs_attention", "failed")
    change.refresh_from_db()
    assert (change.status, len(own_portal.posts())) == ("succeeded", 1), change.message
    assert "unclear" in change.status_times
    assert all(process.is_running for process in staff.processes)
